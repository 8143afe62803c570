"""Evaluates NetworkPolicies: which ports one party reaches on another.

A connection is open if the source's egress and the destination's ingress both allow it; a pod that
no policy selects allows everything. Source: Kubernetes documentation, "Network Policies".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Policy = dict[str, Any]
# Besides those that a policy names: of what pods and nodes commonly serve.
PORTS = {("TCP", port) for port in (22, 80, 443, 5432, 7007, 9464, 10250)} | {("UDP", 53)}


@dataclass(frozen=True)
class Party:
    """Someone with an address. namespace: of a pod; None for what is none."""

    address: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def reached(policies: Iterable[Policy], source: Party, target: Party) -> set[tuple[str, int]]:
    """Protocols and ports on which `source` may connect to `target`."""
    known = list(policies)
    named = {
        (each["protocol"], each["port"])
        for policy in known
        for rule in [*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])]
        for each in rule["ports"]
    }
    return {
        port
        for port in PORTS | named
        if _allows(known, source, "egress", "to", target, port)
        and _allows(known, target, "ingress", "from", source, port)
    }


def _allows(
    policies: list[Policy], pod: Party, way: str, peers: str, other: Party, port: tuple[str, int]
) -> bool:
    selecting = [
        policy["spec"]
        for policy in policies
        if pod.namespace == policy["metadata"]["namespace"]
        and _selects(policy["spec"]["podSelector"], pod.labels)
        and way.capitalize() in policy["spec"]["policyTypes"]
    ]
    return not selecting or any(
        port in [(each["protocol"], each["port"]) for each in rule["ports"]]
        and any(_matches(peer, other, pod.namespace) for peer in rule[peers])
        for spec in selecting
        for rule in spec.get(way, [])
    )


def _matches(peer: dict[str, Any], other: Party, namespace: str | None) -> bool:
    if block := peer.get("ipBlock"):
        address = ip_address(other.address)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(each) for each in block.get("except", [])
        )
    if other.namespace is None:
        return False
    if (selector := peer.get("namespaceSelector")) is not None:
        in_namespace = _selects(selector, {"kubernetes.io/metadata.name": other.namespace})
    else:
        in_namespace = other.namespace == namespace
    return in_namespace and _selects(peer.get("podSelector", {}), other.labels)


def _selects(selector: dict[str, Any], labels: Mapping[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, selector
    return bool(selector.get("matchLabels", {}).items() <= labels.items())
