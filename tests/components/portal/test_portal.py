"""What the portal's pods refer to: Secret, ConfigMaps, Service."""

from __future__ import annotations

import dataclasses

import pulumi
from pulumi import Output, ResourceOptions

from components.portal.portal import NO_CA, Portal, PortalArgs
from tests.components.parts import MODES, connection, run
from tests.programs import Program
from tests.tokens import CONFIG_MAP, PASSWORD, SECRET, SERVICE, SERVICE_ACCOUNT
from tools.preview.recording import COMPUTED
from tools.preview.recording import SECRET as HIDDEN


def portal(
    creates: bool = False, tls: bool = True, session_secret_version: int | None = 1
) -> Program:
    def build(opts: ResourceOptions) -> None:
        args = PortalArgs(
            namespace=Output.from_input("ns"),
            port=8080,
            app_configs={"app-config.production.yaml": "app: {}\n", "app-config.1.yaml": "{}\n"},
            permissions="g, group:default/a, role:default/a\n",
            permission_conditions="---\n",
            secret_env={"ENCRYPTED": Output.secret("canary"), "PLAIN": "in the stack file"},
            secret_files={"keys": {"key": Output.secret("canary")}},
            readable={"": ["pods"]},
            readable_namespaces=(),
            session_secret_version=session_secret_version,
            database=connection(tls),
            service_account_name="sa",
            service_account_annotations={"role": Output.from_input("arn")},
        )
        found = Portal("p", args, opts)
        for field in dataclasses.fields(found.objects):
            pulumi.export(field.name, getattr(found.objects, field.name))

    return run(build, creates)


@MODES
def test_generated_names_are_unknown_until_created(creates: bool) -> None:
    """A new name for each content: pods roll when it changes."""
    program = portal(creates)
    assert program.outputs == {
        "namespace": "ns",
        "service": "backstage",
        "service_account": "sa",
        "secret": "p-secrets" if creates else COMPUTED,
        "secret_files": {"keys": "p-keys" if creates else COMPUTED},
        "app_config": "p-app-config" if creates else COMPUTED,
        "app_config_files": ["app-config.production.yaml", "app-config.1.yaml"],
        "permissions": "p-permissions" if creates else COMPUTED,
        "database_ca": "p-database-ca" if creates else COMPUTED,
        "scripts": "p-scripts" if creates else COMPUTED,
    }
    for each in (*program.all(SECRET), *program.all(CONFIG_MAP)):
        assert "name" not in each.inputs["metadata"]


def test_secret_holds_the_portals_login_only() -> None:
    secret = portal(creates=True).one(SECRET, "p-secrets")
    assert secret.raw_inputs["stringData"]["value"] == {
        "POSTGRES_HOST": "db.example.com",
        "POSTGRES_USER": "portal",
        "POSTGRES_PASSWORD": "hunter2",
        "AUTH_SESSION_SECRET": "offline-preview",
        "ENCRYPTED": "canary",
        "PLAIN": "in the stack file",
    }


@MODES
def test_whole_secrets_are_hidden(creates: bool) -> None:
    for secret in portal(creates).all(SECRET):
        assert secret.inputs["stringData"] == HIDDEN


def test_session_secret_is_new_for_a_new_version() -> None:
    """The first version has no keepers: stacks from before the key keep their secret."""
    assert "keepers" not in portal().inputs(PASSWORD)
    assert portal(session_secret_version=2).inputs(PASSWORD)["keepers"] == {"version": "2"}


def test_session_secret_that_is_kept_elsewhere_is_not_generated() -> None:
    program = portal(creates=True, session_secret_version=None)
    assert program.all(PASSWORD) == []
    held = program.one(SECRET, "p-secrets").raw_inputs["stringData"]["value"]
    assert "AUTH_SESSION_SECRET" not in held


def test_files_have_a_secret_of_their_own() -> None:
    secret = portal(creates=True).one(SECRET, "p-keys")
    assert secret.raw_inputs["stringData"]["value"] == {"key": "canary"}


def test_service_forwards_the_same_port() -> None:
    service = portal().inputs(SERVICE)
    assert service["metadata"]["name"] == "backstage"
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert service["spec"]["type"] == "ClusterIP"
    [port] = service["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (8080, 8080)
    assert service["spec"]["selector"] == {
        "app": "backstage",
        "backstage.io/kubernetes-id": "backstage-app",
    }


def test_service_account_carries_the_role() -> None:
    metadata = portal().inputs(SERVICE_ACCOUNT)["metadata"]
    assert metadata["name"] == "sa"
    assert metadata["annotations"] == {"role": "arn"}


def test_config_maps_hold_configuration_and_certificates() -> None:
    program = portal()
    assert program.inputs(CONFIG_MAP, "p-app-config")["data"] == {
        "app-config.production.yaml": "app: {}\n",
        "app-config.1.yaml": "{}\n",
    }
    assert program.inputs(CONFIG_MAP, "p-database-ca")["data"] == {"ca.pem": "PEM"}


def test_certificate_file_exists_without_tls() -> None:
    """The configuration names it, whatever the database speaks."""
    data = portal(tls=False).inputs(CONFIG_MAP, "p-database-ca")["data"]
    assert data == {"ca.pem": NO_CA}
    assert "BEGIN CERTIFICATE" not in NO_CA
