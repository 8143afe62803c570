"""Rights in the cluster, and who has them.

Controls: CIS Kubernetes Benchmark 1.8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from policy.node import Node, UnknownError
from policy.plan import Plan, Resource
from policy.rule import each, rule, together

RIGHTS = tuple(
    f"kubernetes:rbac.authorization.k8s.io/v1:{kind}" for kind in ("ClusterRole", "Role")
)
CLUSTER_BINDING = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"
BINDINGS = tuple(f"{kind}Binding" for kind in RIGHTS)
_ANYONE = {
    *("system:anonymous", "system:authenticated", "system:unauthenticated"),
    *("system:serviceaccounts", "default"),
}
_EVERYWHERE = {"admin", "edit"}  # of each namespace, with its Secrets


def _rights(resource: Resource, check: Callable[[Node], str | None]) -> Iterator[str]:
    """What a check says of each rule of a role, which may have those of other roles."""

    def aggregated(selector: Node) -> str:
        if not selector.entries:
            return f"{selector.path}: the rights of every ClusterRole"
        raise UnknownError(f"{selector.path}, whose ClusterRoles the cluster knows")

    selectors = resource.inputs.at("aggregationRule", "clusterRoleSelectors").items
    yield from together(each(resource.inputs.at("rules").items, check), each(selectors, aggregated))


@rule(
    "rbac-no-wildcards",
    *RIGHTS,
    controls=("CIS K8s 5.1.3",),
    severity="high",
    what="rights in the cluster name resources and verbs",
    fix="the resources and verbs that are needed",
)
def rbac_wildcards(resource: Resource, _: Plan) -> Iterator[str]:
    def check(rights: Node) -> str | None:
        keys = ("apiGroups", "resources", "verbs", "nonResourceURLs")
        wide = [key for key in keys if rights.at(key).texts & {"*", "/*"}]
        return f"{rights.path}: * in {', '.join(wide)}" if wide else None

    yield from _rights(resource, check)


@rule(
    "rbac-no-secrets",
    *RIGHTS,
    controls=("CIS K8s 5.1.2",),
    severity="high",
    what="no right reads every Secret of a namespace",
    fix="resourceNames with the Secrets that are needed, or no right at all",
)
def rbac_secrets(resource: Resource, _: Plan) -> Iterator[str]:
    def check(rights: Node) -> str | None:
        verbs = rights.at("verbs").texts & {"get", "list", "watch", "*"}
        secrets = rights.at("resources").texts & {"secrets", "*"}
        if not verbs or not secrets or rights.at("resourceNames").items:
            return None
        return f"{rights.path}: {', '.join(sorted(verbs))} of every Secret"

    yield from _rights(resource, check)


_WRITING = {"create", "patch", "update", "*"}
_LEADING_ON = (
    ({"create", "*"}, {"pods"}, "creates pods, with any service account of the namespace"),
    (
        _WRITING,
        {
            *("cronjobs", "daemonsets", "deployments", "jobs"),
            *("replicasets", "replicationcontrollers", "statefulsets"),
        },
        "creates pods, with any service account of the namespace",
    ),
    ({"create", "get", "*"}, {"pods/attach", "pods/exec"}, "runs commands in other pods"),
    (_WRITING, {"pods/ephemeralcontainers"}, "runs commands in other pods"),
    ({"bind", "escalate", "impersonate"}, None, "gains the rights of others"),
    (
        {"*"},
        {"clusterroles", "groups", "roles", "serviceaccounts", "users"},
        "gains the rights of others",
    ),
    ({"get", "create", "*"}, {"nodes/proxy"}, "runs commands in every pod of a node"),
    ({"create", "*"}, {"serviceaccounts/token"}, "creates tokens of service accounts"),
    ({"create", "*"}, {"persistentvolumes"}, "mounts folders of the node"),
    (
        {"approve", "sign", *_WRITING},
        {"certificatesigningrequests/approval", "signers"},
        "issues certificates in anyone's name",
    ),
    (
        _WRITING,
        {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"},
        "sees and changes what anyone sends to the API server",
    ),
)


@rule(
    "rbac-no-escalation",
    *RIGHTS,
    controls=(
        *("CIS K8s 5.1.4", "CIS K8s 5.1.8", "CIS K8s 5.1.9", "CIS K8s 5.1.10", "CIS K8s 5.1.11"),
        *("CIS K8s 5.1.12", "CIS K8s 5.1.13"),
    ),
    severity="high",
    what="no right leads to other rights",
    fix="leave the verb or the resource out",
)
def rbac_escalation(resource: Resource, _: Plan) -> Iterator[str]:
    def check(rights: Node) -> str | None:
        verbs, resources = rights.at("verbs").texts, rights.at("resources").texts
        for leading, on, what in _LEADING_ON:
            if verbs & leading and (on is None or resources & {*on, "*"}):
                return f"{rights.path}: {what}"
        return None

    yield from _rights(resource, check)


@rule(
    "rbac-binding",
    *BINDINGS,
    controls=("CIS K8s 5.1.1",),
    severity="critical",
    whole=True,
    what="no binding makes an administrator of the cluster, or gives everyone a right",
    fix="a Role or ClusterRole with the rights that are needed, and a service account as subject",
)
def binding(resource: Resource, plan: Plan) -> Iterator[str]:
    own = {role.urn for role in plan.of(*RIGHTS)}  # judged by the rules above
    if not resource.dependencies.get("roleRef", frozenset()) & own:
        role = resource.inputs.at("roleRef", "name").text
        everywhere = resource.type == CLUSTER_BINDING and role in _EVERYWHERE
        if role == "cluster-admin" or everywhere:
            yield f"binds {role}{' in every namespace' if everywhere else ''}"

    def check(subject: Node) -> str | None:
        name = subject.at("name").text
        if name == "system:masters":
            return f"{subject.path}: {name}, whom nothing restricts"
        return f"{subject.path}: {name}, which is everyone" if name in _ANYONE else None

    yield from each(resource.inputs.at("subjects").items, check)
