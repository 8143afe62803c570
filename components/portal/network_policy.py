"""Whom the portal's pods may talk to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

from components.database.database import DatabaseConnection
from components.kubernetes.labels import LABELS, SELECTOR
from components.kubernetes.network import Peers, any_pod, egress, ports
from settings.model import METRICS_PORT

networking = k8s.networking.v1


@dataclass(frozen=True)
class PortalNetworkPolicyArgs:
    namespace: Input[str]
    port: int
    """The portal's."""
    clients: Peers
    """May connect to `port`."""
    metrics: bool
    """Whether every pod of the cluster may read the metrics."""
    database: DatabaseConnection
    egress_ports: Sequence[int]
    """TCP ports that are open to anywhere, besides DNS and 443."""
    egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs]
    """Rules of the platform."""


class PortalNetworkPolicy(pulumi.ComponentResource):
    """Creates a NetworkPolicy of the portal's pods that allows nothing but what `args` says."""

    def __init__(
        self, name: str, args: PortalNetworkPolicyArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:portal:PortalNetworkPolicy", name, None, opts)
        anywhere = networking.NetworkPolicyEgressRuleArgs(
            ports=[*ports(53, protocol="UDP"), *ports(53, 443, *args.egress_ports)]
        )
        served = {args.port: args.clients, **({METRICS_PORT: any_pod()} if args.metrics else {})}
        networking.NetworkPolicy(
            f"{name}-network-policy",
            networking.NetworkPolicyInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name="backstage", namespace=args.namespace, labels=LABELS
                ),
                spec=networking.NetworkPolicySpecArgs(
                    pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=SELECTOR),
                    policy_types=["Ingress", "Egress"],
                    ingress=[
                        networking.NetworkPolicyIngressRuleArgs(from_=clients, ports=ports(port))
                        for port, clients in served.items()
                    ],
                    egress=[
                        anywhere,
                        egress(args.database.peers, args.database.port),
                        *args.egress,
                    ],
                ),
            ),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})
