"""What the dashboard draws: the metrics of the alarms, with what helps to understand them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from components.monitoring.alarm import MINUTE, Alarm
from components.monitoring.database_alarms import WatchedDatabase, database_alarms
from components.monitoring.graph import Graph
from components.monitoring.load_balancer_alarms import WatchedLoadBalancer, load_balancer_alarms
from components.monitoring.pod_alarms import WatchedPods, pod_alarms


def _by_name(alarms: Sequence[Alarm]) -> dict[str, Alarm]:
    return {alarm.name: alarm for alarm in alarms}


def database_graphs(database: WatchedDatabase) -> list[Graph]:
    """Graphs of Aurora, by role in the cluster."""
    alarms = _by_name(database_alarms(database))
    connections = alarms["database-connections"]
    writer, growth = connections.metrics["m"], alarms["database-growth"]
    volume = growth.metrics["bytes"]
    graphs = [
        Graph("Connections", "connections", alarms=[connections]),
        Graph("Deadlocks", "per second", alarms=[alarms["database-deadlocks"]]),
        Graph("Storage", "bytes", {"VolumeBytesUsed": volume}),
        Graph("Storage growth", "bytes a day", alarms=[growth]),
    ]
    if "database-capacity" in alarms:
        used = replace(writer, name="ServerlessDatabaseCapacity", statistic="Average")
        roles = {"writer": used}
        if database.instances > 1:
            roles["readers"] = replace(used, dimensions={**used.dimensions, "Role": "READER"})
        graphs += [
            Graph("Share of the capacity", "%", alarms=[alarms["database-capacity"]]),
            Graph("Capacity", "ACU", roles),
            Graph("Free memory at most ACU", "bytes", alarms=[alarms["database-memory"]]),
        ]
    else:
        free = replace(writer, name="FreeableMemory")
        graphs += [
            Graph("CPU", "%", alarms=[alarms["database-cpu"]]),
            Graph("Free memory", "bytes", {"FreeableMemory": free}),
        ]
    if "database-lag" in alarms:
        graphs.append(Graph("Lag of the readers", "ms", alarms=[alarms["database-lag"]]))
    return graphs


def load_balancer_graphs(watched: WatchedLoadBalancer) -> list[Graph]:
    """Graphs of the load balancer, its targets and its certificate."""
    alarms = _by_name(load_balancer_alarms(watched))
    pod_errors, slow = alarms["pod-errors"], alarms["slow-responses"]
    graphs = [
        Graph("Requests", "a minute", {"RequestCount": pod_errors.metrics["requests"]}),
        Graph("5xx of the load balancer", "in 5 minutes", alarms=[alarms["load-balancer-errors"]]),
        Graph("Errors of the pods", "% of the requests", alarms=[pod_errors]),
        Graph("5xx of the pods", "in 5 minutes", {
            "HTTPCode_Target_5XX_Count": replace(pod_errors.metrics["errors"], period=5 * MINUTE)
        }),
        Graph("Response time", "seconds", {
            f"{slow.metrics['m'].name} p50": replace(slow.metrics["m"], statistic="p50")
        }, [slow]),
        Graph("Pods behind the load balancer", "pods", alarms=[
            alarms["no-healthy-pod"], alarms["unhealthy-pods"]
        ]),
        Graph("Refused connections", "a minute", alarms=[alarms["refused-connections"]]),
    ]  # fmt: skip
    if "certificate-expiry" in alarms:
        graphs.append(
            Graph(
                "Days until the certificate expires", "days", alarms=[alarms["certificate-expiry"]]
            )
        )
    return graphs


def pod_graphs(pods: WatchedPods) -> list[Graph]:
    """Graphs of the pods, from Container Insights."""
    alarms = _by_name(pod_alarms(pods))
    return [
        Graph("Failed pods of the namespace", "pods", alarms=[alarms["failed-jobs"]]),
        Graph("Restarts", "in 15 minutes", alarms=[alarms["restarting-pods"]]),
    ]
