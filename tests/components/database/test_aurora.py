"""Aurora PostgreSQL: connection, passwords, secrets, instances."""

from __future__ import annotations

import json

import pulumi
import pytest
from pulumi import ResourceOptions

from components.database.aurora import AuroraPostgres, AuroraPostgresArgs, _arn_of_managed
from components.database.database import Login, StoredLogin
from settings.keys import DatabaseSettings
from tests.components.parts import MODES, facts, run, statement
from tests.programs import Program
from tests.tokens import CLUSTER, INSTANCE, PASSWORD, ROLE, SECRET_VERSION
from tools.preview.recording import COMPUTED, SECRET

HOST = "shop-prod-1.cluster-standin.us-east-1.rds.amazonaws.com"


def aurora(creates: bool, settings: DatabaseSettings) -> Program:
    def build(opts: ResourceOptions) -> None:
        args = AuroraPostgresArgs(settings, "shop-prod", facts(), "PEM")
        database = AuroraPostgres("d", args, opts).connection
        pulumi.export("host", database.host)
        pulumi.export("port", database.port)
        if isinstance(database.administrator, StoredLogin):
            pulumi.export("administrators_secret", database.administrator.secret_arn)
        else:
            pulumi.export("administrator", database.administrator.user)
            pulumi.export("administrators_password", database.administrator.password)
        pulumi.export("user", database.login.user)
        if isinstance(database.login, Login):
            pulumi.export("password", database.login.password)
        pulumi.export("ca_certificates", database.ca_certificates)
        pulumi.export("peers", database.peers)

    return run(build, creates)


@MODES
def test_connection(creates: bool) -> None:
    program = aurora(creates, DatabaseSettings())
    assert program.outputs == {
        "host": HOST if creates else COMPUTED,
        "port": 5432,
        "administrator": "backstageadmin",
        "administrators_password": SECRET,
        "user": "backstage",
        "password": SECRET,
        "ca_certificates": "PEM",
        "peers": [{"ip_block": {"cidr": cidr}} for cidr in ("10.0.0.0/19", "10.0.32.0/19")],
    }


def test_passwords_are_ones_that_rds_accepts() -> None:
    passwords = aurora(False, DatabaseSettings()).all(PASSWORD)
    assert {each.name for each in passwords} == {"d-password", "d-role-password"}
    for password in passwords:
        assert password.inputs["special"] is False
        assert 8 <= password.inputs["length"] <= 41


@MODES
@pytest.mark.parametrize(
    ("secret", "user"),
    [("d-postgres-password", "backstageadmin"), ("d-postgres-role", "backstage")],
)
def test_secrets_hold_the_whole_connection(secret: str, user: str, creates: bool) -> None:
    version = aurora(creates, DatabaseSettings()).one(SECRET_VERSION, f"{secret}-version")
    assert version.inputs["secretString"] == SECRET
    if creates:
        assert json.loads(version.raw_inputs["secretString"]["value"]) == {
            "engine": "postgres",
            "host": HOST,
            "port": 5432,
            "dbname": "backstage",
            "username": user,
            "password": "offline-preview",
        }


def test_readers_are_created_after_the_writer() -> None:
    program = aurora(False, DatabaseSettings(instances=3))
    writer, *readers = sorted(program.all(INSTANCE), key=lambda each: each.name)
    assert [each.name for each in readers] == ["d-1-instance-1", "d-1-instance-2"]
    for reader in readers:
        assert writer.urn in reader.dependencies


def test_instances_share_the_maintenance_window_of_the_cluster() -> None:
    settings = DatabaseSettings(instances=2, maintenance_window="tue:01:00-tue:02:00")
    program = aurora(False, settings)
    for each in (program.one(CLUSTER), *program.all(INSTANCE)):
        assert each.inputs["preferredMaintenanceWindow"] == "tue:01:00-tue:02:00"


def test_enhanced_monitoring_assumes_the_role() -> None:
    program = aurora(False, DatabaseSettings())
    trust = statement(program.inputs(ROLE)["assumeRolePolicy"])
    assert trust["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
    assert program.one(ROLE).urn in program.one(INSTANCE).property_dependencies["monitoringRoleArn"]


def test_password_of_the_master_user_is_kept_by_rds() -> None:
    settings = DatabaseSettings(master="managed")
    program = aurora(True, settings)
    assert program.outputs["administrators_secret"].endswith(":secret:rds!cluster-standin")
    assert {each.name for each in program.all(PASSWORD)} == {"d-role-password"}
    assert [each.name for each in program.all(SECRET_VERSION)] == ["d-postgres-role-version"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_cluster_whose_password_rds_does_not_keep_yet(
    dry_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the update that moves it there, and after a restore."""
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: dry_run)
    if dry_run:
        assert _arn_of_managed([]) == "known once RDS keeps the password"
    else:
        with pytest.raises(pulumi.RunError, match=r"after a restore.*\nFix: pulumi up"):
            _arn_of_managed([])


def test_login_with_tokens_generates_no_password() -> None:
    program = aurora(True, DatabaseSettings(authentication="iam"))
    assert program.outputs["user"] == "backstage_iam"
    assert {each.name for each in program.all(PASSWORD)} == {"d-password"}
    assert [each.name for each in program.all(SECRET_VERSION)] == ["d-postgres-password-version"]
