"""Aurora PostgreSQL: connection, passwords, secrets, instances."""

from __future__ import annotations

import json

import pulumi
import pytest
from pulumi import ResourceOptions

from components.database.aurora import AuroraPostgres, AuroraPostgresArgs
from settings.keys import DatabaseSettings
from tests.components.parts import MODES, facts, run, statement
from tests.programs import Program
from tests.tokens import CLUSTER, INSTANCE, PASSWORD, ROLE, SECRET_VERSION
from tools.preview.monitor import COMPUTED, SECRET

HOST = "shop-prod-1.cluster-standin.us-east-1.rds.amazonaws.com"


def aurora(creates: bool, settings: DatabaseSettings) -> Program:
    def build(opts: ResourceOptions) -> None:
        args = AuroraPostgresArgs(settings, "shop-prod", facts(), "PEM")
        database = AuroraPostgres("d", args, opts).connection
        pulumi.export("host", database.host)
        pulumi.export("port", database.port)
        pulumi.export("administrator", database.administrator.user)
        pulumi.export("administrators_password", database.administrator.password)
        pulumi.export("user", database.login.user)
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
