"""What a reviewer has to see first: the database, who may reach the portal, data, its users."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tools.diff.comparison.change import Change
from tools.diff.consequences.database import CLUSTER, NAMESPACE, STATEFUL_SET, database_risk
from tools.diff.consequences.dns import deleted_records
from tools.diff.consequences.exposure import exposures
from tools.diff.consequences.load_balancer import replaced_load_balancers
from tools.diff.consequences.risk import KINDS, Risk, why

Inputs = Mapping[str, Any]


def holds_data(type_: str) -> bool:
    """Whether a deletion loses data."""
    return type_ in (CLUSTER, STATEFUL_SET) or type_ in _HOLDING_DATA


def risks(changes: Sequence[Change]) -> list[Risk]:
    """The most important kind first; data: one for each resource with data that is deleted."""
    found = [risk for change in changes for risk in _of_data(change, changes)]
    found += [*exposures(changes), *deleted_records(changes), *replaced_load_balancers(changes)]
    return sorted(found, key=lambda each: KINDS.index(each.kind))


def _of_data(change: Change, changes: Sequence[Change]) -> Iterator[Risk]:
    yield from database_risk(change, changes)
    type_, before = change.resource.type, change.before
    if before is None or not change.ends or before.retain_on_delete or type_ not in _HOLDING_DATA:
        return
    what, protection = _HOLDING_DATA[type_]
    if detail := protection(before.inputs, changes):
        headline = f"{what} {change.resource.name} is {change.operation}d"
        yield Risk(headline, [*why(change), detail], "data")


def _instance(inputs: Inputs, changes: Sequence[Change]) -> str:
    """Nothing to say beside a cluster that ends."""
    if any(each.ends and each.resource.type == CLUSTER for each in changes):
        return ""
    return (
        "The data is in the cluster's volume and stays; connections to the instance end: the "
        "portal's, if a failover made it the writer."
    )


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


_HOLDING_DATA: Mapping[str, tuple[str, Callable[[Inputs, Sequence[Change]], str]]] = {
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
