"""The IAM policies of a plan: rights.yaml for each of its types and look-ups."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.deployer.plan import Plan
from tools.deployer.statements import Condition, Statements
from tools.deployer.tables import entry_of, read_tables
from tools.preview.recording import COMPUTED, Resource

# A signature is an artifact in the image's repository. Source: API reference of ECR,
# "ListImageReferrers", which asks for BatchGetImage.
PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
RIGHTS = Path(__file__).parent / "rights.yaml"


@functools.cache
def rights() -> dict[str, Any]:
    """The content of rights.yaml."""
    return read_tables(RIGHTS)


def preview_policy(plan: Plan) -> Statements:
    """What a preview may do: the look-ups, and verify the signature of an image in ECR. It reads
    nothing else of AWS, and changes nothing."""
    found = Statements()
    for token, arguments in plan.created.look_ups:
        for grant in _entry("look_ups", token):
            resources = [plan.of_stack(each, arguments) for each in _resources(grant)]
            service = grant["actions"][0].partition(":")[0]
            kind = "Resources" if "resources" in grant else "Any"
            found.add(f"LookUp{service.capitalize()}{kind}", grant["actions"], resources, {})
    if pulled := plan.pulled():
        found.add("EcrPull", PULL, pulled, {})
        found.add("EcrLogin", ["ecr:GetAuthorizationToken"], ["*"], {})  # AWS knows no resource
    return found


def deploy_policy(plan: Plan) -> Statements:
    """What creating, updating, restoring and destroying the stack takes."""
    found = preview_policy(plan)
    for resource in plan.resources():
        _add(found, plan, resource, _entry("resources", resource.type))
    _pass_role(found, plan)
    return found


def _entry(table: str, name: str) -> Any:
    content = "what creating, reading, changing and deleting it calls"
    return entry_of(rights(), RIGHTS, table, name, content)


def _resources(grant: Mapping[str, Any]) -> list[str]:
    if "resources" in grant:
        return list(grant["resources"])
    assert grant["why"], "every resource, without a reason"
    return ["*"]


def _add(found: Statements, plan: Plan, resource: Resource, entry: Mapping[str, Any]) -> None:
    """The statements of one resource."""
    arns, new = plan.arns(resource), plan.new_arns(resource)
    request, owned = _tags("aws:RequestTag", plan.tags), _tags("aws:ResourceTag", plan.tags)
    # A resource of another stack can't be tagged as this stack's.
    unclaimed = {**request, "StringEqualsIfExists": owned["StringEquals"]}
    kinds: list[tuple[str, str, Condition]] = [
        ("read", "Read", {}),
        ("create", "Create", request),
        ("change", "Change", owned),
        ("untagged", "Write", {}),
    ]
    for key, suffix, condition in kinds:
        for action in entry.get(key, ()):
            service = action.partition(":")[0].capitalize()
            uses = [plan.filled(each, resource) for each in entry.get("uses", ())]
            found.add(f"{service}{suffix}", [action], [*new, *uses] if key == "create" else arns,
                      condition)  # fmt: skip
    found.add("TagOnCreate", entry.get("tag", ()), new, unclaimed)
    for grant in entry.get("also", ()):
        _also(found, plan, resource, grant)


def _also(found: Statements, plan: Plan, resource: Resource, grant: Mapping[str, Any]) -> None:
    """A statement of its own, if the plan's inputs call for it."""
    if "when" in grant and not _is_set(resource, grant["when"]):
        return
    if "unless" in grant and _is_set(resource, grant["unless"]):
        return
    if grant.get("on") == "self":
        new = grant.get("tags") == "request"
        resources = plan.new_arns(resource) if new else plan.arns(resource)
    elif "of" in grant:
        resources = plan.arns_behind(resource, grant["of"])
    else:
        resources = [plan.filled(each, resource) for each in _resources(grant)]
    condition: dict[str, dict[str, list[str]]] = {}
    if "tags" in grant:
        key = {"request": "aws:RequestTag", "resource": "aws:ResourceTag"}[grant["tags"]]
        condition = _tags(key, plan.tags)
    boundary = _boundary(plan, resource)
    if grant.get("boundary") and boundary:
        condition.setdefault("StringEquals", {})["iam:PermissionsBoundary"] = [boundary]
    for operator, keys in grant.get("condition", {}).items():
        for key, values in keys.items():
            values = [values] if isinstance(values, str) else values
            given = [each for value in values for each in _values(plan, resource, value)]
            condition.setdefault(operator, {})[key] = given
    found.add(grant["sid"], grant["actions"], resources, condition)


def _is_set(resource: Resource, path: str) -> bool:
    """Whether an input is given and isn't false. path: such as `kmsKeyId` or `rules[0][id]`."""
    try:
        return f"{{{path}}}".format(**resource.inputs) not in ("", "False")
    except (KeyError, IndexError):
        return False


def _values(plan: Plan, resource: Resource, value: str) -> Iterable[str]:
    """A value of a condition: as it is, or what the plan has for `{policyArn}` and the like."""
    if value == "{policyArn}":
        return plan.arns_behind(resource, "policyArn")
    if value == "{type}" and resource.inputs["type"] == COMPUTED:
        return ["CNAME"]  # ACM's only kind of validation record
    return [plan.filled(value, resource)]


def _tags(key: str, tags: Mapping[str, str]) -> dict[str, dict[str, list[str]]]:
    return {"StringEquals": {f"{key}/{name}": [value] for name, value in tags.items()}}


def _boundary(plan: Plan, resource: Resource) -> str | None:
    """The permissions boundary of a role, or of the role that a policy belongs to."""
    urns = [resource.urn, *resource.property_dependencies.get("role", [])]
    for urn in urns:
        if boundary := plan.recording.resources[urn].inputs.get("permissionsBoundary"):
            return str(boundary)
    return None


def _pass_role(found: Statements, plan: Plan) -> None:
    """Each role may be passed to the service in its trust policy, and to no other."""
    for resource in plan.resources():
        if resource.type == "aws:iam/role:Role":
            for service in _trusted_services(resource):
                name = service.partition(".")[0].capitalize()
                condition = {"StringEquals": {"iam:PassedToService": [service]}}
                found.add(f"PassRoleTo{name}", ["iam:PassRole"], plan.arns(resource), condition)


def _trusted_services(role: Resource) -> set[str]:
    text = role.inputs["assumeRolePolicy"]
    if text == COMPUTED:
        return set()  # IRSA's: a federated principal, whose issuer a preview may not know
    services: set[str] = set()
    for statement in json.loads(text)["Statement"]:
        given = statement["Principal"].get("Service", [])
        services |= {given} if isinstance(given, str) else set(given)
    return services
