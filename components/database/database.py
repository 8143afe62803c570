"""What the portal needs to know of a database, whoever provides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi_kubernetes as k8s
import pulumi_random as random
from pulumi import Input, Output, ResourceOptions

DATABASE_NAME = "backstage"  # POSTGRES_DB; the portal keeps a schema for each plugin in it
ROLE_NAME = "backstage"  # POSTGRES_USER; owns those schemas and nothing else
POSTGRES_PORT = 5432
PASSWORD_LENGTH = 32  # RDS allows 8 to 41 characters


@dataclass(frozen=True)
class Login:
    """Who connects to the database."""

    user: Input[str]
    password: Output[str]
    """A secret."""


@dataclass(frozen=True)
class DatabaseConnection:
    """The interface between the portal and a PostgreSQL database.

    `host` is known only once the database accepts connections, so whatever uses it waits.
    """

    host: Output[str]
    port: Output[int]
    login: Login
    """The portal's own role, which `DatabaseRole` creates with the administrator's login."""
    administrator: Login
    """May create roles. It reaches the Job that creates the portal's role, and no other pod."""
    ca_certificates: str | None
    """PEM: roots that the server's certificate is verified with; None: it speaks no TLS."""
    peers: Input[Sequence[k8s.networking.v1.NetworkPolicyPeerArgs]]
    """Addresses of the database, for the pods' egress policy."""
    pods: Mapping[str, str] | None = None
    """Labels of its pods, if it runs in the portal's namespace."""


def generated_password(name: str, version: str, opts: ResourceOptions) -> Output[str]:
    """A random password, another one for another `version`."""
    password = random.RandomPassword(
        name,
        random.RandomPasswordArgs(
            length=PASSWORD_LENGTH,
            special=False,  # RDS refuses / " @ and the space
            keepers={"version": version},
        ),
        opts=opts,
    )
    return password.result
