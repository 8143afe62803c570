"""What a plan doesn't say and its price depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from settings.nearest import nearest
from tools.cost.plan import RUNNING_ACU, Plan, capacity
from tools.cost.prices import CostError

MOST_HOURS = 744  # of the longest month
Amount = Annotated[Decimal, Field(ge=0)]


class Assumptions(BaseModel, extra="forbid", frozen=True):
    """Amounts a month, unless their description says otherwise.

    acu: a Serverless instance has at least its minimum, which a portal at rest needs.
    """

    hours: Annotated[Amount, Field(description="hours", le=MOST_HOURS)] = Decimal(730)
    acu: Annotated[Amount, Field(description="ACU an instance on average")] = Decimal(0)
    lcu: Annotated[Amount, Field(description="LCU on average")] = Decimal("0.25")
    zones: Annotated[Amount, Field(description="zones")] = Decimal(2)
    database_gb: Annotated[Amount, Field(description="GB in the database")] = Decimal(10)
    database_requests: Annotated[
        Amount, Field(description="million I/O requests of the database")
    ] = Decimal(5)
    logs_gb: Annotated[Amount, Field(description="GB of logs")] = Decimal(1)
    images_gb: Annotated[Amount, Field(description="GB of images")] = Decimal(2)
    bucket_gb: Annotated[Amount, Field(description="GB in the bucket")] = Decimal(1)

    def __str__(self) -> str:
        shown = {
            field.description: getattr(self, name)
            for name, field in type(self).model_fields.items()
        }
        amounts = [f"{value:f} {meaning}" for meaning, value in shown.items() if value]
        return ", ".join(amounts)


def assumed(changes: Sequence[str]) -> Assumptions:
    """The defaults with changes, each written as name=number.

    Raises CostError for a name that isn't an assumption and for a value that isn't its number.
    """
    given: dict[str, str] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or not name:
            raise CostError(f"{change!r} isn't an assumption: write name=number, such as lcu=1")
        if name in given:
            raise CostError(f"{name} is assumed twice: {given[name]} and {value}")
        given[name] = value
    try:
        return Assumptions.model_validate(given)
    except ValidationError as error:
        faults = [_fault(str(each["loc"][0]), given) for each in error.errors()]
        raise CostError("\n".join(faults)) from error


def _fault(name: str, given: Mapping[str, str]) -> str:
    fields = Assumptions.model_fields
    if name not in fields:
        near = nearest(name, fields)
        meant = f": did you mean {near}? There" if near else "; there"
        return f"{name} isn't an assumption{meant} are {', '.join(fields)}"
    allowed = f"from 0 to {MOST_HOURS}" if name == "hours" else "of 0 or more"
    return f"{name}={given[name]} isn't a number {allowed}, such as {name}={fields[name].default}"


def assumed_of(plan: Plan, assumptions: Assumptions) -> Assumptions:
    """The assumptions as they count: with the ACU that an instance has at least.

    Raises CostError for more ACU than an instance may have.
    """
    acu, limits = assumptions.acu, capacity(plan)
    if limits and acu > limits[1]:
        raise CostError(f"acu={acu:f}: at most {limits[1]:f}, the stack's databaseMaxCapacity")
    least = max(limits[0], RUNNING_ACU) if limits and acu else acu
    return assumptions.model_copy(update={"acu": max(acu, least)})
