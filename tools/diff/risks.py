"""What a change does to data: the database first, then all else that keeps some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.diff.change import Change
from tools.preview.monitor import Resource

CLUSTER = "aws:rds/cluster:Cluster"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
NAMESPACE = "kubernetes:core/v1:Namespace"
Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Risk:
    """Data that a change can lose."""

    headline: str
    details: list[str]
    """Why, and what protects the data or doesn't."""
    database: bool


def holds_data(type_: str) -> bool:
    """Whether a deletion loses data."""
    return type_ in (CLUSTER, STATEFUL_SET) or type_ in _KEPT


def data_at_risk(changes: Sequence[Change]) -> list[Risk]:
    """One risk for each resource with data that is deleted, databases first."""
    found = [risk for change in changes for risk in _risks(change, changes)]
    return sorted(found, key=lambda each: not each.database)


def _risks(change: Change, changes: Sequence[Change]) -> Iterator[Risk]:
    type_, before = change.resource.type, change.before
    if before is None or (change.ends and before.retain_on_delete):
        return
    if change.ends and type_ == CLUSTER:
        yield Risk(_database(change), _of_cluster(change, changes), True)
    elif type_ == CLUSTER and (lost := list(_unprotected(change))):
        yield Risk(f"THE DATABASE LOSES ITS PROTECTION: {change.resource.name}", lost, True)
    elif type_ == STATEFUL_SET and (change.ends or _empties(change)):
        yield _of_stateful_set(change, changes)
    elif change.ends and type_ in _KEPT:
        what, protection = _KEPT[type_]
        if detail := protection(before.inputs, changes):
            headline = f"{what} {change.resource.name} is {_verb(change)}"
            yield Risk(headline, [*_why(change), detail], False)


def _verb(change: Change) -> str:
    return "replaced" if change.operation == "replace" else "deleted"


def _database(change: Change) -> str:
    return f"THE DATABASE IS {_verb(change).upper()}: {change.resource.name}"


def _why(change: Change) -> Iterator[str]:
    """What replaces it, with the values before and after."""
    if change.provider:
        yield f"Why: {change.provider} changes, its provider's."
    for difference in change.differences:
        if difference.replaces:
            yield f"Why: {replace(difference, replaces=False).lines()[0]}."


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
        yield "Its deletion takes no final snapshot any more."


def _of_cluster(change: Change, changes: Sequence[Change]) -> list[str]:
    before, after = change.before, change.after
    assert before
    inputs = before.inputs
    found = [*_why(change)]
    if after:
        # An ignored input keeps its former value, in a replacement too.
        found.append(f"Its replacement starts {_origin(inputs)}.")
    else:
        new = [
            e.resource for e in changes if e.operation == "create" and e.resource.type == CLUSTER
        ]
        found += [f"{each.name} is created beside it, {_origin(each.inputs)}." for each in new]
        name = inputs.get("clusterIdentifier")
        if name in [each.inputs.get("clusterIdentifier") for each in new]:
            found.append(f"Both are named {name}: AWS refuses the second.")
        if new:
            found.append(
                "If both are the same database under two names, give the new name an alias."
            )
    protected = before.protect and (after is None or after.protect)
    if protected:
        found.append("`protect` is on: the engine refuses this update.")
    elif before.protect:
        found.append("This change lifts `protect`, which would have made the engine refuse it.")
    if inputs.get("deletionProtection"):
        found.append("Deletion protection is on: AWS refuses to delete it.")
    if not before.protect and not inputs.get("deletionProtection"):
        found.append("Nothing stops it: neither `protect` nor deletion protection is on.")
    if inputs.get("skipFinalSnapshot"):
        backups = ", its automated backups included" if inputs.get("deleteAutomatedBackups") else ""
        found.append(f"No final snapshot is taken: its data is lost{backups}.")
    else:
        found.append("A final snapshot is taken before; docs/operations.md says how to restore it.")
    return found


def _origin(inputs: Inputs) -> str:
    snapshot = inputs.get("snapshotIdentifier")
    return f"from the snapshot {snapshot}" if snapshot else "empty"


def _empties(change: Change) -> bool:
    """Whether a pod without a volume restarts."""
    restarts = any(each.path[:2] == ("spec", "template") for each in change.differences)
    return restarts and change.before is not None and not _has_volume(change.before)


def _of_stateful_set(change: Change, changes: Sequence[Change]) -> Risk:
    """Of PostgreSQL in the cluster, the only one that a stack has."""
    assert change.before
    headline = (
        _database(change) if change.ends else f"THE DATABASE RESTARTS: {change.resource.name}"
    )
    if not _has_volume(change.before):
        return Risk(headline, [*_why(change), "It has no volume: its data is lost."], True)
    found = [*_why(change)]
    if any(each.ends and each.resource.type == NAMESPACE for each in changes):
        found.append("Its volume is deleted with the namespace: its data is lost.")
    else:
        found.append("Its volume stays until its claim or the namespace is deleted.")
        if change.after and not _has_volume(change.after):
            found.append("Its replacement has no volume and starts empty.")
    return Risk(headline, found, True)


def _has_volume(resource: Resource) -> bool:
    return bool(resource.inputs["spec"].get("volumeClaimTemplates"))


def _instance(inputs: Inputs, changes: Sequence[Change]) -> str:
    """Nothing to say beside a cluster that ends."""
    if any(each.ends and each.resource.type == CLUSTER for each in changes):
        return ""
    return "The data is in the cluster's volume and stays; connections to the instance end."


def _bucket(inputs: Inputs, changes: Sequence[Change]) -> str:
    if inputs.get("forceDestroy"):
        return "`forceDestroy` is set: every object in it is deleted."
    return "S3 refuses to delete it unless it is empty."


def _secret(inputs: Inputs, changes: Sequence[Change]) -> str:
    days = inputs.get("recoveryWindowInDays", 30)
    return f"It can be restored for {days} days." if days else "It can't be restored."


def _repository(inputs: Inputs, changes: Sequence[Change]) -> str:
    if inputs.get("forceDelete"):
        return "`forceDelete` is set: every image in it is deleted."
    return "ECR refuses to delete it unless it is empty."


def _logs(inputs: Inputs, changes: Sequence[Change]) -> str:
    return "" if inputs.get("skipDestroy") else "Its logs are deleted."


_KEPT: Mapping[str, tuple[str, Callable[[Inputs, Sequence[Change]], str]]] = {
    "aws:rds/clusterInstance:ClusterInstance": ("The database instance", _instance),
    "aws:s3/bucket:Bucket": ("The bucket", _bucket),
    "aws:secretsmanager/secret:Secret": ("The secret", _secret),
    "aws:ecr/repository:Repository": ("The repository", _repository),
    "aws:cloudwatch/logGroup:LogGroup": ("The log group", _logs),
    NAMESPACE: (
        "The namespace",
        lambda *_: "Everything in it is deleted, volumes included.",
    ),
    "kubernetes:core/v1:PersistentVolumeClaim": (
        "The volume",
        lambda *_: "Its data is deleted, unless its StorageClass retains volumes.",
    ),
}
