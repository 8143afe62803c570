"""Connections that Aurora PostgreSQL accepts."""

from __future__ import annotations

_ACU_CONNECTIONS = 211.4  # for each ACU above the first, by the table in the Aurora User Guide
_FIRST_ACU = 189
_MOST = 5000
_MOST_FROM_A_FRACTION = 2000  # Serverless that may shrink under 1 ACU
# ACU of as much memory, 2 GiB each, for the smallest instance of a size.
_BURSTABLE = {"medium": 2.0, "large": 4.0}
_LARGE = 8.0


def max_connections(instance_class: str, least: float, most: float) -> int:
    """The default of max_connections. least, most: ACU of db.serverless."""
    limit = _MOST
    if instance_class == "db.serverless":
        capacity = most
        limit = _MOST if least >= 1 else _MOST_FROM_A_FRACTION
    else:
        _, family, size = instance_class.split(".")
        capacity = _BURSTABLE.get(size, _LARGE) if family.startswith("t") else _LARGE
    return min(limit, int(_FIRST_ACU + _ACU_CONNECTIONS * (capacity - 1)))
