"""What a plan doesn't say and its price depends on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from tools.cost.prices import CostError

Amount = Annotated[Decimal, Field(ge=0)]


class Assumptions(BaseModel, extra="forbid", frozen=True):
    """Amounts a month, unless their description says otherwise.

    acu: a Serverless instance has at least its minimum, which a portal at rest needs.
    """

    hours: Annotated[Amount, Field(description="hours", le=744)] = Decimal(730)
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
    given = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise CostError(f"{change!r} is no assumption: write name=number, such as lcu=1")
        given[name] = value
    try:
        return Assumptions.model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0])
        if fault["type"] == "extra_forbidden":
            known = ", ".join(Assumptions.model_fields)
            raise CostError(f"{name} is no assumption; there are {known}") from error
        raise CostError(f"{name}={given[name]}: {fault['msg']}") from error
