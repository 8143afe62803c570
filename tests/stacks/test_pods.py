"""The portal's pods: security, rollout, probes, variables, metrics."""

from __future__ import annotations

import pytest

from tests.programs import (
    EKS_STACKS,
    IN_CLUSTER_STACKS,
    OWN_NAMESPACE,
    ROOT,
    STACKS,
    changed,
    previewed,
)
from tests.stacks.pods import (
    MIGRATION_JOB,
    PASSWORD_JOB,
    PORTAL,
    POSTGRES,
    ROLE_JOB,
    container,
    templates,
    variables,
)
from tests.tokens import AUTOSCALER, CLUSTER_ROLE, CONFIG_MAP, DEPLOYMENT, NAMESPACE

VOLUMES = {
    PORTAL: {"configMap", "emptyDir"},
    MIGRATION_JOB: {"configMap", "emptyDir"},
    ROLE_JOB: {"configMap"},
    PASSWORD_JOB: {"configMap"},
    POSTGRES: {"emptyDir"},
}
MINIMUM_USER = {POSTGRES: 999}  # the image's own account


@pytest.mark.parametrize("stack", STACKS)
def test_pods_pass_pod_security_restricted(stack: str) -> None:
    program = previewed(stack, creates=True)
    for namespace in program.all(NAMESPACE):
        labels = namespace.inputs["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    found = templates(program)
    assert PORTAL in found
    for name, template in found.items():
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["securityContext"]["runAsUser"] >= MINIMUM_USER.get(name, 10000)
        assert not {"initContainers", "hostNetwork", "hostPID", "hostIPC"} & set(spec)
        [only] = spec["containers"]
        security = only["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
        kinds = {next(iter(set(volume) - {"name"})) for volume in spec["volumes"]}
        mounting = stack in ("integrations", "secrets") and name in (PORTAL, MIGRATION_JOB)
        files = {"secret"} if mounting else set()
        files |= {"csi"} if stack == "csi" and name in (PORTAL, MIGRATION_JOB) else set()
        assert kinds == VOLUMES[name] | files


@pytest.mark.parametrize("stack", OWN_NAMESPACE)
def test_readiness_gates_are_injected_on_eks(stack: str) -> None:
    labels = previewed(stack).inputs(NAMESPACE)["metadata"]["labels"]
    gates = {key for key in labels if key.endswith("pod-readiness-gate-inject")}
    group = "eks.amazonaws.com" if stack == "auto-mode" else "elbv2.k8s.aws"
    assert gates == ({f"{group}/pod-readiness-gate-inject"} if stack in EKS_STACKS else set())


def test_rollout_starts_a_pod_before_it_stops_one() -> None:
    spec = previewed("prod", creates=True).inputs(DEPLOYMENT)["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert spec["minReadySeconds"] == 10


@pytest.mark.parametrize("stack", STACKS)
def test_autoscaler_exists_only_with_room_to_scale(stack: str) -> None:
    program = previewed(stack)
    scaled = stack == "prod"
    assert len(program.all(AUTOSCALER)) == scaled
    # The autoscaler owns the number of pods; without one the program does.
    assert program.one(DEPLOYMENT).ignore_changes == (["spec.replicas"] if scaled else [])
    assert previewed(stack, creates=True).inputs(DEPLOYMENT)["spec"]["replicas"] == 1 + scaled


def test_probes_use_the_health_paths_of_backstage() -> None:
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


def test_start_may_take_five_minutes() -> None:
    startup = container("prod")["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] == 300


# What every pod that serves has in its environment, by stack.
VARIABLES = {
    "prod": {
        "APP_CONFIG_app_baseUrl": "https://backstage.example.com",
        "APP_CONFIG_auth_environment": "production",
        "APP_CONFIG_backend_baseUrl": "https://backstage.example.com",
        "APP_CONFIG_backend_database_skipMigrations": "true",
        "APP_CONFIG_techdocs_publisher_local_publishDirectory": "/tmp/techdocs",
        "APP_PORT": "7007",
        "AWS_REGION": "us-east-1",
        "NODE_ENV": "production",
        "NODE_OPTIONS": "--max-old-space-size=1536",
        "POSTGRES_DB": "backstage",
        "POSTGRES_PORT": "5432",
    },
    "local": {
        "APP_CONFIG_app_baseUrl": "http://localhost:7007",
        "APP_CONFIG_auth_environment": "production",
        "APP_CONFIG_backend_baseUrl": "http://localhost:7007",
        "APP_CONFIG_backend_csp_upgrade-insecure-requests": "false",
        "APP_CONFIG_backend_database_connection_ssl": "false",
        "APP_CONFIG_backend_database_skipMigrations": "true",
        "APP_CONFIG_techdocs_publisher_local_publishDirectory": "/tmp/techdocs",
        "APP_PORT": "7007",
        "NODE_ENV": "production",
        "NODE_OPTIONS": "--max-old-space-size=768",
        "POSTGRES_DB": "backstage",
        "POSTGRES_PORT": "5432",
    },
}


@pytest.mark.parametrize("stack", VARIABLES)
def test_variables(stack: str) -> None:
    found = templates(previewed(stack, creates=True))[PORTAL]
    assert variables(found) == VARIABLES[stack]
    assert container(stack)["envFrom"] == [{"secretRef": {"name": "backstage-secrets"}}]


def test_mounted_files_are_those_that_the_configuration_names() -> None:
    found = container("prod")
    mounts = {each["name"]: each["mountPath"] for each in found["volumeMounts"]}
    assert f"{mounts['app-config']}/app-config.production.yaml" in found["args"]
    config = (ROOT / "assets" / "app-config.production.yaml").read_text(encoding="utf-8")
    assert f"$file: {mounts['database-ca']}/ca.pem" in config


@pytest.mark.parametrize("stack", STACKS)
def test_database_certificates_are_mounted_with_and_without_tls(stack: str) -> None:
    """The configuration names the file either way."""
    data = previewed(stack).inputs(CONFIG_MAP, "backstage-database-ca")["data"]
    assert set(data) == {"ca.pem"}
    assert ("BEGIN CERTIFICATE" in data["ca.pem"]) == (stack not in IN_CLUSTER_STACKS)


@pytest.mark.parametrize("workload", [PORTAL, MIGRATION_JOB])
def test_variables_of_env_reach_pods_and_migrations(workload: str) -> None:
    found = variables(templates(previewed("internet-facing", creates=True))[workload])
    assert found["LOG_LEVEL"] == "info"
    assert found["HTTPS_PROXY"] == "http://proxy.internal:3128"


@pytest.mark.parametrize(("stack", "plugin"), [("auto-mode", False), ("prod", True)])
def test_pods_get_a_token_only_for_the_kubernetes_plugin(stack: str, plugin: bool) -> None:
    program = previewed(stack, creates=True)
    assert len(program.all(CLUSTER_ROLE)) == plugin
    assert templates(program)[PORTAL]["spec"]["automountServiceAccountToken"] is plugin


@pytest.mark.parametrize("metrics", [True, False])
def test_metrics_have_a_port_and_are_scraped(metrics: bool) -> None:
    template = templates(changed("prod", {"metrics": metrics}, creates=True))[PORTAL]
    [found] = template["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in found["ports"]}
    assert ports == {"http": 7007, **({"metrics": 9464} if metrics else {})}
    annotations = template["metadata"].get("annotations", {})
    assert annotations.get("prometheus.io/port") == ("9464" if metrics else None)
