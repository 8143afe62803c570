"""Renewing list prices from files as AWS publishes them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.cost.prices import PRICES, CostError, Prices
from tools.cost.renew import OFFERS, URL, Offer, instances, renew

PREAMBLE = [("FormatVersion", "v1.0"), ("Disclaimer", "..."),
            ("Publication Date", "2026-11-03T20:59:55Z"), ("Version", "1"),
            ("OfferCode", "X")]  # fmt: skip
COLUMNS = ("SKU", "TermType", "StartingRange", "PricePerUnit", "Currency", "usageType",
           "operation", "Database Engine", "Operating System", "Tenancy", "Pre Installed S/W",
           "CapacityStatus")  # fmt: skip


def row(usage: str, price: str, **columns: str) -> dict[str, str]:
    defaults = {"TermType": "OnDemand", "StartingRange": "0", "Currency": "USD", "SKU": "S"}
    return {**defaults, "usageType": usage, "PricePerUnit": price, **columns}


class Lists:
    """Price lists of eu-west-3, and of everything; decoys lie beside every price.

    rows: of eu-west-3, by service. everything: of all regions, by service.
    """

    def __init__(self, offers: Mapping[str, Offer] = OFFERS) -> None:
        self.rows: dict[str, list[dict[str, str]]] = {}
        self.everything: dict[str, list[dict[str, str]]] = {}
        for number, offer in enumerate(offers.values(), start=1):
            where = {column: allowed[0] for column, allowed in offer.where.items()}
            usage = f"EUW3-{offer.usage}" if offer.regional else offer.usage
            price = f"0.{number:04d}000000"
            rows = self.rows if offer.regional else self.everything
            if offer.regional:  # in the list of everything for each region
                self.everything.setdefault(offer.service, []).append(row(usage, "9", **where))
            rows.setdefault(offer.service, []).extend(
                [
                    row(usage, "0.0000000000", **where),  # a free tier
                    row(usage, price, **where),
                    row(usage, "0.0000100000", **where, StartingRange="1000"),
                    row(usage, "9", **where, TermType="Reserved"),
                    row(f"EU-Outposts-{offer.usage}", "9", **where),
                    row(f"{usage}-Other", "9", **where),
                ]
            )

    def open(self, url: str) -> io.StringIO:
        service, place = re.fullmatch(  # type: ignore[union-attr]
            re.escape(URL).replace(r"\{service\}", "(.+)").replace(r"\{place\}", "(.*)"), url
        ).groups()
        rows = {"eu-west-3/": self.rows, "": self.everything}[place]
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerows([*PREAMBLE, COLUMNS])
        for each in rows[service]:
            writer.writerow([each.get(column, "") for column in COLUMNS])
        text.seek(0)
        return text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    copy = tmp_path / "prices.yaml"
    copy.write_text(PRICES.read_text(encoding="utf-8"), encoding="utf-8")
    return copy


def test_a_region_is_added_and_the_others_stay(file: Path) -> None:
    before = Prices.load("us-east-1", file)
    assert renew("eu-west-3", (), file, Lists().open) == []
    assert Prices.load("us-east-1", file) == before
    added = Prices.load("eu-west-3", file)
    assert set(added.items) == set(OFFERS)
    for number, (item, offer) in enumerate(OFFERS.items(), start=1):
        price = added.items[item]
        assert float(price.usd) == pytest.approx(number / 10_000 * offer.units)
        assert price.date.isoformat() == "2026-11-03"
        assert price.source == f"{offer.service} price list"


def test_what_a_region_does_not_sell_is_named(file: Path) -> None:
    lists = Lists()
    lists.rows["AmazonRDS"] = [
        each for each in lists.rows["AmazonRDS"] if "r8g" not in each["usageType"]
    ]
    assert renew("eu-west-3", (), file, lists.open) == ["aurora-db.r8g.large-hour"]


def test_an_instance_class_is_added_and_stays(file: Path) -> None:
    item = "aurora-db.r8g.xlarge-hour"
    lists = Lists({**OFFERS, **instances(["db.r8g.xlarge"])})
    assert renew("eu-west-3", ["db.r8g.xlarge"], file, lists.open) == []
    added = Prices.load("eu-west-3", file).items[item]
    assert renew("eu-west-3", (), file, lists.open) == []
    assert Prices.load("eu-west-3", file).items[item] == added
    assert renew("eu-west-3", ["db.r8g.metal"], file, lists.open) == ["aurora-db.r8g.metal-hour"]


def test_contradicting_prices_change_nothing(file: Path) -> None:
    lists, before = Lists(), file.read_text(encoding="utf-8")
    lists.rows["AWSSecretsManager"].append(row("EUW3-AWSSecretsManager-Secrets", "0.5"))
    with pytest.raises(CostError, match=r"AWSSecretsManager has several prices of secret-month: "):
        renew("eu-west-3", (), file, lists.open)
    assert file.read_text(encoding="utf-8") == before


def test_committed_items_are_those_that_can_be_renewed() -> None:
    assert set(Prices.load("us-east-1").items) == set(OFFERS)
