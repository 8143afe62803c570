"""PodMonitor, alert rules and Grafana's dashboard of a whole stack."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from components.monitoring.prometheus_rules import portal_rules
from settings.keys import METRICS_PORT
from tests.components.monitoring import promql
from tests.programs import ROOT, Program, changed, previewed
from tests.settings.stack import warnings
from tests.tokens import CONFIG_MAP, DEPLOYMENT, JOB, NETWORK_POLICY

POD_MONITOR = "kubernetes:monitoring.coreos.com/v1:PodMonitor"
RULE = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
DASHBOARD = "backstage-grafana-dashboard"
ON = {"monitoring": "prometheus-operator"}


@cache
def eks() -> Program:
    return previewed("existing-environment", creates=True)


@cache
def local() -> Program:
    return changed("local", ON, creates=True)


def expressions(program: Program) -> dict[str, str]:
    return promql.of_rules(program.inputs(RULE))


def dashboard(program: Program) -> tuple[str, dict[str, Any]]:
    """File name and content."""
    ((name, text),) = program.inputs(CONFIG_MAP, DASHBOARD)["data"].items()
    return name, json.loads(text)


EACH = pytest.mark.parametrize("program", [eks, local])


def test_nothing_unless_asked() -> None:
    for stack in ("prod", "local"):
        assert not previewed(stack).all(POD_MONITOR)
        assert not previewed(stack).all(RULE)


@EACH
def test_monitor_selects_the_pods_that_serve_metrics(program: Any) -> None:
    spec = program().inputs(POD_MONITOR)["spec"]
    selector = spec["selector"]["matchLabels"].items()
    template = program().inputs(DEPLOYMENT)["spec"]["template"]
    assert selector <= template["metadata"]["labels"].items()
    for job in program().all(JOB):
        assert not selector <= job.inputs["spec"]["template"]["metadata"]["labels"].items()
    (container,) = template["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert [ports[each["port"]] for each in spec["podMetricsEndpoints"]] == [METRICS_PORT]


@EACH
def test_scrape_passes_the_network_policy(program: Any) -> None:
    spec = program().inputs(NETWORK_POLICY, "backstage-network-policy")["spec"]
    (opened,) = (
        rule["from"]
        for rule in spec["ingress"]
        if [port["port"] for port in rule["ports"]] == [METRICS_PORT]
    )
    assert opened == [{"namespaceSelector": {}}]


def test_prometheus_finds_its_objects_by_label() -> None:
    for kind in (POD_MONITOR, RULE):
        metadata = eks().inputs(kind)["metadata"]
        assert metadata["labels"]["release"] == "kube-prometheus-stack"
        assert metadata["namespace"] == "portal"
    labels = eks().inputs(CONFIG_MAP, DASHBOARD)["metadata"]["labels"]
    assert labels["grafana_dashboard"] == "1"
    assert "release" not in labels


@EACH
def test_every_expression_parses_and_selects_this_portal(program: Any) -> None:
    job = {eks: "portal/backstage", local: "backstage/backstage"}[program]
    rules = expressions(program())
    assert len(rules) >= 8
    for name, expression in rules.items():
        found = promql.selectors(expression)
        assert found, name
        assert {("job", "=", job)} == {
            label for each in found for label in each.labels if label[0] == "job"
        }, name
        assert all("job" in {label for label, _, _ in each.labels} for each in found), name


def test_parser_is_one_that_notices() -> None:
    for wrong in ("sum(", "rate(a[5m]", "a b", 'a{b="c"'):
        with pytest.raises(ValueError, match=r"\w"):
            promql.parse(wrong)
    assert [
        each.metric for each in promql.selectors("max(a) - rate(b[5m]) > c unless absent(d)")
    ] == [*"abcd"]


def test_each_alert_names_its_section() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-"): heading
        for heading in re.findall(r"^### (.+)$", manual, re.M)
    }
    for group in eks().inputs(RULE)["spec"]["groups"]:
        for rule in group["rules"]:
            page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
            assert page == "docs/operations.md"
            assert anchors[anchor] == rule["annotations"]["summary"]
            assert f"`{rule['alert']}`" in manual
            assert rule["labels"]["severity"] in ("critical", "warning")
            assert rule["labels"]["namespace"] == "portal"
            assert re.fullmatch(r"\d+m", rule["for"])


def test_heap_threshold_follows_the_memory_limit() -> None:
    heap = int(1024 * 0.75) * 1024**2
    assert expressions(local())["BackstageHeapFull"].endswith(f"> {heap * 9 // 10}")
    limits = {rule.name: rule.expression for rule in portal_rules("a/b", 10_000)}
    assert limits["BackstageHeapFull"].endswith("> 9000")


def test_dashboard_is_of_this_portal_alone() -> None:
    name, found = dashboard(eks())
    assert name == "backstage-portal.json"
    variables = {each["name"]: each["query"] for each in found["templating"]["list"]}
    assert variables == {"datasource": "prometheus", "job": "portal/backstage"}
    others_name, others = dashboard(local())
    assert name != others_name
    assert found["uid"] != others["uid"]
    assert len(found["uid"]) <= 40


def test_dashboard_draws_only_this_portal() -> None:
    text = (ROOT / "assets" / "grafana-dashboard.json").read_text(encoding="utf-8")
    found = promql.of_dashboard(text)
    assert len(found) >= 15
    for panel, expression in found.items():
        assert all(
            ("job", "=", "backstage/backstage") in each.labels
            for each in promql.selectors(expression)
        ), panel
    for expression, labels in promql.shown_labels(text).items():
        assert labels <= promql.grouping(expression), expression


def test_panels_lie_side_by_side() -> None:
    _, found = dashboard(eks())
    cells = [
        (x, y)
        for panel in found["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids))


def test_labels_without_a_monitor_are_a_warning() -> None:
    labelled = {"monitoringLabels": {"release": "x"}}
    assert [each for each in warnings(labelled) if "monitoringLabels" in each]
    assert not [each for each in warnings({**labelled, **ON}) if "monitoringLabels" in each]
