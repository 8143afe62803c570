"""Whom the pods in the portal's namespace may talk to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

from components.database.database import DatabaseConnection
from components.kubernetes.labels import LABELS, SELECTOR, job_selector
from components.kubernetes.network import (
    ANYWHERE,
    Peers,
    any_pod,
    dns,
    egress,
    networks,
    pods,
    ports,
)
from settings.keys import METRICS_PORT, PortalSettings

networking = k8s.networking.v1


@dataclass(frozen=True)
class PortalNetworkPolicyArgs:
    namespace: Input[str]
    port: int
    """The portal's."""
    settings: PortalSettings
    """Metrics, migrations and egress."""
    clients: Peers
    """May connect to `port`."""
    database: DatabaseConnection
    resolver: Input[Sequence[str]]
    """Networks of the cluster's DNS resolver, besides its pods and NodeLocal DNSCache."""
    egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs]
    """Rules of the platform, for the portal's pods."""
    role_egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs] = ()
    """The same for the role's Job."""
    migrations_egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs] = ()
    """The same for the migrations' Job."""


class PortalNetworkPolicy(pulumi.ComponentResource):
    """Creates a NetworkPolicy for each kind of pod: the portal's, the Jobs', and the database's if
    it runs in the namespace. They allow nothing but what `args` says.
    """

    def __init__(
        self, name: str, args: PortalNetworkPolicyArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:portal:PortalNetworkPolicy", name, None, opts)
        database = [dns(args.resolver), egress(args.database.peers, args.database.port)]
        settings = args.settings
        outside = egress(networks(settings.egress_cidrs or ANYWHERE), 443, *settings.egress_ports)
        jobs = {f"{name}-database-role": [*database, *args.role_egress]}
        if settings.migration_job:
            # It starts the portal, whose plugins connect to their services at the start: a dropped
            # connection would hold it up for minutes.
            jobs[f"{name}-migrations"] = [*database, outside, *args.migrations_egress]
        served = [_ingress(args.clients, args.port)]
        if settings.metrics:
            served.append(_ingress(any_pod(), METRICS_PORT))
        self._policy(name, args, SELECTOR, served, [*database, outside, *args.egress])
        for job, rules in jobs.items():
            self._policy(job, args, job_selector(job), [], rules)
        if args.database.pods:
            clients = [peer for job in jobs for peer in pods(job_selector(job))]
            served = [_ingress([*pods(SELECTOR), *clients], args.database.port)]
            self._policy(f"{name}-postgres", args, args.database.pods, served, [])
        self.register_outputs({})

    def _policy(
        self,
        name: str,
        args: PortalNetworkPolicyArgs,
        selector: Mapping[str, str],
        ingress: Sequence[k8s.networking.v1.NetworkPolicyIngressRuleArgs],
        egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs],
    ) -> None:
        networking.NetworkPolicy(
            f"{name}-network-policy",
            networking.NetworkPolicyInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=name, namespace=args.namespace, labels=LABELS
                ),
                spec=networking.NetworkPolicySpecArgs(
                    pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector),
                    policy_types=["Ingress", "Egress"],
                    ingress=ingress,
                    egress=egress,
                ),
            ),
            opts=ResourceOptions(parent=self),
        )


def _ingress(clients: Peers, port: Input[int]) -> k8s.networking.v1.NetworkPolicyIngressRuleArgs:
    return networking.NetworkPolicyIngressRuleArgs(from_=clients, ports=ports(port))
