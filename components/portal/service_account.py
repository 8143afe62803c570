"""The portal's identity in the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from components.kubernetes.labels import LABELS
from components.kubernetes.names import name_of

# What Backstage's Kubernetes plugin fetches by default, by API group. No Secret, no write.
READ = {
    "": ["configmaps", "limitranges", "pods", "resourcequotas", "services"],
    "apps": ["daemonsets", "deployments", "replicasets", "statefulsets"],
    "autoscaling": ["horizontalpodautoscalers"],
    "batch": ["cronjobs", "jobs"],
    "metrics.k8s.io": ["pods"],
    "networking.k8s.io": ["ingresses"],
}


@dataclass(frozen=True)
class PortalServiceAccountArgs:
    namespace: Input[str]
    name: str
    """Physical name: AWS's trust policies name the service account."""
    annotations: Mapping[str, Input[str]]
    kubernetes_plugin: bool
    """Whether the portal may read the cluster's workloads."""


class PortalServiceAccount(pulumi.ComponentResource):
    """Creates the service account and, for the Kubernetes plugin, a read-only ClusterRole and its
    binding. Tokens are mounted only where a pod opts in.
    """

    name: Output[str]

    def __init__(
        self, name: str, args: PortalServiceAccountArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:portal:PortalServiceAccount", name, None, opts)
        account = k8s.core.v1.ServiceAccount(
            f"{name}-service-account",
            k8s.core.v1.ServiceAccountInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=args.name,
                    namespace=args.namespace,
                    labels=LABELS,
                    annotations=args.annotations or None,
                ),
                automount_service_account_token=False,
            ),
            opts=ResourceOptions(parent=self),
        )
        self.name = name_of(account)
        if args.kubernetes_plugin:
            self._read_access(name, args)
        self.register_outputs({"name": self.name})

    def _read_access(self, name: str, args: PortalServiceAccountArgs) -> None:
        metadata = k8s.meta.v1.ObjectMetaArgs(labels=LABELS)
        role = k8s.rbac.v1.ClusterRole(
            f"{name}-kubernetes-plugin",
            k8s.rbac.v1.ClusterRoleInitArgs(
                metadata=metadata,
                rules=[
                    k8s.rbac.v1.PolicyRuleArgs(
                        api_groups=[group], resources=resources, verbs=["get", "list", "watch"]
                    )
                    for group, resources in READ.items()
                ],
            ),
            opts=ResourceOptions(parent=self),
        )
        k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-kubernetes-plugin",
            k8s.rbac.v1.ClusterRoleBindingInitArgs(
                metadata=metadata,
                role_ref=k8s.rbac.v1.RoleRefArgs(
                    api_group="rbac.authorization.k8s.io",
                    kind="ClusterRole",
                    name=name_of(role),
                ),
                subjects=[
                    k8s.rbac.v1.SubjectArgs(
                        kind="ServiceAccount", name=self.name, namespace=args.namespace
                    )
                ],
            ),
            opts=ResourceOptions(parent=self),
        )
