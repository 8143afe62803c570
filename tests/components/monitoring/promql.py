"""Expressions of Prometheus' rules and Grafana's dashboard, and the series that they select."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser

# Of Grafana; any value of the right type parses.
_VARIABLES = {"$__rate_interval": "5m", "$job": "backstage/backstage"}
# Labels that Prometheus adds to every series of a PodMonitor's target, and to `up`.
ADDED = {"container", "endpoint", "instance", "job", "namespace", "pod"}


@dataclass(frozen=True)
class Selector:
    """What an expression selects, or aggregates by.

    labels: each with its operator, `=`, `!=`, `=~` or `!~`, and the value or pattern.
    """

    metric: str
    labels: tuple[tuple[str, str, str], ...]


def parse(expression: str) -> promql_parser.Expr:
    """Raises ValueError, which says what is wrong."""
    for variable, value in _VARIABLES.items():
        expression = expression.replace(variable, value)
    return promql_parser.parse(expression)


def _nodes(expression: Any) -> Iterator[Any]:
    yield expression
    parts = (getattr(expression, name, None) for name in ("lhs", "rhs", "expr", "vector_selector"))
    for part in (*parts, *getattr(expression, "args", ())):
        if part is not None:
            yield from _nodes(part)


def selectors(expression: str) -> list[Selector]:
    """Of every metric that an expression names."""
    operators = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
    return [
        Selector(
            each.name or "",
            tuple(
                (matcher.name, operators[str(matcher.op).rpartition(".")[2]], matcher.value)
                for matcher in each.matchers.matchers
            ),
        )
        for each in _nodes(parse(expression))
        if isinstance(each, promql_parser.VectorSelector)
    ]


def grouping(expression: str) -> set[str]:
    """Labels that an expression aggregates by."""
    return {
        label
        for each in _nodes(parse(expression))
        if isinstance(each, promql_parser.AggregateExpr) and each.modifier
        for label in each.modifier.labels
    }


def of_rules(manifest: dict[str, Any]) -> dict[str, str]:
    """Expressions of a PrometheusRule by alert."""
    return {
        rule["alert"]: rule["expr"]
        for group in manifest["spec"]["groups"]
        for rule in group["rules"]
    }


def of_dashboard(text: str) -> dict[str, str]:
    """Expressions of Grafana's dashboard by panel and letter."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in json.loads(text)["panels"]
        for target in panel.get("targets", ())
    }


def shown_labels(text: str) -> dict[str, set[str]]:
    """Labels in the legends of Grafana's dashboard, by expression."""
    return {
        target["expr"]: set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        for panel in json.loads(text)["panels"]
        for target in panel.get("targets", ())
    }
