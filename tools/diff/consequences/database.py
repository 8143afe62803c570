"""What a change does to the database's data: Aurora's, or PostgreSQL's in the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.diff.comparison.change import Change
from tools.diff.consequences.risk import Risk, why
from tools.preview.recording import Resource

CLUSTER = "aws:rds/cluster:Cluster"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
NAMESPACE = "kubernetes:core/v1:Namespace"
RESTORE = "docs/operations.md, Restore from a snapshot"
UPGRADE = "docs/operations.md, Upgrade PostgreSQL"
_GENERATION = re.compile(r"(.+)-(\d+)-cluster")
_TAG = re.compile(r":(\d+)[^/]*$")
Inputs = Mapping[str, Any]


def database_risk(change: Change, changes: Sequence[Change]) -> Iterator[Risk]:
    """The risk of one resource, if it holds a database that exists."""
    type_, before = change.resource.type, change.before
    if before is None or (change.ends and before.retain_on_delete):
        return
    if type_ == CLUSTER and change.ends:
        yield Risk(_headline(change), _of_cluster(change, changes), "database")
    elif type_ == CLUSTER and (lost := list(_unprotected(change))):
        headline = f"THE DATABASE LOSES ITS PROTECTION: {change.resource.name}"
        yield Risk(headline, lost, "database")
    elif type_ == STATEFUL_SET and (change.ends or (restarts(change) and not _has_volume(before))):
        yield _of_stateful_set(change, changes)
    elif type_ == STATEFUL_SET and (versions := _major_versions(change)):
        old, new = versions
        details = [
            f"PostgreSQL {new} can't read the data of {old} in the volume: its pod won't start.",
            f"To start over without the data, destroy the stack and create it again ({UPGRADE}).",
        ]
        yield Risk(f"THE DATABASE STOPS: {change.resource.name}", details, "database")


def restarts(change: Change) -> bool:
    """Whether the pods of a workload that stays are replaced."""
    return any(each.path[:2] == ("spec", "template") for each in change.differences)


def _headline(change: Change) -> str:
    return f"THE DATABASE IS {change.operation.upper()}D: {change.resource.name}"


def _unprotected(change: Change) -> Iterator[str]:
    """What stops protecting a cluster that stays."""
    before, after = change.before, change.after
    assert before
    assert after
    if before.protect and not after.protect:
        yield "The engine no longer refuses to delete it: `protect` is off."
    if before.inputs.get("deletionProtection") and not after.inputs.get("deletionProtection"):
        yield "AWS no longer refuses to delete it: deletion protection is off."
    if after.inputs.get("skipFinalSnapshot") and not before.inputs.get("skipFinalSnapshot"):
        yield "Deleting it no longer takes a final snapshot."


def _of_cluster(change: Change, changes: Sequence[Change]) -> list[str]:
    before, after = change.before, change.after
    assert before
    inputs = before.inputs
    found = [*why(change)]
    next_ = None
    if after:
        # An ignored input keeps its former value, in a replacement too.
        found.append(f"Its replacement starts {_origin(inputs)}.")
    else:
        new = [
            e.resource for e in changes if e.operation == "create" and e.resource.type == CLUSTER
        ]
        next_ = next((each for each in new if _generations(before, each)), None)
        found += _of_generation(next_) if next_ else _of_another(inputs, new)
    protected = before.protect and (after is None or after.protect)
    if protected:
        found.append("`protect` is on: the engine refuses this update.")
    elif before.protect:
        found.append("This change lifts `protect`, which would have made the engine refuse it.")
    if inputs.get("deletionProtection"):
        found.append("Deletion protection is on: AWS refuses to delete it.")
    if next_ and (protected or inputs.get("deletionProtection")):
        found.append("First set databaseDeletionProtection to false in a separate update.")
    if not before.protect and not inputs.get("deletionProtection"):
        found.append("Nothing stops it: neither `protect` nor deletion protection is on.")
    if inputs.get("skipFinalSnapshot"):
        backups = ", its automated backups included" if inputs.get("deleteAutomatedBackups") else ""
        found.append(f"No final snapshot is taken: its data is lost{backups}.")
    else:
        found.append("A final snapshot is taken before; docs/operations.md says how to restore it.")
    return found


def _of_another(inputs: Inputs, new: Sequence[Resource]) -> Iterator[str]:
    """Clusters that are created in the same update, perhaps the same one under another name."""
    yield from (f"{each.name} is created beside it, {_origin(each.inputs)}." for each in new)
    name = inputs.get("clusterIdentifier")
    if name in [each.inputs.get("clusterIdentifier") for each in new]:
        yield f"Both are named {name}: AWS refuses the second."
    if new:
        yield "If both are the same database under two names, give the new name an alias."


def _generations(old: Resource, new: Resource) -> bool:
    """Whether both are generations of one database: `databaseGeneration` is in their names."""
    names = [_GENERATION.fullmatch(each.name) for each in (old, new)]
    return all(names) and len({match[1] for match in names if match}) == 1


def _of_generation(new: Resource) -> Iterator[str]:
    """Of a deliberate replacement: the order, what is lost, and the steps that follow."""
    match = _GENERATION.fullmatch(new.name)
    assert match
    yield (
        f"databaseGeneration {match[2]} takes its place: {new.name} is created first, "
        f"{_origin(new.inputs)}, the pods move to it, and the old one is deleted last."
    )
    if new.inputs.get("snapshotIdentifier"):
        yield "What was written after the snapshot is lost."
    else:
        yield f"To keep the data, set databaseSnapshotIdentifier before the update ({RESTORE})."
    if not new.inputs.get("deletionProtection"):
        yield (
            "To protect it once the portal serves, set databaseProtectedGeneration to "
            f"{match[2]} and databaseDeletionProtection to true."
        )


def _origin(inputs: Inputs) -> str:
    snapshot = inputs.get("snapshotIdentifier")
    return f"from the snapshot {snapshot}" if snapshot else "empty"


def _of_stateful_set(change: Change, changes: Sequence[Change]) -> Risk:
    """Of PostgreSQL in the cluster, the only one that a stack has."""
    assert change.before
    name = change.resource.name
    headline = _headline(change) if change.ends else f"THE DATABASE RESTARTS: {name}"
    if not _has_volume(change.before):
        return Risk(headline, [*why(change), "It has no volume: its data is lost."], "database")
    found = [*why(change)]
    if any(each.ends and each.resource.type == NAMESPACE for each in changes):
        found.append("Its volume is deleted with the namespace: its data is lost.")
    else:
        found.append("Its volume stays until its claim or the namespace is deleted.")
        if change.after and not _has_volume(change.after):
            found.append("Its replacement has no volume and starts empty.")
    return Risk(headline, found, "database")


def _has_volume(resource: Resource) -> bool:
    return bool(resource.inputs["spec"].get("volumeClaimTemplates"))


def _major_versions(change: Change) -> tuple[str, str] | None:
    """Major versions of PostgreSQL before and after, by the image's tag, if they differ."""
    images = [
        each.inputs["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in (change.before, change.after)
        if each
    ]
    found = [_TAG.search(image.partition("@")[0]) for image in images]
    if len(found) < 2 or found[0] is None or found[1] is None or found[0][1] == found[1][1]:
        return None
    return found[0][1], found[1][1]
