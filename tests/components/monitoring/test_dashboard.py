"""The dashboard, against what CloudWatch publishes and against the alarms."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest

from components.monitoring import graph, graphs
from components.monitoring.database_alarms import WatchedDatabase, database_alarms
from tests.components.monitoring import published
from tests.components.monitoring.test_alarms import ALARM, alarms
from tests.programs import Program, changed, previewed

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
SCHEMA = jsonschema.Draft202012Validator(published.BODY)


def watched() -> Program:
    """With alarms."""
    return previewed("existing-environment", creates=True)


@cache
def unwatched() -> Program:
    return changed("prod", {"dashboard": True}, creates=True)


def body(program: Program) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(program.inputs(DASHBOARD)["dashboardBody"])
    return found


def of_fixed_class() -> Any:
    """Instances of a fixed class, the rarest kind of database."""
    database = WatchedDatabase("cluster", instances=1, max_capacity=None, connections=100)
    return graph.body("us-east-1", {"Database": graphs.database_graphs(database)}, [])


BODIES = {"alarms": lambda: body(watched()), "none": lambda: body(unwatched()),
          "fixed": of_fixed_class}  # fmt: skip


def widgets(body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each["properties"] for each in body["widgets"] if each["type"] == kind]


def drawn(
    graph: dict[str, Any],
) -> Iterator[tuple[tuple[str, str], dict[str, str], dict[str, Any]]]:
    """Namespace and name, dimensions and options of each metric of a graph."""
    for *texts, options in graph["metrics"]:
        if texts:
            yield (texts[0], texts[1]), dict(zip(texts[2::2], texts[3::2], strict=True)), options


EACH = pytest.mark.parametrize("kind", BODIES)


def test_no_dashboard_unless_asked() -> None:
    assert not previewed("prod").all(DASHBOARD)


@EACH
def test_body_has_the_published_structure(kind: str) -> None:
    found = BODIES[kind]()
    assert [error.message for error in SCHEMA.iter_errors(found)] == []
    # The schema is one that notices.
    for path, key in ((("widgets", -1, "properties"), "tilte"), (("widgets", 0), "heigth")):
        wrong = copy.deepcopy(found)
        place: Any = wrong
        for step in path:
            place = place[step]
        place[key] = "x"
        assert [*SCHEMA.iter_errors(wrong)]


@EACH
def test_widgets_lie_side_by_side(kind: str) -> None:
    cells = [
        (x, y)
        for each in BODIES[kind]()["widgets"]
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@EACH
def test_metrics_are_published_with_these_dimensions(kind: str) -> None:
    for each in widgets(BODIES[kind](), "metric"):
        for metric, dimensions, options in drawn(each):
            assert frozenset(dimensions) in published.METRICS[metric], metric
            assert all(dimensions.values())
            assert (options["stat"] == "Sum") == (metric[1] in published.SUMS)
            assert options["stat"][0] != "p" or metric[1] in published.DURATIONS


def test_alarms_watch_published_metrics() -> None:
    found = []
    for alarm in watched().all(ALARM):
        queries = alarm.inputs.get("metricQueries", ())
        for each in [query["metric"] for query in queries if "metric" in query] or [alarm.inputs]:
            found.append((each["namespace"], each["metricName"], each["dimensions"]))
    for planned in database_alarms(WatchedDatabase("cluster", 2, None, 100)):
        found += [(each.namespace, each.name, each.dimensions) for each in planned.metrics.values()]
    for namespace, name, dimensions in found:
        assert frozenset(dimensions) in published.METRICS[namespace, name], name


@EACH
def test_at_most_fifty_metrics(kind: str) -> None:
    """With more the dashboard is neither free nor billed as tools/cost says."""
    metrics = {
        (metric, tuple(dimensions.items()))
        for each in widgets(BODIES[kind](), "metric")
        for metric, dimensions, _ in drawn(each)
    }
    assert 5 <= len(metrics) <= 50


@EACH
def test_expressions_name_metrics_of_their_graph(kind: str) -> None:
    expressions = 0
    for each in widgets(BODIES[kind](), "metric"):
        options = [row[-1] for row in each["metrics"]]
        named = [row["id"] for row in options if "id" in row]
        assert len(named) == len(set(named))
        for row in options:
            if "expression" in row:
                expressions += 1
                assert set(re.findall(r"\b[a-z]\w*", row["expression"])) == set(named)
        assert all("id" in row for row in options if row.get("visible") is False)
    assert expressions >= 1


def test_thresholds_are_those_of_the_alarms() -> None:
    found = {
        (alarm["alarmDescription"].partition(":")[0], alarm["threshold"],
         "above" if alarm["comparisonOperator"].startswith("Greater") else "below")
        for alarm in alarms(watched()).values()
    }  # fmt: skip
    shown = [
        (line["label"], line["value"], line["fill"])
        for each in widgets(body(watched()), "metric")
        for line in each.get("annotations", {"horizontal": []})["horizontal"]
    ]
    assert len(shown) == len(set(shown))
    assert set(shown) == found


def test_graph_with_a_threshold_draws_what_the_alarm_compares() -> None:
    rows = [row for each in widgets(body(watched()), "metric") for row in each["metrics"]]
    for alarm in alarms(watched()).values():
        queries = alarm.get("metricQueries")
        if queries:
            (expression,) = (each["expression"] for each in queries if "expression" in each)
            assert expression in [row[-1].get("expression") for row in rows]
            continue
        dimensions = [part for pair in alarm["dimensions"].items() for part in pair]
        statistic = alarm.get("statistic") or alarm["extendedStatistic"]
        assert [
            row
            for row in rows
            if row[:-1] == [alarm["namespace"], alarm["metricName"], *dimensions]
            and (row[-1]["stat"], row[-1]["period"]) == (statistic, alarm["period"])
        ], alarm["name"]


def test_alarms_state_is_shown_if_there_are_alarms() -> None:
    (state,) = widgets(body(watched()), "alarm")
    assert len(state["alarms"]) == len(set(state["alarms"])) == len(watched().all(ALARM))
    assert not widgets(body(unwatched()), "alarm")
    assert not unwatched().all(ALARM)
    assert unwatched().outputs["dashboardName"] == "backstage-prod"


def test_section_without_graphs_has_no_heading() -> None:
    found = graph.body("us-east-1", {"None": [], "One": [graph.Graph("", "")]}, [])
    headings = [each["markdown"] for each in widgets({**found}, "text")]
    assert headings == ["## One"]


def test_first_preview_knows_no_load_balancer_yet() -> None:
    body = previewed("existing-environment").inputs(DASHBOARD)["dashboardBody"]
    assert body == "<computed>"
