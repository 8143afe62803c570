"""What the portal needs to know of a database, whoever provides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi_kubernetes as k8s
import pulumi_random as random
from pulumi import Input, Output, ResourceOptions

DATABASE_NAME = "backstage"  # the portal keeps a schema for each plugin in it
ROLE_NAME = "backstage"  # owns those schemas and nothing else
IAM_LOGIN_NAME = "backstage_iam"  # a member of that role; policies name it
POSTGRES_PORT = 5432
PASSWORD_LENGTH = 32  # RDS allows 8 to 41 characters


@dataclass(frozen=True)
class Login:
    """Who connects to the database."""

    user: Input[str]
    password: Output[str]
    """A secret."""


@dataclass(frozen=True)
class StoredLogin:
    """A login that somebody else keeps in Secrets Manager: JSON with `username` and `password`."""

    secret_arn: Input[str]


@dataclass(frozen=True)
class TokenLogin:
    """A login without a password: RDS verifies tokens that the pod signs with its AWS role."""

    user: str
    role: str
    """What it acts as once it is connected, and what owns everything that it creates."""


@dataclass(frozen=True)
class DatabaseConnection:
    """The interface between the portal and a PostgreSQL database.

    `host` is known only once the database accepts connections, so whatever uses it waits.
    """

    host: Output[str]
    port: Output[int]
    login: Login | TokenLogin
    """The portal's, which `DatabaseRole` creates with the administrator's login."""
    administrator: Login | StoredLogin
    """May create roles. It reaches the Job that creates the portal's role, and no other pod."""
    ca_certificates: str | None
    """PEM: roots that the server's certificate is verified with; None: it speaks no TLS."""
    peers: Input[Sequence[k8s.networking.v1.NetworkPolicyPeerArgs]]
    """Addresses of the database, for the pods' egress policy."""
    name: str = DATABASE_NAME
    """Of the database on the server."""
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
