"""Whether the portal's pods roll, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.diff.comparison.change import Change
from tools.diff.comparison.values import Difference, joined

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
JOB = "kubernetes:batch/v1:Job"
_CAUSES = 5


def pods(changes: Sequence[Change]) -> list[str]:
    """A sentence for each Deployment, and one for the Jobs that run."""
    found = [_of(change) for change in changes if change.resource.type == DEPLOYMENT]
    jobs = [
        change.resource.name
        for change in changes
        if change.resource.type == JOB and change.operation in ("create", "replace")
    ]
    if jobs:
        found.append(f"Jobs run before the pods: {', '.join(sorted(jobs))}.")
    return found


def _of(change: Change) -> str:
    name = change.resource.name
    if change.operation == "create":
        return f"{name} is new: its pods start."
    if change.operation == "delete":
        return f"{name} is deleted: its pods end."
    if change.operation == "replace":
        if change.deleted_first:
            return f"{name} is deleted and created again: no pod serves in between."
        return f"{name} is replaced: the new pods are ready before the old ones end."
    causes = list(dict.fromkeys(_causes(change)))
    if not causes:
        return f"The pods of {name} don't roll."
    more = f", and {len(causes) - _CAUSES} more" if len(causes) > _CAUSES else ""
    return f"The pods of {name} roll, because of {', '.join(causes[:_CAUSES])}{more}."


def _causes(change: Change) -> Iterator[str]:
    for each in change.differences:
        if each.path[:2] == ("spec", "template"):
            yield each.until.partition(" ")[0] if each.until else _short(each)


def _short(difference: Difference) -> str:
    """`env[NAME]` and `image` rather than where they are in the template."""
    parts = difference.path[2:]
    inside = next((i for i, part in enumerate(parts) if part in ("env", "metadata")), None)
    if inside is not None and parts[inside] == "env":
        parts = parts[: inside + 2]
    if inside is None:
        containers = [i for i, part in enumerate(parts[:-1]) if part.endswith("ontainers")]
        inside = containers[0] + 2 if containers and len(parts) > containers[0] + 2 else 0
    return joined(parts[inside:])
