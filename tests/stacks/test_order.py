"""What waits for what: database, role, migrations, pods, Ingress."""

from __future__ import annotations

import pytest

from tests.programs import (
    AURORA_STACKS,
    BUILDING,
    EKS_STACKS,
    IN_CLUSTER_STACKS,
    MIGRATING,
    STACKS,
    TOKEN_STACKS,
    previewed,
)
from tests.stacks.pods import MIGRATION_JOB, PASSWORD_JOB, ROLE_JOB, jobs
from tests.tokens import (
    ATTACHMENT,
    CLUSTER,
    CONFIG_MAP,
    DEPLOYMENT,
    IMAGE,
    INGRESS,
    INGRESS_CLASS,
    INSTANCE,
    JOB,
    NETWORK_POLICY,
    PASSWORD,
    RELEASE,
    SECRET,
    SECRET_VERSION,
    STATEFUL_SET,
)

ADMINISTRATOR = "backstage-database-administrator"
MASTER_PASSWORD, ROLE_PASSWORD = "backstage-password", "backstage-role-password"


@pytest.mark.parametrize(
    ("type_", "name", "field", "passwords"),
    [
        (SECRET, "backstage-secrets", "stringData", {ROLE_PASSWORD}),
        (SECRET, ADMINISTRATOR, "stringData", {ROLE_PASSWORD, MASTER_PASSWORD}),
        (SECRET_VERSION, "backstage-postgres-role-version", "secretString", {ROLE_PASSWORD}),
        (SECRET_VERSION, "backstage-postgres-password-version", "secretString", {MASTER_PASSWORD}),
    ],
)
@pytest.mark.parametrize("stack", sorted(set(AURORA_STACKS) - set(TOKEN_STACKS)))
def test_connection_is_written_once_the_writer_answers(
    stack: str, type_: str, name: str, field: str, passwords: set[str]
) -> None:
    program = previewed(stack)
    on = set(program.one(type_, name).property_dependencies[field])
    [writer] = [each.urn for each in program.all(INSTANCE) if each.name.endswith("-instance-0")]
    assert {program.one(CLUSTER).urn, writer} <= on
    known = {each.name for each in program.all(PASSWORD) if each.urn in on}
    assert known - {"backstage-session-secret"} == passwords


@pytest.mark.parametrize(
    ("name", "passwords"),
    [("backstage-secrets", {ROLE_PASSWORD}), (ADMINISTRATOR, {ROLE_PASSWORD, MASTER_PASSWORD})],
)
@pytest.mark.parametrize("stack", IN_CLUSTER_STACKS)
def test_connection_is_written_once_postgres_answers(
    stack: str, name: str, passwords: set[str]
) -> None:
    program = previewed(stack)
    on = set(program.one(SECRET, name).property_dependencies["stringData"])
    assert program.one(STATEFUL_SET).urn in on
    known = {each.name for each in program.all(PASSWORD) if each.urn in on}
    assert known - {"backstage-session-secret"} == passwords


@pytest.mark.parametrize("stack", STACKS)
def test_deployment_waits_for_secret_config_service_and_ingress(stack: str) -> None:
    deployment = previewed(stack).one(DEPLOYMENT)
    on = {urn.rpartition("::")[2] for urn in deployment.property_dependencies["spec"]}
    assert {"backstage-secrets", "backstage-app-config", "backstage-database-ca"} <= on
    names = {urn.rpartition("::")[2] for urn in deployment.dependencies}
    assert "backstage-service" in names
    # A controller of another kind injects nothing into pods.
    assert ("backstage-ingress" in names) == (stack in EKS_STACKS)


@pytest.mark.parametrize("stack", STACKS)
def test_role_job_waits_for_login_and_script(stack: str) -> None:
    program = previewed(stack)
    on = jobs(program)[ROLE_JOB].property_dependencies["spec"]
    secret, scripts = (
        program.one(SECRET, ADMINISTRATOR),
        program.one(CONFIG_MAP, "backstage-scripts"),
    )
    assert {secret.urn, scripts.urn} <= set(on)


@pytest.mark.parametrize("stack", sorted(set(STACKS) - {"auto-mode"}))
def test_policies_exist_before_the_pods_that_they_select(stack: str) -> None:
    program = previewed(stack)
    for pods in (*program.all(JOB), program.one(DEPLOYMENT)):
        name = pods.name.replace("-deployment", "").replace(PASSWORD_JOB, ROLE_JOB)
        policy = program.one(NETWORK_POLICY, f"{name}-network-policy")
        assert policy.urn in pods.dependencies


@pytest.mark.parametrize("stack", MIGRATING)
def test_migrations_run_after_the_role_and_before_the_pods(stack: str) -> None:
    program = previewed(stack)
    found = jobs(program)
    removal = {PASSWORD_JOB} if stack in TOKEN_STACKS else set()
    assert set(found) == {ROLE_JOB, MIGRATION_JOB} | removal
    assert found[ROLE_JOB].urn in found[MIGRATION_JOB].dependencies
    assert found[MIGRATION_JOB].urn in program.one(DEPLOYMENT).dependencies
    on = {urn.rpartition("::")[2] for urn in found[MIGRATION_JOB].property_dependencies["spec"]}
    assert {
        f"backstage-{name}" for name in ("secrets", "app-config", "database-ca", "scripts")
    } <= on


@pytest.mark.parametrize("stack", sorted(set(STACKS) - set(MIGRATING)))
def test_without_migration_job_pods_wait_for_the_role(stack: str) -> None:
    program = previewed(stack)
    assert set(jobs(program)) == {ROLE_JOB}
    assert jobs(program)[ROLE_JOB].urn in program.one(DEPLOYMENT).dependencies


@pytest.mark.parametrize("stack", BUILDING)
def test_deployment_and_jobs_wait_for_the_built_image(stack: str) -> None:
    program = previewed(stack)
    image = program.one(IMAGE).urn
    for each in (program.one(DEPLOYMENT), *program.all(JOB)):
        assert image in each.property_dependencies["spec"]


@pytest.mark.parametrize(
    ("stack", "types"),
    [
        ("dev", {ATTACHMENT, RELEASE}),
        ("irsa", {ATTACHMENT, RELEASE}),
        ("snapshot-restore", {ATTACHMENT}),
        ("auto-mode", {INGRESS_CLASS}),
    ],
)
def test_controller_is_deleted_after_the_ingress(stack: str, types: set[str]) -> None:
    """Without the controller and its role nobody deletes the load balancer."""
    program = previewed(stack)
    on = set(program.one(INGRESS).dependencies)
    candidates = (ATTACHMENT, RELEASE, INGRESS_CLASS)
    found = {type_ for type_ in candidates for each in program.all(type_) if each.urn in on}
    assert found == types


@pytest.mark.parametrize("stack", AURORA_STACKS)
def test_log_group_and_monitoring_policy_are_created_first(stack: str) -> None:
    program = previewed(stack)
    log_group = program.one("aws:cloudwatch/logGroup:LogGroup")
    assert log_group.urn in program.one(CLUSTER).dependencies
    policy = program.one(
        ATTACHMENT, f"{log_group.name.removesuffix('-log-group')}-monitoring-policy"
    )
    for instance in program.all(INSTANCE):
        assert policy.urn in instance.dependencies
