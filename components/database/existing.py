"""A PostgreSQL database that somebody else runs."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions

from components.database.database import (
    IAM_LOGIN_NAME,
    ROLE_NAME,
    DatabaseConnection,
    Login,
    StoredLogin,
    TokenLogin,
    generated_password,
)
from components.kubernetes.network import ANYWHERE, networks
from settings.keys import DatabaseSettings


@dataclass(frozen=True)
class ExistingDatabaseArgs:
    settings: DatabaseSettings
    """With host and administrator's secret."""
    ca_certificates: str
    """PEM"""
    networks: tuple[str, ...]
    """Where the database may be; empty: anywhere."""


class ExistingDatabase(pulumi.ComponentResource):
    """Connects to it. Creates nothing but the password of the portal's role, if it has one; what is
    in the database is created by `DatabaseRole` and the migrations, and stays when they go.
    """

    connection: DatabaseConnection

    def __init__(
        self, name: str, args: ExistingDatabaseArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:ExistingDatabase", name, None, opts)
        settings = args.settings
        login: Login | TokenLogin = TokenLogin(IAM_LOGIN_NAME, ROLE_NAME)
        if settings.authentication == "password":
            version = str(settings.password_version)
            own = ResourceOptions(parent=self)
            login = Login(ROLE_NAME, generated_password(f"{name}-role-password", version, own))
        self.connection = DatabaseConnection(
            host=Output.from_input(settings.host or ""),
            port=Output.from_input(settings.port),
            login=login,
            administrator=StoredLogin(settings.administrator_secret_arn or ""),
            ca_certificates=args.ca_certificates,
            peers=networks(args.networks or ANYWHERE),
            name=settings.name,
        )
        self.register_outputs({})
