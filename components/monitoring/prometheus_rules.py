"""When Prometheus alerts, from the metrics that the portal serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.monitoring.manual import section
from components.monitoring.thresholds import (
    DOWN_MINUTES,
    ERRORS_MINUTES,
    ERRORS_PERCENT,
    FEWEST_REQUESTS,
    SLOW_MINUTES,
)
from settings.keys import METRICS_PORT

# A bucket of http_server_request_duration; the slowest request of an undisturbed run took 0.3 s:
# reliability.md.
SLOW_SECONDS, SLOW_PERCENT = "2.5", 1


@dataclass(frozen=True)
class Rule:
    """When an alert fires: the expression has had a result for so many minutes.

    title: also the heading of its section in the manual.
    """

    name: str
    title: str
    expression: str
    minutes: int
    severity: Literal["critical", "warning"] = "warning"

    @property
    def section(self) -> str:
        """Of the manual, as a link within the repository."""
        return section(self.title)


def job_of(namespace: str, monitor: str) -> str:
    """The label `job` of a PodMonitor's targets."""
    return f"{namespace}/{monitor}"


def portal_rules(job: str, heap_bytes: int) -> list[Rule]:
    """When the portal needs somebody.

    job: of `job_of`. heap_bytes: the limit of a pod's heap. Each pod reports what it counts itself,
    so counters are summed over pods.
    """
    portal = f'job="{job}"'
    # Without the scrapes themselves.
    served = f'{portal}, server_port!="{METRICS_PORT}"'

    def requests(labels: str = served) -> str:
        return f"sum(rate(http_server_request_duration_count{{{labels}}}[5m]))"

    errors = requests(f'{served}, http_response_status_code=~"5.."')
    busy = f"{requests()} > {FEWEST_REQUESTS} / 60"
    fast = f'sum(rate(http_server_request_duration_bucket{{{served}, le="{SLOW_SECONDS}"}}[5m]))'

    def tasks(result: str) -> str:
        counter = f'backend_tasks_task_runs_count_total{{{portal}, result="{result}"}}'
        return f"sum by (taskId) (increase({counter}[3h]))"

    def entities(labels: str = portal) -> str:
        return f"sum(rate(catalog_processed_entities_count_total{{{labels}}}[30m]))"

    unprocessed = entities(f'{portal}, result=~"errors|failed"')

    def templates(result: str) -> str:
        return f'sum(increase(scaffolder_task_count_total{{{portal}, result="{result}"}}[1h]))'

    delay = "catalog_processing_queue_delay"
    return [
        Rule(
            "BackstageDown", "No pod is healthy", f"absent(up{{{portal}}} == 1)",
            DOWN_MINUTES, "critical",
        ),
        Rule(
            "BackstageErrors", "The pods answer with errors",
            f"100 * {errors} / {requests()} > {ERRORS_PERCENT} and {busy}",
            ERRORS_MINUTES, "critical",
        ),
        Rule(
            "BackstageSlow", "Responses are slow",
            f"100 * (1 - {fast} / {requests()}) > {SLOW_PERCENT} and {busy}", SLOW_MINUTES,
        ),
        Rule(
            "BackstageTaskFails", "A scheduled task fails",
            # Two after the first, which no increase sees: providers run every half an hour.
            f"{tasks('failed')} > 1.5 unless {tasks('completed')} > 0", 5,
        ),
        Rule(
            "BackstageCatalogLags", "The catalog falls behind",
            # Seconds. Backstage processes an entity every 100 to 150 s.
            f"sum(rate({delay}_sum{{{portal}}}[15m])) / sum(rate({delay}_count{{{portal}}}[15m]))"
            " > 600", 15,
        ),
        Rule(
            "BackstageEntitiesFail", "Entities can't be processed",
            # Single ones are their owners' affair; this many are an integration's.
            f"100 * {unprocessed} / {entities()} > 20", 30,
        ),
        Rule(
            "BackstageEventLoopBlocked", "The event loop is blocked",
            # Seconds; 0.02 at rest. Every request waits that long; the liveness probe fails at 5.
            f"max by (pod) (nodejs_eventloop_delay_p99{{{portal}}}) > 0.5", 10,
        ),
        Rule(
            "BackstageHeapFull", "The heap is almost full",
            # Above, Node mostly collects garbage, and then ends.
            f"sum by (pod) (v8js_memory_heap_used{{{portal}}}) > {heap_bytes * 9 // 10}", 15,
        ),
        Rule(
            "BackstageTemplatesFail", "Templates fail",
            f"{templates('failed')} > 2 and {templates('failed')} >"
            f" ({templates('ok')} or vector(0))", 0,
        ),
    ]  # fmt: skip
