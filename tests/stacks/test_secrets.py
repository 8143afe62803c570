"""Secrets: masked everywhere, and the administrator's login kept from the portal."""

from __future__ import annotations

import json

import pytest

from tests.programs import (
    AURORA_STACKS,
    IN_CLUSTER_STACKS,
    MANAGED_STACKS,
    STACKS,
    STORED_STACKS,
    TOKEN_STACKS,
    previewed,
)
from tests.stacks.pods import ADMINISTERING, POSTGRES, ROLE_JOB, jobs, templates, variables
from tests.tokens import CLUSTER, IMAGE, PASSWORD, SECRET, SECRET_VERSION
from tools.preview.manifests import manifests
from tools.preview.recording import SECRET as MASKED

PORTAL_SECRET = "backstage-secrets"
ADMINISTRATOR = "backstage-database-administrator"
POSTGRES_SECRET = "backstage-postgres"
MOUNTED_SECRETS = ("backstage-github-app", "backstage-gitlab")
INGRESS_CLIENT = "backstage-ingress-client"


@pytest.mark.parametrize("creates", [False, True], ids=["preview", "created"])
@pytest.mark.parametrize("stack", STACKS)
def test_kubernetes_secrets_are_masked(stack: str, creates: bool) -> None:
    found = {each.name: each.inputs for each in previewed(stack, creates).all(SECRET)}
    assert set(found) == {
        PORTAL_SECRET,
        ADMINISTRATOR,
        *([POSTGRES_SECRET] if stack in IN_CLUSTER_STACKS else []),
        *([INGRESS_CLIENT] if stack == "oidc" else []),
        *(MOUNTED_SECRETS if stack == "integrations" else []),
    }
    for secret in found.values():
        assert secret["stringData"] == MASKED
        assert "data" not in secret


@pytest.mark.parametrize("creates", [False, True], ids=["preview", "created"])
@pytest.mark.parametrize("stack", AURORA_STACKS)
def test_secrets_of_aws_are_masked(stack: str, creates: bool) -> None:
    program = previewed(stack, creates)
    managed, tokens = stack in MANAGED_STACKS, stack in TOKEN_STACKS
    cluster = program.inputs(CLUSTER)
    assert cluster.get("masterPassword") == (None if managed else MASKED)
    assert cluster.get("manageMasterUserPassword") == (True if managed else None)
    written = [each for each, left_out in (("password", managed), ("role", tokens)) if not left_out]
    assert {each.name: each.inputs["secretString"] for each in program.all(SECRET_VERSION)} == {
        f"backstage-postgres-{each}-version": MASKED for each in written
    }
    for image in program.all(IMAGE):
        assert image.inputs["registry"]["password"] == MASKED


@pytest.mark.parametrize("creates", [False, True], ids=["preview", "created"])
@pytest.mark.parametrize("stack", STACKS)
def test_nothing_shown_holds_a_secret(stack: str, creates: bool) -> None:
    program = previewed(stack, creates)
    resources = program.recording.resources.values()
    # Generated passwords and tokens in the recorded answers, and secretEnv of two stacks.
    secrets = ('"offline-preview"', "canary")
    if creates:
        assert secrets[0] in json.dumps([each.raw_inputs for each in resources])
    shown = json.dumps(
        [
            [each.inputs for each in resources],
            program.outputs,
            list(manifests(program.recording)),
        ]
    )
    assert not [secret for secret in secrets if secret in shown]


def test_manifest_names_the_keys_of_a_secret() -> None:
    administrator = {"PGHOST", "PGPASSWORD", "PGUSER", "ROLE_NAME", "ROLE_PASSWORD"}
    portal = {"AUTH_SESSION_SECRET", "GITHUB_TOKEN"}
    portal |= {"POSTGRES_HOST", "POSTGRES_PASSWORD", "POSTGRES_USER"}
    oauth = {"AUTH_GITHUB_CLIENT_ID", "AUTH_GITHUB_CLIENT_SECRET"}
    for stack, expected in (
        ("internet-facing", {PORTAL_SECRET: portal | oauth, ADMINISTRATOR: administrator}),
        (
            "local-build",
            {
                PORTAL_SECRET: portal,
                ADMINISTRATOR: administrator,
                POSTGRES_SECRET: {"POSTGRES_PASSWORD"},
            },
        ),
    ):
        found = {
            each["metadata"]["name"]: each["stringData"]
            for each in manifests(previewed(stack, creates=True).recording)
            if each["kind"] == "Secret"
        }
        assert found == {
            secret: {name: f"__SECRET:{secret}/{name}__" for name in names}
            for secret, names in expected.items()
        }


@pytest.mark.parametrize("stack", STACKS)
def test_only_the_role_job_reads_the_administrators_secret(stack: str) -> None:
    program = previewed(stack, creates=True)
    secret = program.one(SECRET, ADMINISTRATOR)
    others = [each for each in program.recording.resources.values() if each.urn != secret.urn]
    # By name, and by what an Output of it would leave behind.
    readers = {each.name for each in others if f'"{ADMINISTRATOR}"' in json.dumps(each.raw_inputs)}
    administering = {*ADMINISTERING} & {*jobs(program)}
    assert readers == administering
    after = {each.name for each in others if secret.urn in each.dependencies}
    assert after == administering
    [source] = templates(program)[ROLE_JOB]["spec"]["containers"][0]["envFrom"]
    assert source == {"secretRef": {"name": ADMINISTRATOR}}


@pytest.mark.parametrize("stack", sorted(set(STACKS) - set(STORED_STACKS)))
def test_administrators_password_goes_to_the_database_and_its_secrets(stack: str) -> None:
    program = previewed(stack)
    password = program.one(PASSWORD, "backstage-password").urn
    users = {
        each.name for each in program.recording.resources.values() if password in each.dependencies
    }
    if stack in IN_CLUSTER_STACKS:
        assert users == {ADMINISTRATOR, POSTGRES_SECRET}
    else:
        cluster = program.one(CLUSTER).name
        assert users == {ADMINISTRATOR, "backstage-postgres-password-version", cluster}


@pytest.mark.parametrize("stack", IN_CLUSTER_STACKS)
def test_only_postgres_reads_its_password(stack: str) -> None:
    found = templates(previewed(stack, creates=True)).items()
    readers = [name for name, pod in found if f'"name": "{POSTGRES_SECRET}"' in json.dumps(pod)]
    assert readers == [POSTGRES]


@pytest.mark.parametrize("stack", STACKS)
def test_logins_of_administrator_and_portal(stack: str) -> None:
    program = previewed(stack, creates=True)
    administrator, portal = (
        program.one(SECRET, name).raw_inputs["stringData"]["value"]
        for name in (ADMINISTRATOR, PORTAL_SECRET)
    )
    in_cluster = stack in IN_CLUSTER_STACKS
    if stack in STORED_STACKS:
        assert not {"PGUSER", "PGPASSWORD"} & {*administrator}
        arn = administrator["ADMINISTRATOR_SECRET_ARN"]
        assert arn == program.outputs["databaseAdministratorSecretArn"]
    else:
        assert administrator["PGUSER"] == ("postgres" if in_cluster else "backstageadmin")
    assert administrator["ROLE_NAME"] == "backstage"
    tokens = stack in TOKEN_STACKS
    assert portal["POSTGRES_USER"] == ("backstage_iam" if tokens else "backstage")
    assert administrator.get("IAM_LOGIN_NAME") == ("backstage_iam" if tokens else None)
    assert administrator["PGHOST"] == portal["POSTGRES_HOST"] == program.outputs["databaseEndpoint"]
    found = variables(templates(program)[ROLE_JOB])
    certificates = None if in_cluster else "/etc/backstage/database-ca/ca.pem"
    assert found.get("PGSSLROOTCERT") == certificates


@pytest.mark.parametrize("creates", [False, True], ids=["preview", "created"])
def test_secrets_of_integrations_are_files_and_no_variables(creates: bool) -> None:
    program = previewed("integrations", creates)
    workloads = [each for name, each in templates(program).items() if name != ROLE_JOB]
    assert len(workloads) == 2  # the pods that serve, and the Job that migrates with their files
    for pod in workloads:
        [container] = pod["spec"]["containers"]
        mounts = {each["name"]: each for each in container["volumeMounts"]}
        volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
        for folder in ("github-app", "gitlab"):
            mount = {"name": folder, "mountPath": f"/etc/backstage/{folder}", "readOnly": True}
            assert mounts[folder] == mount
            assert volumes[folder]["secret"]["defaultMode"] == 0o440
        assert len(container["envFrom"]) == 1
        assert not [each for each in container["env"] if "APP_CONFIG_integrations" in each["name"]]
    if creates:
        held = {
            name: set(program.one(SECRET, name).raw_inputs["stringData"]["value"])
            for name in (PORTAL_SECRET, *MOUNTED_SECRETS)
        }
        assert held.pop(PORTAL_SECRET).isdisjoint(set.union(*held.values()))
        assert held == {
            "backstage-github-app": {"privateKey", "clientSecret", "webhookSecret"},
            "backstage-gitlab": {"token", "webhookSecret"},
        }
