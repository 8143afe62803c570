"""When each alert fires, by Prometheus' own rule tests; skipped without promtool."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.components.monitoring import promql
from tests.components.monitoring.test_prometheus import RULE, eks

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on PATH")

JOB = 'job="portal/backstage"'
COUNT = f"http_server_request_duration_count{{{JOB}, http_response_status_code="
SERVED, SCRAPED = 'server_port="7007"', 'server_port="9464"'
RUNS = f"backend_tasks_task_runs_count_total{{{JOB}, taskId="
PROCESSED = f"catalog_processed_entities_count_total{{{JOB}, result="
HEAP = f"v8js_memory_heap_used{{{JOB}, pod="
TEMPLATES = f"scaffolder_task_count_total{{{JOB}, result="


@dataclass(frozen=True)
class Case:
    """series: values by minute, in promtool's notation. at: when it is evaluated. labels: of the
    alert that fires, besides the rule's; None: none does.
    """

    series: Mapping[str, str]
    at: str
    labels: Mapping[str, str] | None = field(default_factory=dict)


QUIET = None
CASES = {
    "BackstageDown": [
        Case({f'up{{{JOB}, pod="a"}}': "1x2 0x10"}, "6m"),
        Case({}, "3m"),  # no target at all
        Case({f'up{{{JOB}, pod="a"}}': "0x10", f'up{{{JOB}, pod="b"}}': "1x10"}, "6m", QUIET),
        Case({f'up{{{JOB}, pod="a"}}': "0x10"}, "1m", QUIET),
    ],
    "BackstageErrors": [
        Case({f'{COUNT}"200", {SERVED}}}': "0+60x20",
              f'{COUNT}"503", {SERVED}}}': "0+4x20"}, "12m"),
        Case({f'{COUNT}"200", {SERVED}}}': "0+60x20",
              f'{COUNT}"503", {SERVED}}}': "0+2x20"}, "12m", QUIET),
        # Too few requests; the scrapes are none.
        Case({f'{COUNT}"500", {SERVED}}}': "0+9x20",
              f'{COUNT}"200", {SCRAPED}}}': "0+60x20"}, "12m", QUIET),
    ],
    "BackstageSlow": [
        Case({f'http_server_request_duration_bucket{{{JOB}, {SERVED}, le="2.5"}}': "0+59x30",
              f'{COUNT}"200", {SERVED}}}': "0+60x30"}, "20m"),
        Case({f'http_server_request_duration_bucket{{{JOB}, {SERVED}, le="2.5"}}': "0+199x30",
              f'{COUNT}"200", {SERVED}}}': "0+200x30"}, "20m", QUIET),
    ],
    "BackstageTaskFails": [
        Case({f'{RUNS}"people", result="failed"}}': "1x29 2x29 3x29 4x60",
              f'{RUNS}"search", result="completed"}}': "0+1x150"}, "110m", {"taskId": "people"}),
        Case({f'{RUNS}"people", result="failed"}}': "1x29 2x29 3x29 4x60",
              f'{RUNS}"people", result="completed"}}': "1x69 2x90"}, "110m", QUIET),
        Case({f'{RUNS}"people", result="failed"}}': "1x60 2x90"}, "110m", QUIET),
    ],
    "BackstageCatalogLags": [
        Case({f"catalog_processing_queue_delay_sum{{{JOB}}}": "0+42000x60",
              f"catalog_processing_queue_delay_count{{{JOB}}}": "0+60x60"}, "40m"),
        Case({f"catalog_processing_queue_delay_sum{{{JOB}}}": "0+600x60",
              f"catalog_processing_queue_delay_count{{{JOB}}}": "0+60x60"}, "40m", QUIET),
    ],
    "BackstageEntitiesFail": [
        Case({f'{PROCESSED}"errors"}}': "0+15x120", f'{PROCESSED}"failed"}}': "0+15x120",
              f'{PROCESSED}"unchanged"}}': "0+60x120"}, "90m"),
        Case({f'{PROCESSED}"errors"}}': "0+10x120", f'{PROCESSED}"unchanged"}}': "0+60x120"}, "90m",
             QUIET),
    ],
    "BackstageEventLoopBlocked": [
        Case({f'nodejs_eventloop_delay_p99{{{JOB}, pod="a"}}': "0.8x20",
              f'nodejs_eventloop_delay_p99{{{JOB}, pod="b"}}': "0.02x20"}, "15m", {"pod": "a"}),
        Case({f'nodejs_eventloop_delay_p99{{{JOB}, pod="a"}}': "0.8x5 0.02x20"}, "15m", QUIET),
    ],
    "BackstageHeapFull": [
        Case({f'{HEAP}"a", v8js_heap_space_name="old_space"}}': "600000000x30",
              f'{HEAP}"a", v8js_heap_space_name="new_space"}}': "150000000x30"}, "20m",
             {"pod": "a"}),
        Case({f'{HEAP}"a", v8js_heap_space_name="old_space"}}': "600000000x30",
              f'{HEAP}"b", v8js_heap_space_name="old_space"}}': "600000000x30"}, "20m", QUIET),
    ],
    "BackstageTemplatesFail": [
        Case({f'{TEMPLATES}"failed"}}': "1x10 2x10 3x10 5x60"}, "50m"),
        Case({f'{TEMPLATES}"failed"}}': "1x10 2x10 3x10 5x60", f'{TEMPLATES}"ok"}}': "0+1x90"},
             "50m", QUIET),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("rules") / "rules.yaml"
    file.write_text(yaml.safe_dump(eks().inputs(RULE)["spec"]), encoding="utf-8")
    return file


def promtool(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_accepts_the_rules(rules: Path) -> None:
    assert f"{len(CASES)} rules found" in promtool("check", "rules", "--lint=all", str(rules))


def test_every_alert_fires_when_it_should(rules: Path) -> None:
    found = {rule["alert"]: rule for group in eks().inputs(RULE)["spec"]["groups"]
             for rule in group["rules"]}  # fmt: skip
    assert set(CASES) == set(promql.of_rules(eks().inputs(RULE)))
    tests = [_test(found[alert], case) for alert, cases in CASES.items() for case in cases]
    file = rules.with_name("tests.yaml")
    content = {"rule_files": [rules.name], "evaluation_interval": "1m", "tests": tests}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert "SUCCESS" in promtool("test", "rules", str(file))


def _test(rule: Mapping[str, Any], case: Case) -> dict[str, Any]:
    alert = {
        "exp_labels": {**rule["labels"], **(case.labels or {})},
        "exp_annotations": dict(rule["annotations"]),
    }
    return {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": values} for name, values in case.series.items()
        ],
        "alert_rule_test": [
            {
                "eval_time": case.at,
                "alertname": rule["alert"],
                "exp_alerts": [] if case.labels is None else [alert],
            }
        ],
    }
