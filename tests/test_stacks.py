"""The whole program, for the committed stacks and for the stack files under tests/stacks."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from components.job import AWAIT_MARGIN
from components.labels import SELECTOR
from settings import IN_CLUSTER_CONNECTIONS
from tests.programs import (
    COMMITTED,
    EKS_STACKS,
    LOCAL_STACKS,
    ROOT,
    STACKS,
    Program,
    changed,
    previewed,
)
from tools.preview.manifests import manifests
from tools.preview.monitor import COMPUTED, SECRET, RecordingMonitor, Resource

GOLDEN = ROOT / "tests" / "golden"
KUBERNETES = "1.36"

CLUSTER = "aws:rds/cluster:Cluster"
INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
JOB = "kubernetes:batch/v1:Job"
ROLE_JOB, MIGRATION_JOB = "backstage-database-role", "backstage-migrations"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
PASSWORD = "random:index/randomPassword:RandomPassword"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
K8S_SECRET = "kubernetes:core/v1:Secret"
ADMINISTRATOR = "backstage-database-administrator"
AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
IMAGE = "docker:index/image:Image"
# Where there is an app to build, and where pods migrate the database themselves.
BUILDING = ("dev", "irsa", "local-build")
WITHOUT_MIGRATION_JOB = ("local-build",)
ANNOTATION = "alb.ingress.kubernetes.io/"


def short(urns: list[str]) -> set[str]:
    """URNs as `type::name`, without the chain of parents."""
    return {urn.split("$")[-1].split("::", 2)[-1] if "$" in urn else urn for urn in urns}


def alb_annotations(stack: str) -> dict[str, str]:
    """The Ingress' annotations without their common prefix."""
    found: dict[str, str] = previewed(stack).inputs(INGRESS)["metadata"]["annotations"]
    return {key.removeprefix(ANNOTATION): value for key, value in found.items()}


def container(stack: str) -> dict[str, Any]:
    """The portal's container with stand-ins for what is unknown."""
    spec = previewed(stack, creates=True).inputs(DEPLOYMENT)["spec"]["template"]["spec"]
    found: dict[str, Any] = spec["containers"][0]
    return found


def jobs(program: Program) -> dict[str, Resource]:
    """The Jobs by name."""
    return {each.name: each for each in program.all(JOB)}


def templates(program: Program) -> dict[str, dict[str, Any]]:
    """Every pod template of a run with stand-ins, by the name of what makes pods of it."""
    return {
        each.name: each.inputs["spec"]["template"]
        for type_ in (DEPLOYMENT, STATEFUL_SET, JOB)
        for each in program.all(type_)
    }


def variables(template: dict[str, Any]) -> dict[str, str]:
    """The plain variables of a pod's only container."""
    [found] = template["spec"]["containers"]
    return {each["name"]: each["value"] for each in found["env"]}


def differing(before: Program, after: Program) -> set[str]:
    """Logical names of the resources whose inputs differ, or that only one of both has."""
    first, second = before.recording.resources, after.recording.resources
    return {
        urn.rpartition("::")[2]
        for urn in first.keys() | second.keys()
        if urn not in first or urn not in second or first[urn].raw_inputs != second[urn].raw_inputs
    }


@pytest.mark.parametrize("stack", STACKS)
def test_urns(stack: str, request: pytest.FixtureRequest) -> None:
    """A changed name or parent deletes and creates: it has to be a decision.

    `pytest --update-golden` writes the lists anew.
    """
    urns = "".join(f"{urn}\n" for urn in sorted(previewed(stack).recording.resources))
    golden = GOLDEN / f"{stack}.txt"
    if request.config.getoption("--update-golden"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(urns, encoding="utf-8")
    assert urns == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("stack", STACKS)
def test_both_passes_register_the_same(stack: str) -> None:
    assert set(previewed(stack).recording.resources) == set(
        previewed(stack, creates=True).recording.resources
    )


@pytest.mark.parametrize("stack", STACKS)
def test_manifests_match_the_kubernetes_schema(stack: str) -> None:
    found = list(manifests(previewed(stack, creates=True).recording))
    kinds = {"Deployment", "Job", "Namespace", "Secret", "Service"}
    if stack in LOCAL_STACKS:
        kinds.add("StatefulSet")
    if stack != "local":
        kinds.add("Ingress")
    assert {each["kind"] for each in found} >= kinds
    for manifest in found:
        if manifest["apiVersion"] == "eks.amazonaws.com/v1":
            continue  # a custom resource of EKS Auto Mode, in no Kubernetes schema
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("stack", STACKS)
def test_every_cloud_resource_has_an_explicit_provider(stack: str) -> None:
    for resource in previewed(stack).recording.resources.values():
        package = resource.type.split(":")[0]
        if resource.custom and package in ("aws", "kubernetes"):
            assert f"::backstage-{package}::" in resource.provider


@pytest.mark.parametrize("creates", [False, True], ids=["preview", "created"])
@pytest.mark.parametrize("stack", STACKS)
def test_secrets_stay_secret(stack: str, creates: bool) -> None:
    program = previewed(stack, creates)
    secrets = {each.name: each.inputs for each in program.all(K8S_SECRET)}
    versions = {each.name: each.inputs for each in program.all(SECRET_VERSION)}
    if stack in LOCAL_STACKS:
        assert set(secrets) == {"backstage-secrets", ADMINISTRATOR, "backstage-postgres"}
        assert versions == {}
    else:
        assert set(secrets) == {"backstage-secrets", ADMINISTRATOR}
        assert set(versions) == {
            "backstage-postgres-password-version",
            "backstage-postgres-role-version",
        }
        assert program.inputs(CLUSTER)["masterPassword"] == SECRET
    for secret in secrets.values():
        assert secret["stringData"] == SECRET
        assert "data" not in secret
    for version in versions.values():
        assert version["secretString"] == SECRET
    for image in program.all(IMAGE):
        if stack in LOCAL_STACKS:
            assert "registry" not in image.inputs
        else:
            assert image.inputs["registry"]["password"] == SECRET
    shown = [each.inputs for each in program.recording.resources.values()]
    text = json.dumps([shown, program.outputs, list(manifests(program.recording))])
    # What the recorded answers give for generated passwords and tokens, and the plain secretEnv
    # values of two stacks.
    assert '"offline-preview"' not in text
    assert "canary" not in text


def test_secret_keys_are_named_in_the_manifest() -> None:
    administrator = {"PGHOST", "PGPASSWORD", "PGUSER", "ROLE_NAME", "ROLE_PASSWORD"}
    portal = {"AUTH_SESSION_SECRET", "GITHUB_TOKEN"}
    portal |= {"POSTGRES_HOST", "POSTGRES_PASSWORD", "POSTGRES_USER"}
    oauth = {"AUTH_GITHUB_CLIENT_ID", "AUTH_GITHUB_CLIENT_SECRET"}
    for stack, expected in (
        ("internet-facing", {"backstage-secrets": portal | oauth, ADMINISTRATOR: administrator}),
        (
            "local-build",
            {
                "backstage-secrets": portal,
                ADMINISTRATOR: administrator,
                "backstage-postgres": {"POSTGRES_PASSWORD"},
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


# What waits for what


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_secret_waits_for_the_writer(stack: str) -> None:
    program = previewed(stack)
    master, role = f"{PASSWORD}::backstage-password", f"{PASSWORD}::backstage-role-password"
    for type_, name, field, known, unknown in (
        (K8S_SECRET, "backstage-secrets", "stringData", {role}, {master}),
        (K8S_SECRET, ADMINISTRATOR, "stringData", {role, master}, set()),
        (SECRET_VERSION, "backstage-postgres-role-version", "secretString", {role}, {master}),
        (SECRET_VERSION, "backstage-postgres-password-version", "secretString", {master}, {role}),
    ):
        on = program.one(type_, name).property_dependencies[field]
        assert any(CLUSTER in urn for urn in on)
        assert any(INSTANCE in urn and urn.endswith("-instance-0") for urn in on)
        for password in known:
            assert any(urn.endswith(password) for urn in on), name
        for password in unknown:
            assert not any(urn.endswith(password) for urn in on), name


@pytest.mark.parametrize("stack", LOCAL_STACKS)
def test_secret_waits_for_the_server_in_the_cluster(stack: str) -> None:
    program = previewed(stack)
    for name in ("backstage-secrets", ADMINISTRATOR):
        on = program.one(K8S_SECRET, name).property_dependencies["stringData"]
        assert any(urn.endswith(f"{STATEFUL_SET}::backstage-postgres-server") for urn in on)
        assert any(urn.endswith(f"{PASSWORD}::backstage-role-password") for urn in on)
        known = any(urn.endswith(f"{PASSWORD}::backstage-password") for urn in on)
        assert known == (name == ADMINISTRATOR)


@pytest.mark.parametrize("stack", STACKS)
def test_deployment_waits_for_secret_config_service_and_ingress(stack: str) -> None:
    deployment = previewed(stack).one(DEPLOYMENT)
    on = " ".join(deployment.property_dependencies["spec"])
    for name in ("backstage-secrets", "backstage-app-config", "backstage-database-ca"):
        assert f"::{name}" in on
    names = {urn.rpartition("::")[2] for urn in deployment.dependencies}
    assert "backstage-service" in names
    # A controller of another kind injects nothing into pods.
    assert ("backstage-ingress" in names) == (stack in EKS_STACKS)


@pytest.mark.parametrize("stack", STACKS)
def test_the_role_goes_first_then_the_migrations_then_the_pods(stack: str) -> None:
    program = previewed(stack)
    found = jobs(program)
    pods = program.one(DEPLOYMENT)
    on = found[ROLE_JOB].property_dependencies["spec"]
    assert any(urn.endswith(f"{K8S_SECRET}::{ADMINISTRATOR}") for urn in on)
    assert any(urn.endswith(f"{CONFIG_MAP}::backstage-scripts") for urn in on)
    if stack in WITHOUT_MIGRATION_JOB:
        assert set(found) == {ROLE_JOB}
        assert found[ROLE_JOB].urn in pods.dependencies
        return
    assert set(found) == {ROLE_JOB, MIGRATION_JOB}
    assert found[ROLE_JOB].urn in found[MIGRATION_JOB].dependencies
    assert found[MIGRATION_JOB].urn in pods.dependencies
    on = found[MIGRATION_JOB].property_dependencies["spec"]
    for name in ("secrets", "app-config", "database-ca", "scripts"):
        assert any(urn.endswith(f"::backstage-{name}") for urn in on)


@pytest.mark.parametrize("stack", ["prod", "local"])
def test_without_the_migration_job_pods_migrate(stack: str) -> None:
    program = changed(stack, {"migrationJob": False}, creates=True)
    assert set(jobs(program)) == {ROLE_JOB}
    assert jobs(program)[ROLE_JOB].urn in program.one(DEPLOYMENT).dependencies
    name = "APP_CONFIG_backend_database_skipMigrations"
    found = variables(templates(program)["backstage-deployment"])
    assert name not in found
    with_job = variables(templates(previewed(stack, creates=True))["backstage-deployment"])
    assert with_job == {**found, name: "true"}


@pytest.mark.parametrize("stack", BUILDING)
def test_deployment_and_jobs_wait_for_the_built_image(stack: str) -> None:
    program = previewed(stack)
    for each in (program.one(DEPLOYMENT), *program.all(JOB)):
        assert any(IMAGE in urn for urn in each.property_dependencies["spec"])


@pytest.mark.parametrize("stack", ["dev", "irsa", "auto-mode", "snapshot-restore"])
def test_ingress_goes_before_its_controller(stack: str) -> None:
    on = " ".join(previewed(stack).one(INGRESS).dependencies)
    assert "IngressClass::" in on if stack == "auto-mode" else "rolePolicyAttachment" in on
    assert ("helm.sh/v3:Release" in on) == (stack in ("dev", "irsa"))


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_log_group_and_monitoring_policy_come_first(stack: str) -> None:
    program = previewed(stack)
    assert any("LogGroup" in urn for urn in program.one(CLUSTER).dependencies)
    for instance in program.all(INSTANCE):
        assert any("monitoring-policy" in urn for urn in instance.dependencies)


# What exists, and what doesn't


@pytest.mark.parametrize("stack", STACKS)
def test_docker_only_where_something_is_built(stack: str) -> None:
    docker = {each for each in previewed(stack).types() if each.startswith("docker:")}
    assert docker == ({IMAGE} if stack in BUILDING else set())


def test_building_creates_a_repository_unless_one_is_given() -> None:
    repository = "aws:ecr/repository:Repository"
    assert previewed("dev").inputs(repository)["imageTagMutability"] == "IMMUTABLE"
    for stack in ("irsa", "local-build"):
        assert previewed(stack).all(repository) == []
        assert "ecrRepositoryUrl" not in previewed(stack).outputs


@pytest.mark.parametrize("stack", STACKS)
def test_autoscaler_only_with_room(stack: str) -> None:
    program = previewed(stack)
    assert len(program.all(AUTOSCALER)) == (1 if stack == "prod" else 0)
    # With an autoscaler the number of pods is its own; without one it is the program's.
    ignored = program.one(DEPLOYMENT).ignore_changes
    assert ignored == (["spec.replicas"] if stack == "prod" else [])
    assert program.inputs(DEPLOYMENT)["spec"] == COMPUTED or "replicas" in json.dumps(
        program.inputs(DEPLOYMENT)["spec"]
    )


def test_bucket_only_when_asked() -> None:
    bucket = "aws:s3/bucket:Bucket"
    assert len(previewed("dev").all(bucket)) == 1
    for stack in set(STACKS) - {"dev"}:
        assert previewed(stack).all(bucket) == []
    assert previewed("irsa").outputs["techdocsBucketName"] == "platform-docs"


@pytest.mark.parametrize("stack", STACKS)
def test_controller_role_only_when_asked(stack: str) -> None:
    program = previewed(stack)
    role = [each for each in program.all("aws:iam/role:Role") if "controller" in each.name]
    assert len(role) == (1 if stack in ("dev", "irsa", "snapshot-restore") else 0)
    assert ("loadBalancerControllerRoleArn" in program.outputs) == bool(role)
    assert len(program.all("kubernetes:helm.sh/v3:Release")) == (stack in ("dev", "irsa"))


def test_certificate_only_in_a_zone_and_without_one_of_ones_own() -> None:
    certificate = "aws:acm/certificate:Certificate"
    record = "aws:route53/record:Record"
    with_certificate = {stack for stack in STACKS if previewed(stack).all(certificate)}
    assert with_certificate == {"dev", "auto-mode"}
    names = {stack: [each.name for each in previewed(stack).all(record)] for stack in STACKS}
    assert names["irsa"] == ["backstage-alias"]
    assert sorted(names["dev"]) == ["backstage-alias", "backstage-certificate-validation"]
    assert names["prod"] == []


def test_no_read_access_without_the_plugin() -> None:
    role = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
    assert previewed("auto-mode").all(role) == []
    spec = previewed("auto-mode", creates=True).inputs(DEPLOYMENT)["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    for rule in previewed("prod").inputs(role)["rules"]:
        assert rule["verbs"] == ["get", "list", "watch"]
        assert "secrets" not in rule["resources"]
        assert "*" not in [*rule["resources"], *rule["apiGroups"]]


def test_no_network_policy_when_switched_off() -> None:
    assert previewed("auto-mode").all(NETWORK_POLICY) == []
    assert len(previewed("prod").all(NETWORK_POLICY)) == 1


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_outputs(stack: str) -> None:
    outputs = previewed(stack).outputs
    assert {
        "url",
        "namespace",
        "image",
        "loadBalancerHostname",
        "databaseEndpoint",
        "databaseSecretArn",
        "databaseAdministratorSecretArn",
        "kubeconfigCommand",
    } <= set(outputs)
    assert "portForwardCommand" not in outputs
    assert outputs["databaseEndpoint"] == COMPUTED
    created = previewed(stack, creates=True).outputs
    assert created["databaseSecretArn"].endswith(":backstage-postgres-role")
    assert created["databaseAdministratorSecretArn"].endswith(":backstage-postgres-password")


# The database


def test_prod_database_is_protected_and_kept() -> None:
    cluster = previewed("prod").one(CLUSTER)
    assert cluster.protect
    assert cluster.inputs["deletionProtection"] is True
    assert cluster.inputs["skipFinalSnapshot"] is False
    assert cluster.inputs["deleteAutomatedBackups"] is False
    assert cluster.inputs["storageEncrypted"] is True
    assert cluster.inputs["iamDatabaseAuthenticationEnabled"] is True
    assert cluster.inputs["copyTagsToSnapshot"] is True
    assert "availabilityZones" not in cluster.inputs
    assert cluster.ignore_changes == ["snapshotIdentifier"]
    assert cluster.inputs["serverlessv2ScalingConfiguration"] == {
        "minCapacity": 1,
        "maxCapacity": 4,
    }
    instances = previewed("prod").all(INSTANCE)
    assert sorted(each.inputs["promotionTier"] for each in instances) == [0, 1]
    for instance in instances:
        assert instance.inputs["publiclyAccessible"] is False
        assert "preferredBackupWindow" not in instance.inputs
        assert "engineVersion" not in instance.inputs


def test_dev_database_is_disposable() -> None:
    cluster = previewed("dev").one(CLUSTER)
    assert not cluster.protect
    assert cluster.inputs["deletionProtection"] is False
    assert cluster.inputs["skipFinalSnapshot"] is True
    secrets = previewed("dev").all("aws:secretsmanager/secret:Secret")
    assert [each.inputs["recoveryWindowInDays"] for each in secrets] == [0, 0]


@pytest.mark.parametrize(
    ("stack", "version", "follows"), [("prod", "17", True), ("snapshot-restore", "16.8", False)]
)
def test_minor_upgrades_follow_the_version_given(stack: str, version: str, follows: bool) -> None:
    cluster = previewed(stack).inputs(CLUSTER)
    assert cluster["engineVersion"] == version
    assert cluster["autoMinorVersionUpgrade"] is follows
    for instance in previewed(stack).all(INSTANCE):
        assert instance.inputs["autoMinorVersionUpgrade"] is follows


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_database_refuses_plain_connections(stack: str) -> None:
    [group] = previewed(stack).all("aws:rds/clusterParameterGroup:ClusterParameterGroup")
    parameters = {each["name"]: each["value"] for each in group.inputs["parameters"]}
    assert parameters["rds.force_ssl"] == "1"
    assert {"log_statement", "log_min_duration_statement"} <= set(parameters)
    assert group.name.endswith(group.inputs["family"])


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_only_named_sources_reach_the_database(stack: str) -> None:
    program = previewed(stack)
    [group] = program.all("aws:ec2/securityGroup:SecurityGroup")
    assert not {"ingress", "egress"} & set(group.inputs)
    rules = program.all(INGRESS_RULE)
    sources = {
        each.inputs.get("referencedSecurityGroupId") or each.inputs["cidrIpv4"] for each in rules
    }
    expected = {"sg-0f1e2d3c4b5a69788"}
    if stack == "snapshot-restore":
        expected |= {"sg-0123456789abcdef0", "172.23.40.0/24"}
    assert sources == expected
    assert {(each.inputs["fromPort"], each.inputs["toPort"]) for each in rules} == {(5432, 5432)}


def test_private_subnets_by_default_and_given_ones_otherwise() -> None:
    group = "aws:rds/subnetGroup:SubnetGroup"
    assert previewed("prod").inputs(group)["subnetIds"] == [
        "subnet-0aaaaaaaaaaaaaaa1",
        "subnet-0bbbbbbbbbbbbbbb2",
        "subnet-0ccccccccccccccc3",
    ]
    assert previewed("snapshot-restore").inputs(group)["subnetIds"] == [
        "subnet-0123456789abcdef0",
        "subnet-0123456789abcdef1",
    ]


def test_a_generation_is_in_the_names() -> None:
    cluster = previewed("snapshot-restore").one(CLUSTER)
    assert cluster.name == "backstage-2-cluster"
    assert cluster.inputs["clusterIdentifier"] == "backstage-snapshot-restore-2"
    assert cluster.inputs["snapshotIdentifier"] == "backstage-dev-1-final-0a1b2c3d"
    log_group = previewed("snapshot-restore").inputs("aws:cloudwatch/logGroup:LogGroup")
    assert log_group["name"] == "/aws/rds/cluster/backstage-snapshot-restore-2/postgresql"
    assert "serverlessv2ScalingConfiguration" not in cluster.inputs


def test_a_password_version_is_a_keeper() -> None:
    """On eks it is both passwords'; Postgres in the cluster reads its own only when it is made."""
    for stack, master in (("snapshot-restore", "3"), ("local-build", "1")):
        keepers = {each.name: each.inputs.get("keepers") for each in previewed(stack).all(PASSWORD)}
        assert keepers == {
            "backstage-password": {"version": master},
            "backstage-role-password": {"version": "3" if stack == "snapshot-restore" else "2"},
            "backstage-session-secret": None,
        }
    for stack, renewed in (
        ("prod", {"backstage-password", "backstage-role-password"}),
        ("local", {"backstage-role-password"}),
    ):
        after = changed(stack, {"databasePasswordVersion": 2})
        assert differing(previewed(stack), after) == renewed


# The administrator's login


@pytest.mark.parametrize("stack", STACKS)
def test_only_the_role_job_reads_the_administrators_secret(stack: str) -> None:
    program = previewed(stack, creates=True)
    secret = program.one(K8S_SECRET, ADMINISTRATOR)
    others = [each for each in program.recording.resources.values() if each.urn != secret.urn]
    # By name, and by what an Output of it would leave behind.
    readers = {each.name for each in others if f'"{ADMINISTRATOR}"' in json.dumps(each.raw_inputs)}
    assert readers == {ROLE_JOB}
    assert {each.name for each in others if secret.urn in each.dependencies} == {ROLE_JOB}
    [source] = templates(program)[ROLE_JOB]["spec"]["containers"][0]["envFrom"]
    assert source == {"secretRef": {"name": ADMINISTRATOR}}


@pytest.mark.parametrize("stack", STACKS)
def test_the_administrators_password_goes_nowhere_else(stack: str) -> None:
    program = previewed(stack)
    password = program.one(PASSWORD, "backstage-password").urn
    users = {
        each.name for each in program.recording.resources.values() if password in each.dependencies
    }
    if stack in LOCAL_STACKS:
        assert users == {ADMINISTRATOR, "backstage-postgres"}
        [reader] = [
            name
            for name, template in templates(previewed(stack, creates=True)).items()
            if '"name": "backstage-postgres"' in json.dumps(template)
        ]
        assert reader == "backstage-postgres-server"
    else:
        cluster = program.one(CLUSTER).name
        assert users == {ADMINISTRATOR, "backstage-postgres-password-version", cluster}


@pytest.mark.parametrize("stack", STACKS)
def test_logins_of_administrator_and_portal(stack: str) -> None:
    program = previewed(stack, creates=True)
    administrator, portal = (
        program.one(K8S_SECRET, name).raw_inputs["stringData"]["value"]
        for name in (ADMINISTRATOR, "backstage-secrets")
    )
    local = stack in LOCAL_STACKS
    assert administrator["PGUSER"] == ("postgres" if local else "backstageadmin")
    assert administrator["ROLE_NAME"] == portal["POSTGRES_USER"] == "backstage"
    assert administrator["PGHOST"] == portal["POSTGRES_HOST"] == program.outputs["databaseEndpoint"]
    found = variables(templates(program)[ROLE_JOB])
    expected = {"PGDATABASE": "backstage", "PGPORT": "5432"}
    if not local:
        expected["PGSSLROOTCERT"] = "/etc/backstage/database-ca/ca.pem"
    assert found == expected


# Jobs


@pytest.mark.parametrize("stack", STACKS)
def test_jobs_run_once_and_say_why_they_failed(stack: str) -> None:
    program = previewed(stack, creates=True)
    for job in program.all(JOB):
        metadata, spec = job.inputs["metadata"], job.inputs["spec"]
        assert "name" not in metadata  # generated: a changed pod is a new Job
        assert metadata["annotations"]["pulumi.com/replaceUnready"] == "true"
        assert "ttlSecondsAfterFinished" not in spec
        assert spec["backoffLimit"] == 0
        wait = int(metadata["annotations"]["pulumi.com/timeoutSeconds"])
        assert wait == spec["activeDeadlineSeconds"] + AWAIT_MARGIN
        pod = spec["template"]["spec"]
        assert pod["restartPolicy"] == "Never"
        assert pod["automountServiceAccountToken"] is False
        account = "backstage" if job.name == "backstage-migrations" else None
        assert pod.get("serviceAccountName") == account
        [found] = pod["containers"]
        assert found["terminationMessagePolicy"] == "FallbackToLogsOnError"
        assert not {"livenessProbe", "readinessProbe", "startupProbe", "ports"} & set(found)
        assert found["image"] == container(stack)["image"]
        assert found["imagePullPolicy"] == container(stack)["imagePullPolicy"]


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_selects_the_pods_of_jobs(stack: str) -> None:
    program = previewed(stack, creates=True)
    pods = {name: each["metadata"]["labels"] for name, each in templates(program).items()}
    for job in program.all(JOB):
        labels = pods[job.name]
        assert labels == job.inputs["metadata"]["labels"]
        assert not set(SELECTOR) & set(labels)
        assert not set(SELECTOR.items()) & set(labels.items())
    portal, database = {"backstage-deployment"}, {"backstage-postgres-server"}
    selected = {
        "Service backstage-service": portal,
        "Deployment backstage-deployment": portal,
        "PodDisruptionBudget backstage-disruption-budget": portal,
    }
    if stack != "auto-mode":
        selected["NetworkPolicy backstage-network-policy"] = portal
    if stack in LOCAL_STACKS:
        selected["Service backstage-postgres-service"] = database
        selected["StatefulSet backstage-postgres-server"] = database
    found = {}
    for each in program.recording.resources.values():
        spec = each.inputs.get("spec")
        chosen = spec.get("podSelector") or spec.get("selector") if spec else None
        if chosen:
            labels = chosen.get("matchLabels", chosen)
            kind = each.type.rpartition(":")[2]
            found[f"{kind} {each.name}"] = {
                name for name, carried in pods.items() if labels.items() <= carried.items()
            }
    assert found == selected


def test_the_role_job_runs_its_script() -> None:
    program = previewed("prod", creates=True)
    template = templates(program)[ROLE_JOB]
    [found] = template["spec"]["containers"]
    mounts = {each["mountPath"]: each["name"] for each in found["volumeMounts"]}
    assert found["args"] == ["node", "/etc/backstage/scripts/database-role.js"]
    assert mounts == {
        "/etc/backstage/scripts": "scripts",
        "/etc/backstage/database-ca": "database-ca",
    }
    # It ends by itself, and with a message, before the Job's time is up.
    script = (ROOT / "assets" / "database-role.js").read_text(encoding="utf-8")
    [give_up] = re.findall(r"^const GIVE_UP_AFTER = ([\d_]+);", script, re.MULTILINE)
    deadline = jobs(program)[ROLE_JOB].inputs["spec"]["activeDeadlineSeconds"]
    assert int(give_up) / 1000 < deadline


@pytest.mark.parametrize("stack", sorted(set(STACKS) - set(WITHOUT_MIGRATION_JOB)))
def test_the_migration_job_starts_the_portal_as_it_serves(stack: str) -> None:
    program = previewed(stack, creates=True)
    migrating, serving = (
        templates(program)[MIGRATION_JOB],
        templates(program)["backstage-deployment"],
    )
    [found] = migrating["spec"]["containers"]
    portal = container(stack)
    node, *arguments = portal["args"]
    assert found["args"] == [node, "/etc/backstage/scripts/migrate.js", *arguments]
    assert found["envFrom"] == portal["envFrom"]
    assert found["resources"] == portal["resources"]
    scripts = {"name": "scripts", "mountPath": "/etc/backstage/scripts", "readOnly": True}
    assert found["volumeMounts"] == [*portal["volumeMounts"], scripts]
    assert migrating["spec"]["volumes"] == [
        *serving["spec"]["volumes"],
        {"name": "scripts", "configMap": {"name": "backstage-scripts"}},
    ]
    expected = variables(serving)
    # The pods that serve leave the schemas as they are; the Job has no such override.
    assert expected.pop("APP_CONFIG_backend_database_skipMigrations") == "true"
    assert variables(migrating) == {
        **expected,
        "APP_CONFIG_catalog_processingInterval": "false",
        "APP_CONFIG_scaffolder_concurrentTasksLimit": "0",
        "APP_CONFIG_backend_lifecycle_serverShutdownDelay": '{"seconds":0}',
        "APP_CONFIG_backend_database_knexConfig_migrations_disableMigrationsListValidation": "true",
        "MIGRATION_SECONDS": "1680",
    }
    assert jobs(program)[MIGRATION_JOB].inputs["spec"]["activeDeadlineSeconds"] == 2100


@pytest.mark.parametrize("stack", STACKS)
def test_scripts_are_mounted_as_they_are(stack: str) -> None:
    data = previewed(stack).inputs(CONFIG_MAP, "backstage-scripts")["data"]
    assert data == {
        path.name: path.read_text(encoding="utf-8") for path in (ROOT / "assets").glob("*.js")
    }


def test_more_pods_run_no_job() -> None:
    after = changed("prod", {"replicas": 3}, creates=True)
    touched = differing(previewed("prod", creates=True), after)
    assert touched == {"backstage-deployment", "backstage-autoscaler"}


# The portal


@pytest.mark.parametrize("stack", STACKS)
def test_pods_pass_pod_security_restricted(stack: str) -> None:
    program = previewed(stack, creates=True)
    labels = program.inputs("kubernetes:core/v1:Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    gate = "eks.amazonaws.com" if stack == "auto-mode" else "elbv2.k8s.aws"
    gates = {key for key in labels if key.endswith("pod-readiness-gate-inject")}
    expected = set() if stack in LOCAL_STACKS else {f"{gate}/pod-readiness-gate-inject"}
    assert gates == expected
    found = templates(program)
    assert len(found) == 1 + len(program.all(JOB)) + (stack in LOCAL_STACKS)
    for name, template in found.items():
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        user = spec["securityContext"]["runAsUser"]
        assert user == 999 if name == "backstage-postgres-server" else user >= 10000
        assert not {"initContainers", "hostNetwork", "hostPID", "hostIPC"} & set(spec)
        [only] = spec["containers"]
        security = only["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
        kinds = {next(iter(set(volume) - {"name"})) for volume in spec["volumes"]}
        assert (
            kinds
            == {
                "backstage-deployment": {"configMap", "emptyDir"},
                MIGRATION_JOB: {"configMap", "emptyDir"},
                ROLE_JOB: {"configMap"},
                "backstage-postgres-server": {"emptyDir"},
            }[name]
        )


def test_rollout_starts_a_pod_before_it_stops_one() -> None:
    spec = previewed("prod", creates=True).inputs(DEPLOYMENT)["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert spec["minReadySeconds"] == 10
    pod = spec["template"]["spec"]
    pre_stop = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    # preStop, the portal's own shutdown delay and a slow request of 30 s fit into the grace period.
    assert pre_stop + 15 + 30 < pod["terminationGracePeriodSeconds"]


def test_probes_ask_the_real_health_paths() -> None:
    health = "/.backstage/health/v1"
    found = container("prod")
    paths = {
        probe: found[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert paths == {
        "startupProbe": f"{health}/readiness",
        "readinessProbe": f"{health}/readiness",
        "livenessProbe": f"{health}/liveness",
    }
    startup = found["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] == 300


def test_environment_of_the_pods() -> None:
    found = container("prod")
    assert found["envFrom"] == [{"secretRef": {"name": "backstage-secrets"}}]
    assert {each["name"]: each["value"] for each in found["env"]} == {
        "APP_CONFIG_app_baseUrl": "https://backstage.example.com",
        "APP_CONFIG_auth_environment": "production",
        "APP_CONFIG_backend_database_skipMigrations": "true",
        "APP_CONFIG_backend_baseUrl": "https://backstage.example.com",
        "APP_CONFIG_techdocs_publisher_local_publishDirectory": "/tmp/techdocs",
        "APP_HOST": "backstage.example.com",
        "APP_PORT": "7007",
        "AWS_REGION": "us-east-1",
        "NODE_ENV": "production",
        "NODE_OPTIONS": "--max-old-space-size=1536",
        "POSTGRES_DB": "backstage",
        "POSTGRES_PORT": "5432",
    }
    mounts = {each["name"]: each["mountPath"] for each in found["volumeMounts"]}
    assert f"{mounts['app-config']}/app-config.production.yaml" in found["args"]
    config = (ROOT / "assets" / "app-config.production.yaml").read_text(encoding="utf-8")
    assert f"$file: {mounts['database-ca']}/ca.pem" in config


def test_environment_of_local_pods() -> None:
    found = container("local")
    assert {each["name"]: each["value"] for each in found["env"]} == {
        "APP_CONFIG_app_baseUrl": "http://localhost:7007",
        "APP_CONFIG_auth_environment": "production",
        "APP_CONFIG_backend_baseUrl": "http://localhost:7007",
        "APP_CONFIG_backend_csp_upgrade-insecure-requests": "false",
        "APP_CONFIG_backend_database_connection_ssl": "false",
        "APP_CONFIG_backend_database_skipMigrations": "true",
        "APP_CONFIG_techdocs_publisher_local_publishDirectory": "/tmp/techdocs",
        "APP_HOST": "localhost",
        "APP_PORT": "7007",
        "NODE_ENV": "production",
        "NODE_OPTIONS": "--max-old-space-size=768",
        "POSTGRES_DB": "backstage",
        "POSTGRES_PORT": "5432",
    }
    # The configuration names the file, whether the database speaks TLS or not.
    data = previewed("local").inputs(CONFIG_MAP, "backstage-database-ca")["data"]
    assert set(data) == {"ca.pem"}
    assert "CERTIFICATE" not in data["ca.pem"]


def test_further_variables_reach_the_pods() -> None:
    publisher = "APP_CONFIG_techdocs_publisher"
    for name in ("backstage-deployment", MIGRATION_JOB):
        found = variables(templates(previewed("internet-facing", creates=True))[name])
        assert found["LOG_LEVEL"] == "info"
        found = variables(templates(previewed("dev", creates=True))[name])
        assert found["TECHDOCS_PUBLISHER"] == "awsS3"
        assert found["TECHDOCS_BUCKET"] == "backstage-techdocs"
        assert found[f"{publisher}_awsS3_bucketName"] == "backstage-techdocs"
        assert found[f"{publisher}_awsS3_region"] == "us-east-1"
        assert f"{publisher}_local_publishDirectory" not in found


def test_http_only_where_allowed_and_then_without_upgrade() -> None:
    name = "APP_CONFIG_backend_csp_upgrade-insecure-requests"
    for stack in STACKS:
        found = {each["name"]: each["value"] for each in container(stack)["env"]}
        url = previewed(stack).outputs["url"]
        if stack in LOCAL_STACKS:
            assert found[name] == "false"
            assert url.startswith("http://")
        elif stack == "snapshot-restore":
            assert found[name] == "false"
            assert url.startswith("http://")
            assert alb_annotations(stack)["listen-ports"] == '[{"HTTP":80}]'
            assert "certificate-arn" not in alb_annotations(stack)
        else:
            assert name not in found
            assert url.startswith("https://")
            assert alb_annotations(stack)["listen-ports"] == '[{"HTTPS":443}]'


@pytest.mark.parametrize(
    ("stack", "image", "policy"),
    [
        ("prod", "backstage-dev:5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0", "Always"),
        ("auto-mode", "ghcr.io/example/backstage@sha256:0f1e2d3c", "IfNotPresent"),
        ("dev", "/backstage-dev@sha256:", "IfNotPresent"),
        ("irsa", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/portal@sha256:", "IfNotPresent"),
        ("local", "backstage-portal:local", "IfNotPresent"),
        (
            "local-build",
            "backstage-local-build:5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0",
            "IfNotPresent",
        ),
    ],
)
def test_image_reference_and_pull_policy(stack: str, image: str, policy: str) -> None:
    found = container(stack)
    assert image in found["image"]
    assert found["imagePullPolicy"] == policy
    assert previewed(stack, creates=True).outputs["image"] == found["image"]


@pytest.mark.parametrize("stack", ["dev", "prod", "local", "local-build"])
def test_a_new_tag_touches_image_jobs_and_deployment_only(stack: str) -> None:
    touched = {"backstage-deployment", ROLE_JOB}
    if stack not in WITHOUT_MIGRATION_JOB:
        touched.add(MIGRATION_JOB)
    if stack in BUILDING:
        touched.add("backstage-image")
    after = changed(stack, {"imageTag": "0123abc"}, creates=True)
    assert differing(previewed(stack, creates=True), after) == touched


@pytest.mark.parametrize(
    ("stack", "architecture"),
    [("prod", "amd64"), ("irsa", "arm64"), ("local", "amd64"), ("local-build", "arm64")],
)
def test_pods_run_where_the_image_runs(stack: str, architecture: str) -> None:
    program = previewed(stack, creates=True)
    for name, template in templates(program).items():
        if name == "backstage-postgres-server":  # an image of every platform
            assert "nodeSelector" not in template["spec"]
        else:
            assert template["spec"]["nodeSelector"]["kubernetes.io/arch"] == architecture
    for image in previewed(stack).all(IMAGE):
        assert image.inputs["build"]["platform"] == f"linux/{architecture}"


def test_network_policy_of_the_pods() -> None:
    spec = previewed("internet-facing").inputs(NETWORK_POLICY)["spec"]
    inbound, metrics = spec["ingress"]
    assert metrics == {
        "from": [{"namespaceSelector": {}}],
        "ports": [{"port": 9464, "protocol": "TCP"}],
    }
    assert [each["ipBlock"]["cidr"] for each in inbound["from"]] == [
        "10.0.0.0/16",
        "100.64.0.0/16",
    ]
    assert inbound["ports"] == [{"port": 7007, "protocol": "TCP"}]
    anywhere, database, agent = spec["egress"]
    assert {each["port"] for each in anywhere["ports"]} == {53, 443, 6379, 8443}
    assert "to" not in anywhere
    assert database["ports"] == [{"port": 5432, "protocol": "TCP"}]
    assert "10.0.0.0/19" in {each["ipBlock"]["cidr"] for each in database["to"]}
    assert agent["to"] == [{"ipBlock": {"cidr": "169.254.170.23/32"}}]
    assert agent["ports"] == [{"port": 80, "protocol": "TCP"}]


def test_metrics_have_a_port_of_their_own() -> None:
    template = previewed("prod", creates=True).inputs(DEPLOYMENT)["spec"]["template"]
    assert {each["name"]: each["containerPort"] for each in container("prod")["ports"]} == {
        "http": 7007,
        "metrics": 9464,
    }
    assert template["metadata"]["annotations"]["prometheus.io/port"] == "9464"
    without = changed("prod", {"metrics": False}, creates=True)
    template = without.inputs(DEPLOYMENT)["spec"]["template"]
    assert [each["name"] for each in template["spec"]["containers"][0]["ports"]] == ["http"]
    assert "annotations" not in template["metadata"]
    policy = without.inputs(NETWORK_POLICY)["spec"]
    assert len(policy["ingress"]) == 1


# The way in


def test_ingress_of_prod() -> None:
    found = alb_annotations("prod")
    assert found["scheme"] == "internal"
    assert found["target-type"] == "ip"
    assert found["ssl-policy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert found["healthcheck-path"] == "/.backstage/health/v1/readiness"
    assert "idle_timeout.timeout_seconds=120" in found["load-balancer-attributes"]
    assert "drop_invalid_header_fields.enabled=true" in found["load-balancer-attributes"]
    assert "deregistration_delay.timeout_seconds=45" in found["target-group-attributes"]
    assert "stack=prod" in found["tags"]
    assert not {"inbound-cidrs", "wafv2-acl-arn", "group.name"} & set(found)
    spec = previewed("prod").inputs(INGRESS)["spec"]
    assert spec["ingressClassName"] == "alb"
    assert spec["rules"][0]["host"] == "backstage.example.com"


def test_ingress_to_the_internet() -> None:
    found = alb_annotations("internet-facing")
    assert found["scheme"] == "internet-facing"
    assert found["inbound-cidrs"] == "203.0.113.0/24,198.51.100.0/24"
    assert found["wafv2-acl-arn"].startswith("arn:aws:wafv2:")
    assert found["group.name"] == "public"
    assert "access_logs.s3.bucket=platform-alb-logs" in found["load-balancer-attributes"]
    assert "tags" not in found  # members of a group have to agree on them


def test_auto_mode_has_a_class_of_its_own() -> None:
    program = previewed("auto-mode")
    ingress_class = program.inputs("kubernetes:networking.k8s.io/v1:IngressClass")
    assert ingress_class["metadata"]["name"] == "portal"
    assert ingress_class["spec"]["controller"] == "eks.amazonaws.com/alb"
    parameters = program.inputs("kubernetes:eks.amazonaws.com/v1:IngressClassParams")
    assert parameters["spec"] == {"scheme": "internal"}
    assert program.inputs(INGRESS)["spec"]["ingressClassName"] == "portal"
    assert "tags" not in alb_annotations("auto-mode")


def test_idle_time_out_is_shorter_than_the_portals_keep_alive() -> None:
    config = (ROOT / "assets" / "app-config.production.yaml").read_text(encoding="utf-8")
    assert "keepAliveTimeout: { seconds: 125 }" in config
    assert "idle_timeout.timeout_seconds=120" in alb_annotations("prod")["load-balancer-attributes"]


@pytest.mark.parametrize(
    ("changes", "host"),
    [({"ingressClassName": "traefik"}, None), ({}, "portal.example.com")],
    ids=["any host", "a host"],
)
def test_an_ingress_of_another_controller(changes: dict[str, object], host: str | None) -> None:
    program = changed("local", changes) if changes else previewed("local-build")
    found = program.inputs(INGRESS)
    assert found["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert found["spec"] == {
        "ingressClassName": "nginx" if host else "traefik",
        "rules": [
            {
                **({"host": host} if host else {}),
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "backstage", "port": {"number": 7007}}},
                        }
                    ]
                },
            }
        ],
    }
    assert program.outputs["url"] == f"http://{host or 'localhost'}"
    assert "portForwardCommand" not in program.outputs


# Without AWS


def test_no_ingress_on_local_without_a_class() -> None:
    program = previewed("local")
    assert program.all(INGRESS) == []
    assert "backstage:ingress:PlainIngress" not in program.types()
    assert program.outputs["portForwardCommand"] == (
        "kubectl --namespace backstage port-forward service/backstage 7007"
    )


@pytest.mark.parametrize(
    ("stack", "namespace"), [("local", "backstage"), ("local-build", "developer-portal")]
)
def test_outputs_of_local(stack: str, namespace: str) -> None:
    outputs = previewed(stack, creates=True).outputs
    assert set(outputs) == {
        *("url", "namespace", "image", "databaseEndpoint"),
        *(["portForwardCommand"] if stack == "local" else []),
    }
    assert outputs["namespace"] == namespace
    assert outputs["databaseEndpoint"] == f"postgres.{namespace}.svc"


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tokens of what the programs that follow ask their providers for."""
    asked: list[str] = []
    invoke = RecordingMonitor.Invoke

    def recorded(monitor: RecordingMonitor, request: Any) -> Any:
        asked.append(request.tok)
        return invoke(monitor, request)

    monkeypatch.setattr(RecordingMonitor, "Invoke", recorded)
    return asked


ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/portal"


@pytest.mark.parametrize(
    ("changes", "builds", "reference"),
    [
        ({}, False, "backstage-portal:local"),
        ({"imageRepository": ECR}, False, f"{ECR}:local"),
        ({"imageRepository": None, "appPath": "portal"}, True, "backstage-local:local"),
        ({"imageRepository": ECR, "appPath": "portal"}, True, f"{ECR}@sha256:"),
        ({"ingressClassName": "nginx", "host": "portal.test.example"}, False, "backstage-portal:"),
    ],
    ids=["pulled", "pulled from ECR", "built", "built for ECR", "with an Ingress"],
)
def test_local_neither_asks_nor_makes_anything_of_aws(
    changes: dict[str, object], builds: bool, reference: str, look_ups: list[str]
) -> None:
    program = changed("local", changes, creates=True)
    assert look_ups == []
    packages = {type_.partition(":")[0] for type_ in program.types()}
    assert packages == {
        "pulumi",
        "backstage",
        "kubernetes",
        "random",
        *(["docker"] if builds else []),
    }
    providers = [each for each in program.types() if each.startswith("pulumi:providers:")]
    assert providers == ["pulumi:providers:kubernetes"]
    for template in templates(program).values():
        [found] = template["spec"]["containers"]
        assert found["imagePullPolicy"] == "IfNotPresent"
    assert program.outputs["image"].startswith(reference)
    for image in program.all(IMAGE):
        assert image.inputs["skipPush"] is (changes["imageRepository"] is None)
        assert "registry" not in image.inputs


def test_look_ups_are_seen(look_ups: list[str]) -> None:
    """Else the test before proves nothing."""
    changed("dev", {}, creates=True)
    assert "aws:eks/getCluster:getCluster" in look_ups
    assert "aws:ecr/getAuthorizationToken:getAuthorizationToken" in look_ups


@pytest.mark.parametrize("stack", LOCAL_STACKS)
def test_network_policy_of_local_pods(stack: str) -> None:
    program = previewed(stack, creates=True)
    spec = program.inputs(NETWORK_POLICY)["spec"]
    assert "169.254.170.23" not in json.dumps(spec)
    portal, metrics = spec["ingress"]
    for rule, port in ((portal, 7007), (metrics, 9464)):
        assert rule == {
            "from": [{"namespaceSelector": {}}],
            "ports": [{"port": port, "protocol": "TCP"}],
        }
    anywhere, database, api_server = spec["egress"]
    assert {each["port"] for each in anywhere["ports"]} == {53, 443}
    assert {each["port"] for each in api_server["ports"]} == {6443, 8443}
    assert "to" not in anywhere
    assert database["ports"] == [{"port": 5432, "protocol": "TCP"}]
    [peer] = database["to"]
    assert list(peer) == ["podSelector"]
    labels = peer["podSelector"]["matchLabels"]
    let_through = {
        name
        for name, template in templates(program).items()
        if labels.items() <= template["metadata"]["labels"].items()
    }
    assert let_through == {"backstage-postgres-server"}


@pytest.mark.parametrize(
    ("stack", "image", "context"),
    [
        ("local", "postgres:17", None),
        ("local-build", "registry.example.com/postgres:16.8", "kind-portal"),
    ],
)
def test_postgres_in_the_cluster(stack: str, image: str, context: str | None) -> None:
    program = previewed(stack, creates=True)
    spec = program.inputs(STATEFUL_SET)["spec"]
    [found] = spec["template"]["spec"]["containers"]
    assert found["image"] == image
    assert f"max_connections={IN_CLUSTER_CONNECTIONS}" in found["args"]
    assert ("volumeClaimTemplates" in spec) == (stack == "local")
    provider = program.inputs("pulumi:providers:kubernetes")
    assert provider.get("context") == context
    assert provider["clusterIdentifier"] == f"local/{context or 'current'}"
    assert provider.get("kubeconfig") == os.environ.get("KUBECONFIG")  # as kubectl finds it


# Committed files


@pytest.mark.parametrize("path", sorted(ROOT.glob("Pulumi.*.yaml")), ids=lambda path: path.name)
def test_committed_stack_files_hold_no_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "secure:" not in text
    assert "encryptionsalt" not in text
    assert path.name.split(".")[1] in COMMITTED


def test_readme_lists_every_output() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Stack outputs\n")[2]
    table = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section.partition("\n## ")[0], re.M))
    exporting: dict[str, set[str]] = {}
    for stack in STACKS:
        for output in previewed(stack).outputs:
            exporting.setdefault(output, set()).add(stack)
    assert set(table) == set(exporting)
    everywhere = {"always": {*STACKS}, "eks": {*EKS_STACKS}}
    for output, where in table.items():
        if where in everywhere:
            assert exporting[output] == everywhere[where], output
        else:
            assert exporting[output] not in everywhere.values(), output
