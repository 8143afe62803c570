"""The price as text."""

from __future__ import annotations

from textwrap import wrap

from tools.cost.assumptions import Assumptions, assumed_of
from tools.cost.estimate import NOTHING, Line, estimate
from tools.cost.plan import Plan, region_of
from tools.cost.prices import Prices

NOT_INCLUDED = (
    *("the EKS control plane", "the load balancer controller's pods", "what nodes have to spare"),
    *("pods of Jobs and rollouts", "NAT gateways", "data transfer", "requests"),
    *("backups beyond the database's size", "storage of logs", "CPU credits of db.t classes"),
    *("what exists already", "free tiers", "discounts and taxes"),
)
LEFT_OUT = f"Not included: {', '.join(NOT_INCLUDED)}."


def price_report(plan: Plan, assumptions: Assumptions) -> str:
    """A table of what costs, the total, and what both assume; empty for a plan without AWS.

    Raises CostError for a price that isn't known.
    """
    region = region_of(plan)
    if region is None:
        return ""
    prices = Prices.load(region)
    lines = estimate(plan, prices, assumptions)
    total = Line("total", "", sum((line.usd for line in lines), NOTHING))
    oldest, newest = prices.dates
    rows = [("Price a month", "", "low", "expected", "high"), *(_row(each) for each in lines)]
    rows.append(_row(total))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    table = [
        "    " + "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]  # fmt: skip
    notes = (
        f"USD, list prices of {region} from {oldest} to {newest}.",
        f"Assumed: {assumed_of(plan, assumptions)}.",
        LEFT_OUT,
    )
    indent = " " * 4
    wrapped = [
        line
        for note in notes
        for line in wrap(note, 100, initial_indent=indent, subsequent_indent=indent)
    ]
    return "\n".join([table[0].strip(), *table[1:], *wrapped])


def _row(line: Line) -> tuple[str, str, str, str, str]:
    low, expected, high = (f"{usd:.2f}" for usd in (line.usd.low, line.usd.expected, line.usd.high))
    return line.resource, line.what, low, expected, high
