"""How many pods of the portal run, and how they are replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from components.kubernetes.labels import LABELS, SELECTOR
from components.portal.held_secrets import HeldSecrets
from components.portal.portal_pod import PortalPodArgs, pod_template

NAME = "backstage"
MIN_READY_SECONDS = 10
PROGRESS_SECONDS = 600
CPU_TARGET_PERCENT = 70  # of the request, over all pods
SCALE_DOWN_SECONDS = 300
REVISIONS = 3
# The program's fields win over what kubectl or a controller wrote there.
PATCH_FORCE = {"pulumi.com/patchForce": "true"}
RELOAD = "secret.reloader.stakater.com/reload"
# Read by the rule connection-budget of policy/; on the Deployment, so that no pod restarts.
CONNECTIONS = "database-connections-per-pod"


@dataclass(frozen=True)
class PortalDeploymentArgs:
    pod: PortalPodArgs
    after: Sequence[pulumi.Resource]
    """What has to exist before the first pod is created."""
    connections: int
    """To the database that one pod opens at most"""


class PortalDeployment(pulumi.ComponentResource):
    """Creates the Deployment, its PodDisruptionBudget and, with room to scale, an autoscaler.

    A rollout starts a new pod before it stops an old one, and counts a pod as available ten
    seconds after it is ready, which with readiness gates is after the load balancer says so.
    """

    def __init__(
        self, name: str, args: PortalDeploymentArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:portal:PortalDeployment", name, None, opts)
        self._metadata = k8s.meta.v1.ObjectMetaArgs(
            name=NAME, namespace=args.pod.objects.namespace, labels=LABELS
        )
        self._selector = k8s.meta.v1.LabelSelectorArgs(match_labels=SELECTOR)
        deployment = self._deployment(name, args)
        after = ResourceOptions(parent=self, depends_on=[deployment])
        if args.pod.settings.autoscaled:
            self._autoscaler(name, args, after)
        k8s.policy.v1.PodDisruptionBudget(
            f"{name}-disruption-budget",
            k8s.policy.v1.PodDisruptionBudgetInitArgs(
                metadata=self._metadata,
                spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
                    max_unavailable=1,
                    selector=self._selector,
                    # An unready pod must not block the drain of a node.
                    unhealthy_pod_eviction_policy="AlwaysAllow",
                ),
            ),
            opts=after,
        )
        self.register_outputs({})

    def _deployment(self, name: str, args: PortalDeploymentArgs) -> k8s.apps.v1.Deployment:
        return k8s.apps.v1.Deployment(
            f"{name}-deployment",
            k8s.apps.v1.DeploymentInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=NAME,
                    namespace=args.pod.objects.namespace,
                    labels=LABELS,
                    annotations={
                        **PATCH_FORCE,
                        CONNECTIONS: str(args.connections),
                        **_reloaded(args.pod.held),
                    },
                ),
                spec=k8s.apps.v1.DeploymentSpecArgs(
                    replicas=args.pod.settings.replicas,
                    min_ready_seconds=MIN_READY_SECONDS,
                    progress_deadline_seconds=PROGRESS_SECONDS,
                    revision_history_limit=REVISIONS,
                    selector=self._selector,
                    strategy=k8s.apps.v1.DeploymentStrategyArgs(
                        type="RollingUpdate",
                        rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(
                            max_unavailable=0, max_surge=1
                        ),
                    ),
                    template=pod_template(args.pod),
                ),
            ),
            opts=ResourceOptions(
                parent=self,
                depends_on=args.after,
                # The number is the autoscaler's then. Leaving the field out instead would drop a
                # running portal to one pod when the autoscaler is switched on.
                ignore_changes=["spec.replicas"] if args.pod.settings.autoscaled else None,
            ),
        )

    def _autoscaler(self, name: str, args: PortalDeploymentArgs, opts: ResourceOptions) -> None:
        scaling = k8s.autoscaling.v2
        scaling.HorizontalPodAutoscaler(
            f"{name}-autoscaler",
            scaling.HorizontalPodAutoscalerInitArgs(
                metadata=self._metadata,
                spec=scaling.HorizontalPodAutoscalerSpecArgs(
                    scale_target_ref=scaling.CrossVersionObjectReferenceArgs(
                        api_version="apps/v1", kind="Deployment", name=NAME
                    ),
                    min_replicas=args.pod.settings.replicas,
                    max_replicas=args.pod.settings.most_replicas,
                    metrics=[
                        scaling.MetricSpecArgs(
                            type="Resource",
                            resource=scaling.ResourceMetricSourceArgs(
                                name="cpu",
                                target=scaling.MetricTargetArgs(
                                    type="Utilization", average_utilization=CPU_TARGET_PERCENT
                                ),
                            ),
                        )
                    ],
                    behavior=scaling.HorizontalPodAutoscalerBehaviorArgs(
                        scale_down=scaling.HPAScalingRulesArgs(
                            stabilization_window_seconds=SCALE_DOWN_SECONDS
                        )
                    ),
                ),
            ),
            opts=opts,
        )


def _reloaded(held: HeldSecrets) -> Mapping[str, Input[str]]:
    """Lets Reloader roll the pods when somebody else changes one of their Secrets.

    It writes a variable or an annotation into the pod template. Neither is a field of this program,
    so `pulumi up` leaves them as they are.
    """
    return {RELOAD: Output.all(*held.names).apply(",".join)} if held.names else {}
