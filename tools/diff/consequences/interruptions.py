"""When a change interrupts the database's users."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.diff.comparison.change import Change
from tools.diff.consequences.database import CLUSTER, STATEFUL_SET, UPGRADE, restarts
from tools.diff.consequences.risk import Note

INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
SCALE = "docs/operations.md, Scale"
Inputs = Mapping[str, Any]

_MEANWHILE = (
    "Meanwhile catalog requests fail; the pods serve everything else (docs/reliability.md)."
)


def interruptions(changes: Sequence[Change]) -> Iterator[Note]:
    """Of connections to the database, and when: now, or in its maintenance window."""
    stay = [each for each in changes if each.operation == "update"]
    for change in stay:
        if change.resource.type == CLUSTER:
            yield from (Note("Database", each) for each in _of_cluster(change))
        elif change.resource.type == STATEFUL_SET and restarts(change):
            text = f"{change.resource.name} restarts, and its connections end."
            yield Note("Database", f"{text} {_MEANWHILE}")
    yield from _of_instances(changes, stay)


def _of_cluster(change: Change) -> Iterator[str]:
    old, new = (each.inputs for each in (change.before, change.after) if each)
    before, after = (str(each.get("engineVersion")) for each in (old, new))
    if before != after and all(each.partition(".")[0].isdigit() for each in (before, after)):
        yield _version(before, after, new)
    limits = [
        (each.get("serverlessv2ScalingConfiguration") or {}).get("maxCapacity", 0)
        for each in (old, new)
    ]
    if limits[1] > limits[0]:
        yield (
            "databaseMaxCapacity grows without a restart, but max_connections only when an "
            f"instance reboots ({SCALE})."
        )


def _version(old: str, new: str, inputs: Inputs) -> str:
    """What the engine's version does: a major one alone follows AWS's minor ones."""
    (before, _, minor_before), (after, _, minor) = old.partition("."), new.partition(".")
    if int(after) < int(before):
        return f"AWS refuses an older PostgreSQL, {old} -> {new}: restore a snapshot ({UPGRADE})."
    if before != after:
        return (
            f"PostgreSQL is upgraded in place, {old} -> {new}, {_when(inputs)}. It is down "
            f"meanwhile, typically for minutes. Snapshot and rehearsal first: {UPGRADE}."
        )
    if not minor:
        window = inputs.get("preferredMaintenanceWindow")
        return f"AWS upgrades PostgreSQL {new} to minor versions automatically, {_in(window)}."
    upgraded = f"PostgreSQL is upgraded, {old} -> {new}, {_when(inputs)}; connections may end."
    if minor_before:
        return upgraded
    return (
        f"{upgraded.removesuffix('.')}, unless {new} runs already. No minor upgrade is automatic "
        "from now on."
    )


def _when(inputs: Inputs) -> str:
    if inputs.get("applyImmediately"):
        return "immediately"
    return _in(inputs.get("preferredMaintenanceWindow"))


def _in(window: str | None) -> str:
    return f"in the maintenance window{f' {window} (UTC)' if window else ''}"


def _of_instances(changes: Sequence[Change], stay: Sequence[Change]) -> Iterator[Note]:
    classes: dict[tuple[str, str, str], list[str]] = {}
    for change in stay:
        if change.resource.type == INSTANCE and change.before and change.after:
            old, new = change.before.inputs, change.after.inputs
            if old.get("instanceClass") != new.get("instanceClass"):
                key = old.get("instanceClass", ""), new.get("instanceClass", ""), _when(new)
                classes.setdefault(key, []).append(change.resource.name)
    for (before, after, when), names in classes.items():
        effect = "it restarts, and its connections end"
        if len(names) > 1:
            effect = "each restarts, and connections to it end"
        text = f"{', '.join(sorted(names))}: {before} -> {after}, {when}; {effect}."
        yield Note("Database", f"{text} {_MEANWHILE}")
    added = [e for e in changes if e.operation == "create" and e.resource.type == INSTANCE]
    runs = any(e.before and e.after and e.resource.type == CLUSTER for e in changes)
    if added and runs:
        added_names = ", ".join(sorted(each.resource.name for each in added))
        as_readers = "are added as readers" if len(added) > 1 else "is added as a reader"
        yield Note("Database", f"{added_names} {as_readers}; no connection ends.")
