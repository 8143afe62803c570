"""Every expression of alerts and dashboard against the metrics of a running portal."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pytest
import yaml

from settings.keys import METRICS_PORT
from tests.components.monitoring import promql
from tests.components.monitoring.test_prometheus import DASHBOARD, RULE, eks
from tests.e2e.conftest import TOKEN
from tests.prometheus import Prometheus, prometheus_with
from tests.tokens import CONFIG_MAP
from tools.container import engine
from tools.container.portal import PortalContainer, get

pytestmark = pytest.mark.e2e

MACHINE = {"Authorization": f"Bearer {TOKEN}"}
# Values that need a fault which no request causes: the file in the image, and what records them.
_MODULES = "/app/node_modules/@backstage"
RARE = {
    ("backend_tasks_task_runs_count_total", "result", "failed"): (
        f"{_MODULES}/backend-defaults/dist/entrypoints/scheduler/lib/PluginTaskSchedulerImpl.cjs.js",
        ('labels.result = "failed"',),
    ),
    ("catalog_processed_entities_count_total", "result", "errors|failed"): (
        f"{_MODULES}/plugin-catalog-backend/dist/processing/DefaultCatalogProcessingEngine.cjs.js",
        (
            'processedEntities.add(1, { result: "errors" })',
            'processedEntities.add(1, { result: "failed" })',
        ),
    ),
}
Series = Mapping[str, list[dict[str, str]]]


def _served(portal: PortalContainer) -> str:
    return get(f"http://{portal.address.partition(':')[0]}:{METRICS_PORT}/metrics").body


def _series(text: str) -> Series:
    """Labels of every series by metric."""
    found: dict[str, list[dict[str, str]]] = {}
    for name, labels in re.findall(r"^([a-zA-Z_]\w*)(?:\{(.*)\})? \S+$", text, re.M):
        pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)
        found.setdefault(name, []).append(dict(pairs))
    return found


def _task(portal: PortalContainer, template: str) -> None:
    body = {"templateRef": f"template:default/{template}", "values": {"name": "x"}}
    headers = {**MACHINE, "Content-Type": "application/json"}
    answer = portal.post("/api/scaffolder/v2/tasks", json.dumps(body).encode(), headers)
    assert answer.status == 201, answer.body


def _found(portal: PortalContainer, path: str) -> bool:
    return portal.get(path, MACHINE).status == 200


def _until(what: str, done: Callable[[], bool], seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{what} not within {seconds:.0f} s"
        time.sleep(1)


@pytest.fixture(scope="module")
def served(portal: PortalContainer) -> str:
    """Metrics after requests, an error, templates that succeed and fail, and scheduled tasks."""
    for name in ("greet", "broken"):
        path = f"/api/catalog/entities/by-name/template/default/{name}"
        _until(name, partial(_found, portal, path))
        _task(portal, name)
    # No id of a task: PostgreSQL refuses it.
    assert portal.get("/api/scaffolder/v2/tasks/none", MACHINE).status == 500
    wanted = (
        r'scaffolder_task_count_total\{.*result="ok"',
        r'scaffolder_task_count_total\{.*result="failed"',
        r'backend_tasks_task_runs_count_total\{.*result="completed"',
        r"catalog_processing_queue_delay_bucket",
        r"catalog_entities_count\{.*kind=",
    )
    _until("metrics", lambda: all(re.search(each, _served(portal)) for each in wanted), 300)
    return _served(portal)


def _expressions() -> dict[str, str]:
    (text,) = eks().inputs(CONFIG_MAP, DASHBOARD)["data"].values()
    return {**promql.of_rules(eks().inputs(RULE)), **promql.of_dashboard(text)}


def _problems(selector: promql.Selector, series: Series) -> Iterator[str]:
    if selector.metric == "up":  # Prometheus' own
        return
    if selector.metric not in series:
        yield f"no metric {selector.metric}"
        return
    for label, operator, value in selector.labels:
        values = {each[label] for each in series[selector.metric] if label in each}
        matching = {each for each in values if re.fullmatch(value, each)}
        rare = (selector.metric, label, value) in RARE
        if label in promql.ADDED or (rare and values):
            continue
        if not values or (operator in ("=", "=~") and not matching):
            yield f"{selector.metric} has no {label}{operator}{value}, but {sorted(values)}"


def test_every_metric_and_label_exists(served: str) -> None:
    series, problems = _series(served), []
    for name, expression in _expressions().items():
        selected = promql.selectors(expression)
        assert selected, name
        problems += [f"{name}: {each}" for one in selected for each in _problems(one, series)]
        labels = {
            label for one in selected for each in series.get(one.metric, ()) for label in each
        }
        missing = promql.grouping(expression) - labels - promql.ADDED
        problems += [f"{name}: no label {label} to aggregate by" for label in missing]
    assert problems == []
    wrong = promql.selectors('rate(scaffolder_task_count_total{result="none"}[5m])')[0]
    assert [*_problems(wrong, series)]


def test_rare_values_are_those_that_backstage_records(portal: PortalContainer) -> None:
    for file, records in RARE.values():
        source = engine.docker("exec", portal.name, "cat", file)
        assert all(each in source for each in records), file


def test_health_checks_and_scrapes_are_told_from_requests(
    portal: PortalContainer, served: str
) -> None:
    def probes() -> float:
        lines = re.findall(
            r"^http_server_request_duration_count\{(.*)\} (\d+)$", _served(portal), re.M
        )
        return sum(
            int(count) for labels, count in lines if f'server_port="{METRICS_PORT}"' not in labels
        )

    before = probes()
    for _ in range(20):
        portal.get("/.backstage/health/v1/liveness")
    assert probes() - before < 20
    portal.get("/")
    assert probes() > before


@pytest.fixture(scope="module")
def prometheus(
    portal: PortalContainer, served: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A Prometheus that scrapes the portal as an operator's would."""
    folder = tmp_path_factory.mktemp("prometheus")
    rules = eks().inputs(RULE)["spec"]
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    target = f"{portal.address.partition(':')[0]}:{METRICS_PORT}"
    added = {"namespace": "portal", "pod": "backstage-0", "container": "backstage",
             "endpoint": "metrics"}  # fmt: skip
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [
            {
                "job_name": "portal/backstage",
                "static_configs": [{"targets": [target], "labels": added}],
            }
        ],
    }
    with prometheus_with(folder, config) as found:
        query = 'count_over_time(up{job="portal/backstage"}[1m]) > 10'
        _until("ten scrapes", lambda: bool(found.query(query)), 60)
        yield found


def test_prometheus_evaluates_every_expression(prometheus: Prometheus) -> None:
    job = "portal/backstage"
    for expression in _expressions().values():
        query = expression.replace("$job", job).replace("$__rate_interval", "1m")
        assert prometheus.query(query) is not None
        for selector in promql.selectors(query):
            if any((selector.metric, label, value) in RARE for label, _, value in selector.labels):
                continue
            labels = ", ".join(
                f'{name}{operator}"{value}"' for name, operator, value in selector.labels
            )
            labels = labels.replace("backstage/backstage", job)
            assert prometheus.query(f"{selector.metric}{{{labels}}}"), selector


def test_dashboard_shows_values(prometheus: Prometheus) -> None:
    (text,) = eks().inputs(CONFIG_MAP, DASHBOARD)["data"].values()
    empty = []
    for panel, expression in promql.of_dashboard(text).items():
        query = expression.replace("$job", "portal/backstage").replace("$__rate_interval", "1m")
        if not prometheus.query(query):
            empty.append(panel)
    assert empty == ["Scheduled tasks that failed A"]


def test_no_alert_fires_and_every_rule_is_healthy(prometheus: Prometheus) -> None:
    _until("the rules", lambda: all(each["health"] != "unknown" for each in prometheus.rules()), 60)
    assert {each["health"] for each in prometheus.rules()} == {"ok"}
    states = {each["name"]: each["state"] for each in prometheus.rules()}
    assert set(states) == set(promql.of_rules(eks().inputs(RULE)))
    assert states["BackstageDown"] == "inactive"
