"""A CloudWatch dashboard's body from graphs.

Source: CloudWatch API Reference, "Dashboard Body Structure and Syntax".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

from pulumi import Input, Output

from components.monitoring.alarm import Alarm, Metric

COLUMNS = 24  # of a dashboard's grid
ACROSS = 3  # graphs in a row
HEIGHT = 6
ALARMS_HEIGHT, HEADING_HEIGHT = 4, 1


@dataclass(frozen=True)
class Graph:
    """What is drawn over time, from 0 up.

    unit: label of the axis. metrics: by label. alarms: their metrics are drawn, too, and their
    thresholds.
    """

    title: str
    unit: str
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    alarms: Sequence[Alarm] = ()


class Widget(TypedDict):
    """A rectangle of the grid."""

    type: Literal["alarm", "metric", "text"]
    x: int
    y: int
    width: int
    height: int
    properties: Mapping[str, Any]


class Threshold(TypedDict):
    """A horizontal line; the side on which the alarm fires is filled."""

    label: str
    value: float
    fill: Literal["above", "below"]


class _Options(TypedDict):
    label: NotRequired[str]
    id: NotRequired[str]
    stat: NotRequired[str]
    period: NotRequired[int]
    visible: NotRequired[bool]
    expression: NotRequired[str]


_Row = list[Input[str] | _Options]


class Body(TypedDict):
    """inherit: each metric keeps its period, without which a threshold says nothing."""

    start: str
    periodOverride: Literal["inherit"]
    widgets: list[Widget]


def body(
    region: str, sections: Mapping[str, Sequence[Graph]], alarms: Sequence[Output[str]]
) -> Body:
    """The dashboard: the state of `alarms`, if there are any, then the graphs by heading."""
    widgets: list[Widget] = []
    y = 0
    if alarms:
        widgets.append(_widget("alarm", 0, y, COLUMNS, ALARMS_HEIGHT, _states(alarms)))
        y += ALARMS_HEIGHT
    for heading, graphs in sections.items():
        if graphs:
            text = {"markdown": f"## {heading}"}
            widgets.append(_widget("text", 0, y, COLUMNS, HEADING_HEIGHT, text))
            y += HEADING_HEIGHT
        width = COLUMNS // ACROSS
        for number, graph in enumerate(graphs):
            row, column = divmod(number, ACROSS)
            place = (column * width, y + row * HEIGHT, width, HEIGHT)
            widgets.append(_widget("metric", *place, _properties(graph, region)))
        y += -(-len(graphs) // ACROSS) * HEIGHT
    return {"start": "-PT24H", "periodOverride": "inherit", "widgets": widgets}


def _widget(
    kind: Literal["alarm", "metric", "text"],
    x: int,
    y: int,
    width: int,
    height: int,
    properties: Mapping[str, Any],
) -> Widget:
    return {
        "type": kind,
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "properties": properties,
    }


def _states(alarms: Sequence[Output[str]]) -> Mapping[str, Any]:
    return {"title": "Alarms", "alarms": list(alarms), "sortBy": "stateUpdatedTimestamp"}


def _properties(graph: Graph, region: str) -> Mapping[str, Any]:
    thresholds = [_threshold(alarm) for alarm in graph.alarms]
    return {
        "title": graph.title,
        "region": region,
        "view": "timeSeries",
        "metrics": [*_rows(graph)],
        "yAxis": {"left": {"min": 0, "label": graph.unit, "showUnits": False}},
        **({"annotations": {"horizontal": thresholds}} if thresholds else {}),
    }


def _rows(graph: Graph) -> Iterator[_Row]:
    for alarm in graph.alarms:
        if alarm.expression is None:
            (metric,) = alarm.metrics.values()
            yield _row(metric, {"label": metric.name})
        else:
            for identifier, metric in alarm.metrics.items():
                yield _row(metric, {"id": identifier, "visible": False})
            (period,) = {metric.period for metric in alarm.metrics.values()}
            yield [{"expression": alarm.expression, "label": graph.title, "period": period}]
    for label, metric in graph.metrics.items():
        yield _row(metric, {"label": label})


def _row(metric: Metric, options: _Options) -> _Row:
    dimensions = [part for pair in metric.dimensions.items() for part in pair]
    drawn: _Options = {**options, "stat": metric.statistic, "period": metric.period}
    return [metric.namespace, metric.name, *dimensions, drawn]


def _threshold(alarm: Alarm) -> Threshold:
    fill: Literal["above", "below"] = "above" if alarm.comparison.startswith(">") else "below"
    return {"label": alarm.title, "value": alarm.threshold, "fill": fill}
