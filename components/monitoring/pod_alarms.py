"""Alarms of the pods, from Container Insights."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi import Input, ResourceOptions

from components.monitoring.alarm import MINUTE, Alarm, AlarmTarget, Metric, create

NAMESPACE = "ContainerInsights"


@dataclass(frozen=True)
class PodAlarmsArgs:
    cluster: str
    namespace: Input[str]
    workload: str
    """Name of the Deployment."""
    target: AlarmTarget


class PodAlarms(pulumi.ComponentResource):
    """Creates alarms on failed pods of the namespace, which its Jobs leave, and on restarts.

    Without the add-on amazon-cloudwatch-observability they have no data and never fire.
    """

    def __init__(self, name: str, args: PodAlarmsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("backstage:monitoring:PodAlarms", name, None, opts)
        namespace = {"ClusterName": args.cluster, "Namespace": args.namespace}
        failed = Metric(NAMESPACE, "pod_status_failed", namespace, "Maximum")
        workload = {**namespace, "PodName": args.workload}
        restarts = Metric(
            NAMESPACE, "pod_number_of_container_restarts", workload, "Maximum", 15 * MINUTE
        )
        alarms = [
            Alarm("failed-jobs", "A Job has failed", {"m": failed}, ">=", 1, 1),
            Alarm(
                "restarting-pods", "Pods restart", {"restarts": restarts}, ">=", 2, 1,
                # The metric counts since the pod's start.
                expression="DIFF(restarts)",
            ),
        ]  # fmt: skip
        create(name, alarms, args.target, ResourceOptions(parent=self))
        self.register_outputs({})
