"""Peers and rules of NetworkPolicies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

import pulumi_kubernetes as k8s
from pulumi import Input, Output

from settings.values.networks import LINK_LOCAL

networking = k8s.networking.v1

Peers = Input[Sequence[k8s.networking.v1.NetworkPolicyPeerArgs]]

ANYWHERE = ("0.0.0.0/0", "::/0")
_LINK_LOCAL_6 = ["fe80::/10", "fd00:ec2::/32"]
_NODE_LOCAL_DNS = "169.254.20.10/32"  # Kubernetes documentation, "Using NodeLocal DNSCache"


def networks(cidrs: Sequence[str]) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    """IPv4 networks, or ::/0, without the link-local addresses in them; one that is link-local
    itself stays.
    """
    return [
        networking.NetworkPolicyPeerArgs(
            ip_block=networking.IPBlockArgs(cidr=cidr, except_=_link_local_in(cidr) or None)
        )
        for cidr in cidrs
    ]


def _link_local_in(cidr: str) -> list[str]:
    if cidr == "::/0":
        return _LINK_LOCAL_6
    outer = IPv4Network(cidr)
    inside = LINK_LOCAL.subnet_of(outer) and outer != LINK_LOCAL
    return [str(LINK_LOCAL)] if inside else []


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


def egress(to: Peers, *numbers: Input[int]) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
    """TCP connections to some peers."""
    return networking.NetworkPolicyEgressRuleArgs(to=to, ports=ports(*numbers))


def dns(addresses: Input[Sequence[str]]) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
    """Queries to the cluster's resolver: its pods, NodeLocal DNSCache, and the networks in
    `addresses`, for resolvers that are neither.
    """
    resolver = networking.NetworkPolicyPeerArgs(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(
            match_labels={"kubernetes.io/metadata.name": "kube-system"}
        ),
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"k8s-app": "kube-dns"}),
    )
    return networking.NetworkPolicyEgressRuleArgs(
        to=Output.from_input(addresses).apply(
            lambda known: [resolver, *networks([_NODE_LOCAL_DNS, *known])]
        ),
        ports=[*ports(53, protocol="UDP"), *ports(53)],
    )
