"""Alarms of the pods, from Container Insights."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions

from components.monitoring.alarm import MINUTE, Alarm, AlarmTarget, Metric, create

NAMESPACE = "ContainerInsights"


@dataclass(frozen=True)
class WatchedPods:
    """The pods of a namespace. workload: name of the portal's Deployment."""

    cluster: str
    namespace: Input[str]
    workload: str


@dataclass(frozen=True)
class PodAlarmsArgs:
    pods: WatchedPods
    target: AlarmTarget


class PodAlarms(pulumi.ComponentResource):
    """Creates alarms on failed pods of the namespace, which its Jobs leave, and on restarts.

    arns: of all alarms.
    """

    arns: list[Output[str]]

    def __init__(self, name: str, args: PodAlarmsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("backstage:monitoring:PodAlarms", name, None, opts)
        alarms = pod_alarms(args.pods)
        self.arns = create(name, alarms, args.target, ResourceOptions(parent=self))
        self.register_outputs({})


def pod_alarms(pods: WatchedPods) -> list[Alarm]:
    """When pods end. Without the add-on amazon-cloudwatch-observability there is no data."""
    namespace = {"ClusterName": pods.cluster, "Namespace": pods.namespace}
    failed = Metric(NAMESPACE, "pod_status_failed", namespace, "Maximum")
    workload = {**namespace, "PodName": pods.workload}
    restarts = Metric(
        NAMESPACE, "pod_number_of_container_restarts", workload, "Maximum", 15 * MINUTE
    )
    return [
        Alarm("failed-jobs", "A Job has failed", {"m": failed}, ">=", 1, 1),
        Alarm(
            "restarting-pods", "Pods restart", {"restarts": restarts}, ">=", 2, 1,
            # The metric counts since the pod's start.
            expression="DIFF(restarts)",
        ),
    ]  # fmt: skip
