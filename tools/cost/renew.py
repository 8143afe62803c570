"""`make prices REGION=...`: renews a region of prices.yaml from AWS's public price list.

INSTANCE_CLASS=... adds a class of Aurora instances, which later renewals keep.

The list needs no credentials. Source: AWS Billing User Guide, "Getting price list files manually".
"""

from __future__ import annotations

import csv
import io
import re
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tools.cost.prices import INSTANCE_ITEM, PRICES, CostError
from tools.process import ends_with

URL = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{service}/current/{place}index.csv"
HEADER = (
    "# USD list prices on demand, before discounts. `make prices REGION=...` renews a region from "
    "AWS's\n# public price list.\n"
)
INSTANCE_CLASSES = ("db.r5.large", "db.r6g.large", "db.r7g.large", "db.r8g.large", "db.t3.medium",
                    "db.t4g.medium")  # fmt: skip
_PREAMBLE = 5  # lines above the columns' names: version, disclaimer, publication date, ...
_POSTGRES = {"Database Engine": ("Aurora PostgreSQL", "Any", "")}
_LINUX = {"Operating System": ("Linux",), "Tenancy": ("Shared",), "Pre Installed S/W": ("NA",),
          "CapacityStatus": ("Used",)}  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """Where an item is in the price lists.

    usage: its usage type, without the region's prefix. where: further columns and the values that
    they may have. units: how many of the list's units the item's price is for. regional: in the
    lists of regions; else only in the service's list of everything.
    """

    service: str
    usage: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: int = 1
    regional: bool = True

    def matches(self, row: Mapping[str, str]) -> bool:
        """Whether a row is the item's first paid tier or a later one, on demand."""
        return (
            re.fullmatch(rf"([A-Z0-9]+-)?{re.escape(self.usage)}", row.get("usageType", ""))
            is not None
            and row["TermType"] == "OnDemand"
            and row["Currency"] == "USD"
            and Decimal(row["PricePerUnit"]) > 0
            and all(row.get(column, "") in allowed for column, allowed in self.where.items())
        )


def instances(classes: Iterable[str]) -> dict[str, Offer]:
    """An hour of an Aurora PostgreSQL instance, by item. classes: such as db.r7g.large."""
    return {
        f"aurora-{each}-hour": Offer("AmazonRDS", f"InstanceUsage:{each}", _POSTGRES)
        for each in classes
    }


OFFERS: Mapping[str, Offer] = {
    "alarm-metric-month": Offer("AmazonCloudWatch", "CW:AlarmMonitorUsage"),
    "aurora-acu-hour": Offer("AmazonRDS", "Aurora:ServerlessV2Usage", _POSTGRES),
    **instances(INSTANCE_CLASSES),
    "aurora-gb-month": Offer("AmazonRDS", "Aurora:StorageUsage", _POSTGRES),
    "aurora-million-requests": Offer(
        "AmazonRDS", "Aurora:StorageIOUsage", _POSTGRES, units=1_000_000
    ),
    "bucket-gb-month": Offer("AmazonS3", "TimedStorage-ByteHrs"),
    # Of an account, not of a region. With more than 50 metrics another usage type bills it.
    "dashboard-month": Offer("AmazonCloudWatch", "DashboardsUsageHour-Basic", regional=False),
    "gp3-gb-month": Offer("AmazonEC2", "EBS:VolumeUsage.gp3"),
    "images-gb-month": Offer("AmazonECR", "TimedStorage-ByteHrs"),
    "lcu-hour": Offer("AWSELB", "LCUUsage", {"operation": ("LoadBalancing:Application",)}),
    "load-balancer-hour": Offer(
        "AWSELB", "LoadBalancerUsage", {"operation": ("LoadBalancing:Application",)}
    ),
    "logs-gb": Offer("AmazonCloudWatch", "DataProcessing-Bytes"),
    "m6i.large-hour": Offer("AmazonEC2", "BoxUsage:m6i.large", _LINUX),
    "public-ipv4-hour": Offer("AmazonVPC", "PublicIPv4:InUseAddress"),
    "secret-month": Offer("AWSSecretsManager", "AWSSecretsManager-Secrets"),
}
Row = dict[str, Any]
Open = Callable[[str], io.TextIOBase]


def fetched(url: str) -> io.TextIOBase:
    """Opens a price list. Raises OSError."""
    response = urllib.request.urlopen(url, timeout=60)  # noqa: S310, https only
    return io.TextIOWrapper(response, encoding="utf-8", newline="")


def read(
    lines: Iterable[str], service: str, offers: Mapping[str, Offer]
) -> Iterator[tuple[str, Row]]:
    """Yields the items of a service's price list: USD, date of publication, source.

    Raises CostError if two rows of an item's first tier differ.
    """
    reader = csv.reader(lines)
    preamble = dict(next(reader)[:2] for _ in range(_PREAMBLE))
    columns = next(reader)
    found: dict[str, dict[Decimal, set[Decimal]]] = {}
    for values in reader:
        row = dict(zip(columns, values, strict=False))
        for item, offer in offers.items():
            if offer.matches(row):
                tiers = found.setdefault(item, {})
                usd = Decimal(row["PricePerUnit"]) * offer.units
                tiers.setdefault(Decimal(row["StartingRange"] or 0), set()).add(usd)
    for item, tiers in found.items():
        first = tiers[min(tiers)]
        if len(first) > 1:
            prices = ", ".join(f"{usd:f}" for usd in sorted(first))
            raise CostError(f"{service} has several prices of {item}: {prices}")
        yield (
            item,
            {
                "usd": f"{first.pop().normalize():f}",
                "date": preamble["Publication Date"][:10],
                "source": f"{service} price list",
            },
        )


def renew(
    region: str, instance_classes: Sequence[str] = (), file: Path = PRICES, opened: Open = fetched
) -> list[str]:
    """Replaces the region's prices. Returns the items that the region's lists don't have.

    instance_classes: of Aurora, besides INSTANCE_CLASSES and those that the file has. Raises
    CostError for a region that has no lists, and OSError without a network.
    """
    table = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    known = [found[1] for item in table.get(region, {}) if (found := INSTANCE_ITEM.fullmatch(item))]
    offers = {**OFFERS, **instances([*known, *instance_classes])}
    rows: dict[str, Row] = {}
    for service, regional in sorted({(each.service, each.regional) for each in offers.values()}):
        place = f"{region}/" if regional else ""
        listed = {
            item: each
            for item, each in offers.items()
            if (each.service, each.regional) == (service, regional)
        }
        with closing(opened(URL.format(service=service, place=place))) as lines:
            rows.update(read(lines, service, listed))
    if not any(offers[item].regional for item in rows):
        raise CostError(f"AWS's price lists have nothing for region {region}")
    table[region] = dict(sorted(rows.items()))
    text = yaml.safe_dump(table, default_flow_style=None, sort_keys=True, width=120)
    file.write_text(HEADER + text, encoding="utf-8")
    return sorted(set(offers) - set(rows))


def main() -> int:
    """Renews a region. Arguments: the region, and an Aurora instance class to add to it."""
    region, *instance_classes = sys.argv[1:]
    try:
        missing = renew(region, instance_classes)
    except CostError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        reason = getattr(error, "reason", error)
        print(f"error: AWS's price list doesn't answer: {reason}", file=sys.stderr)
        return 1
    print(f"{PRICES.name}: prices of {region} renewed")
    if missing:
        print(f"not sold there, or under another usage type: {', '.join(missing)}")
    return 0


if __name__ == "__main__":
    ends_with(main)
