"""Puts the page together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from tools.cost.assumptions import Assumptions
from tools.cost.estimate import NOTHING, Line, Range, estimate
from tools.cost.plan import region_of
from tools.cost.prices import CostError, Prices
from tools.cost.report import LEFT_OUT
from tools.preview.policy import Verdict
from tools.preview.recording import Recording
from tools.preview.stack_file import StackConfig
from tools.report.graph import HEIGHT, WIDTH, Edge, Node, drawn
from tools.report.rows import ORIGINS, setting_rows
from tools.report.texts import output_texts
from tools.report.tree import Item, anchors, items, tree

_PAGES = Path(__file__).parent / "page"
_PACKAGES = ("aws", "kubernetes", "random", "docker")


@dataclass(frozen=True)
class Price:
    """USD a month by resource. problem: why it isn't known."""

    lines: list[Line]
    total: Range
    notes: list[str]
    problem: str = ""

    def share(self, line: Line) -> float:
        """Percent of the most expensive resource."""
        most = max((each.usd.expected for each in self.lines), default=Decimal(1))
        return float(100 * line.usd.expected / most) if most else 0.0


def page(config: StackConfig, recording: Recording, judged: Verdict, commit: str) -> str:
    """The page of a stack's plan. commit: what the page says that it was made from."""
    roots = tree(recording)
    every = [each for each in items(roots) if each.custom]
    drawing = drawn(dependencies(recording))
    return _template().render(
        stack=config.stack,
        project=config.project,
        commit=commit,
        roots=roots,
        counts=Counter(each.package for each in every),
        packages=_PACKAGES,
        total=len(every),
        groups=len(recording.resources) - len(every),
        protected=[each.name for each in every if each.protect],
        drawing=drawing,
        nodes=_by_anchor(drawing.nodes, every, recording),
        edges=[_anchored(each, anchors(recording)) for each in drawing.edges],
        box=(WIDTH, HEIGHT),
        origins=ORIGINS,
        outputs=output_texts(recording.outputs),
        settings=setting_rows(config),
        price=_price(recording),
        policy=judged,
        warnings=recording.warnings,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["usd"] = "{:.2f}".format
    return environment.get_template("page.html")


def dependencies(recording: Recording) -> dict[str, list[str]]:
    """Between resources; providers, which everything depends on, are left out."""
    shown = {
        urn
        for urn, each in recording.resources.items()
        if each.custom and not each.type.startswith("pulumi:")
    }
    return {
        urn: [each for each in recording.resources[urn].dependencies if each in shown]
        for urn in sorted(shown)
    }


def _by_anchor(
    nodes: list[Node], every: list[Item], recording: Recording
) -> list[tuple[Node, Item]]:
    ids = anchors(recording)
    known = {each.anchor: each for each in every}
    return [(node, known[ids[node.key]]) for node in nodes]


def _anchored(edge: Edge, ids: dict[str, str]) -> Edge:
    return Edge(ids[edge.start], ids[edge.end], edge.path)


def _price(recording: Recording) -> Price | None:
    """None: a plan with nothing of AWS."""
    plan = list(recording.resources.values())
    region = region_of(plan)
    if region is None:
        return None
    try:
        prices, assumptions = Prices.load(region), Assumptions()
        lines = estimate(plan, prices, assumptions)
    except CostError as error:
        return Price([], NOTHING, [], str(error))
    oldest, newest = prices.dates
    notes = [
        f"USD, list prices of {region} from {oldest} to {newest}.",
        f"Assumed: {assumptions}.",
        LEFT_OUT,
    ]
    lines = sorted(lines, key=lambda each: -each.usd.expected)
    return Price(lines, sum((each.usd for each in lines), NOTHING), notes)
