"""What a price needs to know of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Protocol

RUNNING_ACU = Decimal("0.5")  # least that an instance has while it doesn't pause
Inputs = Mapping[str, Any]


class Resource(Protocol):
    """A resource of a plan, inputs in the engine's camelCase."""

    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> Inputs: ...


Plan = Iterable[Resource]


def inputs_of(plan: Plan, type_: str) -> Iterator[Inputs]:
    """Inputs of each resource of a type."""
    return (each.inputs for each in plan if each.type == type_)


def region_of(plan: Plan) -> str | None:
    """The region of the AWS provider; None: the plan has nothing of AWS."""
    return next((each["region"] for each in inputs_of(plan, "pulumi:providers:aws")), None)


def capacity(plan: Plan) -> tuple[Decimal, Decimal] | None:
    """Fewest and most ACU of an instance; None: the plan has no Serverless ones."""
    instances = inputs_of(plan, "aws:rds/clusterInstance:ClusterInstance")
    if all(each["instanceClass"] != "db.serverless" for each in instances):
        return None
    [cluster] = inputs_of(plan, "aws:rds/cluster:Cluster")
    scaling = cluster["serverlessv2ScalingConfiguration"]
    return Decimal(str(scaling["minCapacity"])), Decimal(str(scaling["maxCapacity"]))
