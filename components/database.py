"""What the portal needs to know of a database, whoever provides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi import Output

DATABASE_NAME = "backstage"  # POSTGRES_DB; the portal keeps a schema for each plugin in it


@dataclass(frozen=True)
class DatabaseConnection:
    """The interface between the portal and a PostgreSQL database.

    Each output is known only once the database answers there: whatever uses `host` waits for it.
    """

    host: Output[str]
    port: Output[int]
    user: Output[str]
    password: Output[str]
    """A secret."""
    ca_certificates: str
    """PEM: roots that the server's certificate is verified with."""
    networks: Output[Sequence[str]]
    """IPv4 networks in which the database answers, for the pods' egress policy."""
