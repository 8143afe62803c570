"""Peers and rules of NetworkPolicies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi_kubernetes as k8s
from pulumi import Input

networking = k8s.networking.v1

Peers = Input[Sequence[k8s.networking.v1.NetworkPolicyPeerArgs]]


def networks(cidrs: Sequence[str]) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    """IPv4 networks."""
    return [
        networking.NetworkPolicyPeerArgs(ip_block=networking.IPBlockArgs(cidr=cidr))
        for cidr in cidrs
    ]


def pods(labels: Mapping[str, str]) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    """The pods of the same namespace that carry all of `labels`."""
    selector = k8s.meta.v1.LabelSelectorArgs(match_labels=labels)
    return [networking.NetworkPolicyPeerArgs(pod_selector=selector)]


def any_pod() -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    """Every pod of the cluster."""
    selector = k8s.meta.v1.LabelSelectorArgs()
    return [networking.NetworkPolicyPeerArgs(namespace_selector=selector)]


def ports(
    *numbers: Input[int], protocol: str = "TCP"
) -> list[k8s.networking.v1.NetworkPolicyPortArgs]:
    """Ports of one protocol."""
    return [networking.NetworkPolicyPortArgs(port=each, protocol=protocol) for each in numbers]


def egress(to: Peers | None, *numbers: Input[int]) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
    """TCP connections to some peers, or with None to anywhere."""
    return networking.NetworkPolicyEgressRuleArgs(to=to, ports=ports(*numbers))
