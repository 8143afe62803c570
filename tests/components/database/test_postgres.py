"""PostgreSQL in the cluster."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi import Output, ResourceOptions

from components.database.database import Login
from components.database.postgres import Postgres, PostgresArgs
from components.kubernetes.labels import SELECTOR
from components.portal.database_role import DatabaseRole, DatabaseRoleArgs
from settings.keys import DatabaseSettings
from settings.values.kubernetes import EPHEMERAL
from tests.components.parts import MODES, image, objects, run
from tests.programs import Program
from tests.tokens import PASSWORD, SECRET, SERVICE, STATEFUL_SET
from tools.preview.recording import SECRET as HIDDEN

SIZES = pytest.mark.parametrize("size", ["20Gi", EPHEMERAL])


def postgres(creates: bool = False, **fields: Any) -> Program:
    def build(opts: ResourceOptions) -> None:
        args = PostgresArgs(DatabaseSettings(**fields), Output.from_input("ns"))
        database = Postgres("p", args, opts).connection
        pulumi.export("host", database.host)
        pulumi.export("port", database.port)
        assert isinstance(database.login, Login)
        assert isinstance(database.administrator, Login)
        pulumi.export("user", database.login.user)
        pulumi.export("password", database.login.password)
        pulumi.export("administrator", database.administrator.user)
        pulumi.export("administrators_password", database.administrator.password)
        pulumi.export("peers", database.peers)
        pulumi.export("tls", database.ca_certificates is not None)

    return run(build, creates)


@MODES
def test_connection(creates: bool) -> None:
    program = postgres(creates)
    assert program.outputs == {
        "host": "postgres.ns.svc",
        "port": 5432,
        "user": "backstage",
        "password": HIDDEN,
        "administrator": "postgres",
        "administrators_password": HIDDEN,
        "peers": [{"pod_selector": {"match_labels": {"app.kubernetes.io/name": "postgres"}}}],
        "tls": False,
    }
    assert not {each.split(":")[0] for each in program.types()} & {"aws", "docker"}


def test_only_the_roles_password_is_rotated() -> None:
    """The image reads its own once, when it makes the data directory."""
    passwords = postgres(password_version=4).all(PASSWORD)
    assert {each.name: each.inputs["keepers"] for each in passwords} == {
        "p-password": {"version": "1"},
        "p-role-password": {"version": "4"},
    }


@MODES
def test_secret_holds_the_administrators_password_only(creates: bool) -> None:
    program = postgres(creates)
    secret = program.one(SECRET)
    assert secret.inputs["stringData"] == HIDDEN
    stateful_set = program.one(STATEFUL_SET)
    assert secret.urn in stateful_set.property_dependencies["spec"]
    if creates:
        assert secret.raw_inputs["stringData"]["value"] == {"POSTGRES_PASSWORD": "offline-preview"}
        [found] = stateful_set.inputs["spec"]["template"]["spec"]["containers"]
        assert found["envFrom"] == [{"secretRef": {"name": "p-postgres"}}]


def test_selectors_match_its_pod_and_not_the_portals() -> None:
    program = postgres()
    spec, service = program.inputs(STATEFUL_SET)["spec"], program.inputs(SERVICE)
    labels = spec["template"]["metadata"]["labels"]
    assert spec["serviceName"] == service["metadata"]["name"]
    for selector in (service["spec"]["selector"], spec["selector"]["matchLabels"]):
        assert selector.items() <= labels.items()
    assert not set(SELECTOR) & set(labels)


def test_service_forwards_the_port_of_the_server() -> None:
    program = postgres()
    [found] = program.inputs(STATEFUL_SET)["spec"]["template"]["spec"]["containers"]
    [port], [served] = program.inputs(SERVICE)["spec"]["ports"], found["ports"]
    assert port["port"] == port["targetPort"] == served["containerPort"] == 5432


@pytest.mark.parametrize(
    ("fields", "reference"),
    [
        ({"engine_version": "16"}, "postgres:16"),
        ({"image": "r.io/postgres:16.8"}, "r.io/postgres:16.8"),
    ],
    ids=["version", "image"],
)
def test_container(fields: dict[str, Any], reference: str) -> None:
    spec = postgres(**fields).inputs(STATEFUL_SET)["spec"]
    assert spec["replicas"] == 1
    [found] = spec["template"]["spec"]["containers"]
    assert found["image"] == reference
    assert found["args"] == ["postgres", "-c", "max_connections=300"]
    assert {each["name"]: each["value"] for each in found["env"]} == {
        "POSTGRES_DB": "backstage",
        "PGDATA": "/var/lib/postgresql/data/pgdata",
    }
    for probe in ("startupProbe", "readinessProbe"):
        assert found[probe]["exec"]["command"][0] == "pg_isready"


@MODES
@SIZES
def test_data_is_on_a_volume_or_goes_with_the_pod(size: str, creates: bool) -> None:
    spec = postgres(creates, storage_size=size, storage_class="fast").inputs(STATEFUL_SET)["spec"]
    pod = spec["template"]["spec"]
    temporary = {each["name"]: each["emptyDir"] for each in pod["volumes"]}
    mounts = {each["mountPath"]: each["name"] for each in pod["containers"][0]["volumeMounts"]}
    # A read-only root file system: socket and temporary files have a place of their own.
    assert mounts == {
        "/tmp": "tmp",
        "/var/lib/postgresql/data": "data",
        "/var/run/postgresql": "run",
    }
    if size == EPHEMERAL:
        assert set(temporary) == {"data", "run", "tmp"}
        assert "volumeClaimTemplates" not in spec
        return
    assert set(temporary) == {"run", "tmp"}
    [claim] = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": size}},
    }


@MODES
def test_users_of_the_host_wait_for_the_server(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        database = Postgres("p", PostgresArgs(DatabaseSettings(), Output.from_input("ns")), opts)
        DatabaseRole("r", DatabaseRoleArgs(image(), objects(), database.connection, []), opts)

    program = run(build, creates)
    secret = program.one(SECRET, "r-database-administrator")
    assert program.one(STATEFUL_SET).urn in secret.property_dependencies["stringData"]
