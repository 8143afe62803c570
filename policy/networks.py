"""Networks in CIDR notation."""

from __future__ import annotations

from ipaddress import ip_network

_LARGEST = {4: 8, 6: 16}  # no owner has a larger network than that of such a prefix


def internet(cidr: str) -> bool:
    """Whether a network is the internet, or a part of it that no single owner has.

    Raises ValueError if it is no network.
    """
    network = ip_network(cidr, strict=False)
    return network.prefixlen < _LARGEST[network.version] and not network.is_private
