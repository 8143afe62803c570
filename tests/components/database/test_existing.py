"""A database that somebody else runs."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi import ResourceOptions

from components.database.database import Login, StoredLogin, TokenLogin
from components.database.existing import ExistingDatabase, ExistingDatabaseArgs
from settings.keys import DatabaseSettings
from tests.components.parts import MODES, run
from tests.programs import Program
from tests.tokens import PASSWORD

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:administrator-AbCdEf"
HOST = "db.example.com"
GIVEN: dict[str, Any] = {"host": HOST, "port": 6432, "administrator_secret_arn": ARN}


def existing(creates: bool, networks: tuple[str, ...] = (), **settings: Any) -> Program:
    def build(opts: ResourceOptions) -> None:
        args = ExistingDatabaseArgs(DatabaseSettings(**GIVEN, **settings), "PEM", networks)
        database = ExistingDatabase("d", args, opts).connection
        assert isinstance(database.administrator, StoredLogin)
        pulumi.export("administrator", database.administrator.secret_arn)
        pulumi.export("tokens", isinstance(database.login, TokenLogin))
        pulumi.export("user", database.login.user)
        if isinstance(database.login, Login):
            pulumi.export("password", database.login.password)
        for name in ("host", "port", "name", "ca_certificates", "peers"):
            pulumi.export(name, getattr(database, name))

    return run(build, creates)


@MODES
def test_connection(creates: bool) -> None:
    program = existing(creates, name="portal")
    assert program.outputs == {
        "administrator": ARN,
        "tokens": False,
        "user": "backstage",
        "password": "[secret]",
        "host": HOST,
        "port": 6432,
        "name": "portal",
        "ca_certificates": "PEM",
        "peers": [
            {"ip_block": {"cidr": "0.0.0.0/0", "except_": ["169.254.0.0/16"]}},
            {"ip_block": {"cidr": "::/0", "except_": ["fe80::/10", "fd00:ec2::/32"]}},
        ],
    }


def test_only_the_password_of_the_role_is_created() -> None:
    program = existing(creates=True)
    assert [each.name for each in program.all(PASSWORD)] == ["d-role-password"]
    own = {each.type for each in program.recording.resources.values() if each.custom}
    assert own == {PASSWORD, "pulumi:providers:aws", "pulumi:providers:kubernetes"}


def test_tokens_need_no_password() -> None:
    program = existing(creates=True, authentication="iam")
    assert program.all(PASSWORD) == []
    assert (program.outputs["tokens"], program.outputs["user"]) == (True, "backstage_iam")


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "192.0.2.7/32"])
def test_pods_reach_it_in_the_given_networks_only(cidr: str) -> None:
    assert existing(True, (cidr,)).outputs["peers"] == [{"ip_block": {"cidr": cidr}}]
