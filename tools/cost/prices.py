"""List prices by region, each with its date and source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from settings.files import FileError, parse_yaml

PRICES = Path(__file__).with_name("prices.yaml")
INSTANCE_ITEM = re.compile(r"aurora-(db\..+)-hour")


class CostError(Exception):
    """A price that isn't known, or an assumption that isn't one."""


class Price(BaseModel, extra="forbid", frozen=True):
    """USD for one unit, which the item's name ends with."""

    usd: Annotated[Decimal, Field(gt=0)]
    date: date
    """When the source showed it."""
    source: Annotated[str, Field(min_length=1)]


_TABLE = TypeAdapter(dict[str, dict[str, Price]])


@dataclass(frozen=True)
class Prices:
    """The prices of one region, by item."""

    region: str
    items: Mapping[str, Price]

    @classmethod
    def load(cls, region: str, file: Path = PRICES) -> Prices:
        """Reads a region's prices.

        Raises CostError for a file that is no YAML, a region that it lacks, and a price without a
        positive amount, a date or a source.
        """
        try:
            table = _TABLE.validate_python(parse_yaml(file.read_text(encoding="utf-8")))
        except FileError as error:
            raise CostError(f"{file.name}: {error}") from error
        except ValidationError as error:
            faults = [
                f"{' '.join(str(part) for part in each['loc'])}: {each['msg']}"
                for each in error.errors()
            ]
            raise CostError(f"{file.name}: {'; '.join(faults)}") from error
        if region not in table:
            known = ", ".join(sorted(table))
            raise CostError(
                f"no prices for region {region}; {file.name} has {known}. "
                f"To add it: make prices REGION={region}"
            )
        return cls(region, table[region])

    def usd(self, item: str) -> Decimal:
        """The price of one unit. Raises CostError for an item that the region lacks."""
        if item not in self.items:
            command = f"make prices REGION={self.region}"
            if instance := INSTANCE_ITEM.fullmatch(item):
                command += f" INSTANCE_CLASS={instance[1]}"
            raise CostError(f"no price for {item} in {self.region}. To add it: {command}")
        return self.items[item].usd

    @property
    def dates(self) -> tuple[date, date]:
        """Of the oldest and the newest price."""
        dates = sorted(price.date for price in self.items.values())
        return dates[0], dates[-1]
