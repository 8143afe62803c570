"""Whom the portal's pods may talk to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from components.database import DatabaseConnection
from components.labels import LABELS, SELECTOR
from components.pod import METRICS_PORT
from settings import Settings

networking = k8s.networking.v1

# Where EKS's Pod Identity agent hands out credentials, on every node.
POD_IDENTITY_AGENT = "169.254.170.23/32"
POD_IDENTITY_PORT = 80


@dataclass(frozen=True)
class PortalNetworkPolicyArgs:
    settings: Settings
    namespace: Input[str]
    ingress_networks: Output[Sequence[str]]
    """IPv4 networks of load balancer and nodes: the VPC's."""
    database: DatabaseConnection


class PortalNetworkPolicy(pulumi.ComponentResource):
    """Creates a NetworkPolicy: in from the VPC to the portal's port, and from the cluster's pods
    to its metrics; out to DNS, the database,
    port 443, the Pod Identity agent and `egressPorts`; nothing else.
    """

    def __init__(
        self, name: str, args: PortalNetworkPolicyArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:portal:PortalNetworkPolicy", name, None, opts)
        ports: list[tuple[Input[int], str]] = [(53, "UDP"), (53, "TCP"), (443, "TCP")]
        anywhere = networking.NetworkPolicyEgressRuleArgs(
            ports=_ports(*ports, *[(port, "TCP") for port in args.settings.portal.egress_ports])
        )
        database = networking.NetworkPolicyEgressRuleArgs(
            to=args.database.networks.apply(_peers), ports=_ports((args.database.port, "TCP"))
        )
        agent = networking.NetworkPolicyEgressRuleArgs(
            to=_peers([POD_IDENTITY_AGENT]), ports=_ports((POD_IDENTITY_PORT, "TCP"))
        )
        ingress = [
            networking.NetworkPolicyIngressRuleArgs(
                from_=args.ingress_networks.apply(_peers),
                ports=_ports((args.settings.port, "TCP")),
            )
        ]
        if args.settings.portal.metrics:
            any_pod = networking.NetworkPolicyPeerArgs(
                namespace_selector=k8s.meta.v1.LabelSelectorArgs()
            )
            ingress.append(
                networking.NetworkPolicyIngressRuleArgs(
                    from_=[any_pod], ports=_ports((METRICS_PORT, "TCP"))
                )
            )
        networking.NetworkPolicy(
            f"{name}-network-policy",
            networking.NetworkPolicyInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name="backstage", namespace=args.namespace, labels=LABELS
                ),
                spec=networking.NetworkPolicySpecArgs(
                    pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=SELECTOR),
                    policy_types=["Ingress", "Egress"],
                    ingress=ingress,
                    egress=[anywhere, database, agent],
                ),
            ),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})


def _peers(networks: Sequence[str]) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    return [
        networking.NetworkPolicyPeerArgs(ip_block=networking.IPBlockArgs(cidr=network))
        for network in networks
    ]


def _ports(*ports: tuple[Input[int], str]) -> list[k8s.networking.v1.NetworkPolicyPortArgs]:
    return [
        networking.NetworkPolicyPortArgs(port=port, protocol=protocol) for port, protocol in ports
    ]
