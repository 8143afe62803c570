"""Whom the portal's pods may talk to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

from components import peers
from components.database import DatabaseConnection
from components.labels import LABELS, SELECTOR
from components.pod import METRICS_PORT
from settings import Settings

networking = k8s.networking.v1

# Where EKS's Pod Identity agent hands out credentials, on every node.
POD_IDENTITY_AGENT = "169.254.170.23/32"
POD_IDENTITY_PORT = 80
# Where API servers of kind, k3d and plain clusters, and of minikube, listen behind their Service's
# 443: policies are enforced on the addresses behind it. That of EKS listens on 443 itself.
API_SERVER_PORTS = ((6443, "TCP"), (8443, "TCP"))


@dataclass(frozen=True)
class PortalNetworkPolicyArgs:
    settings: Settings
    namespace: Input[str]
    sources: Input[Sequence[k8s.networking.v1.NetworkPolicyPeerArgs]]
    """From where the portal's port may be reached."""
    database: DatabaseConnection


class PortalNetworkPolicy(pulumi.ComponentResource):
    """Creates a NetworkPolicy: in from `sources` to the portal's port, and from the cluster's pods
    to its metrics; out to DNS, the database, port 443, on EKS the Pod Identity agent, elsewhere the
    ports of API servers, and `egressPorts`; nothing else.
    """

    def __init__(
        self, name: str, args: PortalNetworkPolicyArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:portal:PortalNetworkPolicy", name, None, opts)
        open_ports: list[tuple[Input[int], str]] = [(53, "UDP"), (53, "TCP"), (443, "TCP")]
        anywhere = networking.NetworkPolicyEgressRuleArgs(
            ports=_ports(
                *open_ports, *[(port, "TCP") for port in args.settings.portal.egress_ports]
            )
        )
        database = networking.NetworkPolicyEgressRuleArgs(
            to=args.database.peers, ports=_ports((args.database.port, "TCP"))
        )
        egress = [anywhere, database]
        if args.settings.target == "local" and args.settings.portal.kubernetes_plugin:
            egress.append(networking.NetworkPolicyEgressRuleArgs(ports=_ports(*API_SERVER_PORTS)))
        if args.settings.target == "eks":
            agent = peers.networks([POD_IDENTITY_AGENT])
            ports = _ports((POD_IDENTITY_PORT, "TCP"))
            egress.append(networking.NetworkPolicyEgressRuleArgs(to=agent, ports=ports))
        ingress = [
            networking.NetworkPolicyIngressRuleArgs(
                from_=args.sources, ports=_ports((args.settings.port, "TCP"))
            )
        ]
        if args.settings.portal.metrics:
            ports = _ports((METRICS_PORT, "TCP"))
            ingress.append(
                networking.NetworkPolicyIngressRuleArgs(from_=peers.any_pod(), ports=ports)
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
                    egress=egress,
                ),
            ),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})


def _ports(*ports: tuple[Input[int], str]) -> list[k8s.networking.v1.NetworkPolicyPortArgs]:
    return [
        networking.NetworkPolicyPortArgs(port=port, protocol=protocol) for port, protocol in ports
    ]
