"""Which networks contain others."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

EVERYWHERE = "0.0.0.0/0"
Network = IPv4Network | IPv6Network


def beyond(wider: Sequence[str], former: Sequence[str]) -> list[str]:
    """Networks of `wider` outside those of `former`. Other texts are compared as they are."""
    known = [network for each in former if (network := _network(each))]

    def inside(text: str) -> bool:
        network = _network(text)
        return any(_within(network, each) for each in known) if network else text in former

    return [each for each in wider if not inside(each)]


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _within(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(other, IPv4Network):
        return network.subnet_of(other)
    if isinstance(network, IPv6Network) and isinstance(other, IPv6Network):
        return network.subnet_of(other)
    return False
