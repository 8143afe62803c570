"""What pods reserve of a node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

NODE = "m6i.large"  # whose share a pod is priced as: the larger one of CPU and memory
_CPUS, _GIB = Decimal(2), Decimal(8)
_UNITS = {"Mi": Decimal(1) / 1024, "Gi": Decimal(1), "Ti": Decimal(1024)}


def node_share(containers: Iterable[Mapping[str, Any]]) -> Decimal:
    """Of a pod with these containers."""
    shares = []
    for container in containers:
        requests = container["resources"]["requests"]
        shares.append((_cpus(requests["cpu"]) / _CPUS, gib(requests["memory"]) / _GIB))
    return max(sum((share[kind] for share in shares), Decimal(0)) for kind in (0, 1))


def _cpus(quantity: str) -> Decimal:
    return Decimal(quantity[:-1]) / 1000 if quantity.endswith("m") else Decimal(quantity)


def gib(quantity: str) -> Decimal:
    """GiB of a quantity such as `512Mi`."""
    return Decimal(quantity[:-2]) * _UNITS[quantity[-2:]]
