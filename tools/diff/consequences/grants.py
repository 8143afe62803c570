"""Resources that grant rights or open a network: a reviewer has to see what they allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from tools.diff.comparison.change import Change, of_new_stack
from tools.diff.comparison.rendering import readable
from tools.diff.comparison.values import Difference
from tools.diff.consequences.risk import Note

# Wide on purpose: a resource too many costs a glance.
_TYPES = (
    "aws:iam/*", "aws:ram/*", "aws:eks/podIdentityAssociation:*", "aws:*:*SecurityGroup*",
    *(f"aws:*:*{word}*" for word in ("Access", "Acl", "Grant", "Permission", "Policy")),
    "kubernetes:*:*Role*", "kubernetes:*Policy", "kubernetes:core/v1:Service",
    "kubernetes:core/v1:ServiceAccount", "kubernetes:networking.k8s.io/*",
    "kubernetes:gateway.networking.k8s.io/*",
)  # fmt: skip
_OF_EVERY_OBJECT = ("apiVersion", "kind")
_LABELS = ("metadata", "labels")
_BELOW = {
    "created": "What each allows", "changed": "What differs", "deleted": "What each allowed",
}  # fmt: skip


def is_grant(type_: str) -> bool:
    """Whether resources of a type say by their inputs who may do or reach something."""
    return any(fnmatchcase(type_, each) for each in _TYPES)


def granting(change: Change) -> dict[str, Any]:
    """Raw inputs that say what a created or deleted resource allows; empty if it allows nothing.

    Of any other type, such as a queue, its policies.
    """
    if change.operation not in ("create", "delete") or not change.resource.custom:
        return {}
    if is_grant(change.resource.type):
        return described(change.inputs)
    return {name: each for name, each in change.inputs.items() if _is_policy(readable(each))}


def described(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs without what the type says already, and without a Kubernetes object's labels."""
    found = {name: each for name, each in inputs.items() if name not in _OF_EVERY_OBJECT}
    if isinstance(metadata := found.get("metadata"), dict):
        found["metadata"] = {key: each for key, each in metadata.items() if key != "labels"}
    return {name: each for name, each in found.items() if each != {}}


def grants(changes: Sequence[Change]) -> Iterator[Note]:
    """Names what comes, goes and changes; of a new stack, where everything comes, how many."""
    found: dict[str, list[str]] = {what: [] for what in _BELOW}
    for change in changes:
        if granting(change):
            found[f"{change.operation}d"].append(change.resource.name)
        elif is_grant(change.resource.type) and any(map(_matters, change.differences)):
            found["changed"].append(change.resource.name)
    if of_new_stack(changes):
        count = len(found["created"])
        yield Note("Access", f"{count} new resources grant rights or open a network.")
        return
    for what, names in found.items():
        if those := ", ".join(sorted(set(names))):
            yield Note("Access", f"{what}: {those}. {_BELOW[what]} is below.")


def _matters(difference: Difference) -> bool:
    """Whether it may change what a resource allows: not its tags and labels."""
    return difference.path[0] not in ("tags", "tagsAll") and difference.path[:2] != _LABELS


def _is_policy(value: Any) -> bool:
    """Whether it is a policy document of IAM's."""
    return isinstance(value, dict) and "Statement" in value
