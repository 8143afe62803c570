"""The Kubernetes roles of a plan: kubernetes_rights.yaml for each of its kinds."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.deployer.tables import entry_of, read_tables
from tools.preview.recording import COMPUTED, Recording, Resource

RIGHTS = Path(__file__).parent / "kubernetes_rights.yaml"
RBAC = "rbac.authorization.k8s.io"
_RELEASE = "kubernetes:helm.sh/v3:Release"
_CLUSTER = ""

Rule = dict[str, Any]


@functools.cache
def rights() -> dict[str, Any]:
    """The content of kubernetes_rights.yaml."""
    return read_tables(RIGHTS)


def kubernetes_roles(recording: Recording, name: str, group: str) -> list[dict[str, Any]]:
    """A ClusterRole for what belongs to no namespace, and a Role in each namespace of the plan,
    bound to a group.

    The rights that the portal's own roles grant are among them: Kubernetes lets nobody create a
    role with rights that he doesn't have. name: of roles and bindings.
    """
    rules: dict[str, list[Rule]] = {}
    for _, resource in sorted(recording.resources.items()):
        for namespace, rule in _rules(resource):
            rules.setdefault(namespace, []).append(rule)
    for namespace, rule in _reads(recording):
        rules.setdefault(namespace, []).append(rule)
    found: list[dict[str, Any]] = []
    for namespace, needed in sorted(rules.items()):
        found += _role(name, group, namespace, merged(needed))
    return found


def preview_roles(recording: Recording, name: str, group: str) -> list[dict[str, Any]]:
    """What a preview reads in the cluster: a namespace that the stack doesn't create."""
    found: list[dict[str, Any]] = []
    for namespace, rule in _reads(recording):
        found += _role(name, group, namespace, [rule])
    return found


def _reads(recording: Recording) -> Iterator[tuple[str, Rule]]:
    for type_, id_ in recording.reads:
        resource = _entry("kinds", type_)["resource"]
        # A namespace: it is a resource in itself.
        yield id_, {**_rule([""], [resource], ["get"]), "resourceNames": [id_]}


def _rules(resource: Resource) -> Iterator[tuple[str, Rule]]:
    """Rules for one resource, each with its namespace; an empty one is the cluster."""
    if not resource.type.startswith("kubernetes:"):
        return
    if resource.type == _RELEASE:
        yield from _chart(resource)
        return
    entry = _entry("kinds", resource.type)
    namespace = _CLUSTER
    if entry.get("scope") != "cluster":
        namespace = resource.inputs["metadata"]["namespace"]
        for awaited in (*rights()["awaits"], *entry.get("awaits", ())):
            api_group, _, plural = awaited.rpartition("/")
            yield namespace, _rule([api_group], [plural], ["get", "list", "watch"])
    api_group = resource.inputs["apiVersion"].rpartition("/")[0]
    yield namespace, _rule([api_group], [entry["resource"]], rights()["verbs"])
    for granted in resource.inputs.get("rules", ()):
        # A name that Pulumi generates: the rule without it, which includes the one with it.
        if COMPUTED in granted.get("resourceNames", ()):
            granted = {key: value for key, value in granted.items() if key != "resourceNames"}
        yield namespace, granted


def _chart(release: Resource) -> Iterator[tuple[str, Rule]]:
    entry = _entry("charts", release.inputs["chart"])
    for rule in entry["namespace"]:
        yield release.inputs["namespace"], rule
    for rule in entry["cluster"]:
        yield _CLUSTER, rule


def _entry(table: str, name: str) -> Any:
    content = "its resource, its scope and what Pulumi watches until it is ready"
    return entry_of(rights(), RIGHTS, table, name, content)


def _rule(api_groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str]) -> Rule:
    return {"apiGroups": list(api_groups), "resources": list(resources), "verbs": list(verbs)}


def merged(rules: Sequence[Rule]) -> list[Rule]:
    """The same rights with each resource once, and resources of the same verbs in one rule."""
    verbs: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}
    for rule in rules:
        names = tuple(sorted(rule.get("resourceNames", ())))
        for api_group in rule["apiGroups"]:
            for resource in rule["resources"]:
                verbs.setdefault((api_group, resource, names), set()).update(rule["verbs"])
    together: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (api_group, resource, names), allowed in sorted(verbs.items()):
        # Whatever the resource without a name allows, it allows with each name.
        own = allowed - verbs[api_group, resource, ()] if names and (
            api_group, resource, ()) in verbs else allowed  # fmt: skip
        if own:
            together.setdefault((api_group, names, tuple(sorted(own))), []).append(resource)
    return [
        {
            "apiGroups": [api_group],
            "resources": resources,
            **({"resourceNames": list(names)} if names else {}),
            "verbs": list(allowed),
        }
        for (api_group, names, allowed), resources in sorted(together.items())
    ]


def _role(name: str, group: str, namespace: str, rules: list[Rule]) -> list[dict[str, Any]]:
    """A role and its binding to the group."""
    metadata: Mapping[str, str] = {"name": name, **({"namespace": namespace} if namespace else {})}
    kind = "Role" if namespace else "ClusterRole"
    subject = {"kind": "Group", "name": group, "apiGroup": RBAC}
    return [
        {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": dict(metadata), "rules": rules},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": dict(metadata),
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
            "subjects": [subject],
        },
    ]
