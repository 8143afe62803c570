"""Resources that grant rights or open a network: a reviewer has to see what they allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from tools.diff.comparison.change import Change
from tools.diff.comparison.rendering import readable
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
    """Names what comes and goes; of a new stack, where everything comes, how many."""
    names = {
        operation: sorted(
            each.resource.name for each in changes if each.operation == operation and granting(each)
        )
        for operation in ("create", "delete")
    }
    if not any(each.before for each in changes):
        count = len(names["create"])
        yield Note("Access", f"{count} new resources grant rights or open a network.")
        return
    for operation, tense in (("create", "allows"), ("delete", "allowed")):
        if those := ", ".join(dict.fromkeys(names[operation])):
            yield Note("Access", f"{operation}d: {those}. What each {tense} is below.")


def _is_policy(value: Any) -> bool:
    """Whether it is a policy document of IAM's."""
    return isinstance(value, dict) and "Statement" in value
