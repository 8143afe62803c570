"""A cluster that the kubeconfig knows."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import ResourceOptions


@dataclass(frozen=True)
class LocalClusterArgs:
    context: str | None
    """Context of the kubeconfig; None: the current one."""


class LocalCluster(pulumi.ComponentResource):
    """Creates the Kubernetes provider for a context of the kubeconfig."""

    kubernetes_provider: k8s.Provider

    def __init__(
        self, name: str, args: LocalClusterArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:cluster:LocalCluster", name, None, opts)
        self.kubernetes_provider = k8s.Provider(
            f"{name}-kubernetes",
            k8s.ProviderArgs(
                context=args.context,
                # Constant, or the provider would be replaced: for a recreated cluster, run
                # `pulumi refresh`.
                cluster_identifier=f"local/{args.context or 'current'}",
                enable_server_side_apply=True,
            ),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})
