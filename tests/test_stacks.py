"""The whole program, for the committed stacks and for the stack files under tests/stacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from tests.programs import COMMITTED, ROOT, STACKS, changed, previewed
from tools.preview.manifests import manifests
from tools.preview.monitor import COMPUTED, SECRET

GOLDEN = ROOT / "tests" / "golden"
KUBERNETES = "1.36"

CLUSTER = "aws:rds/cluster:Cluster"
INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
K8S_SECRET = "kubernetes:core/v1:Secret"
AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
IMAGE = "docker:index/image:Image"
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
    assert {each["kind"] for each in found} >= {"Deployment", "Ingress", "Namespace", "Secret"}
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
    assert program.inputs(CLUSTER)["masterPassword"] == SECRET
    assert program.inputs(SECRET_VERSION)["secretString"] == SECRET
    assert program.inputs(K8S_SECRET)["stringData"] == SECRET
    for image in program.all(IMAGE):
        assert image.inputs["registry"]["password"] == SECRET
    shown = [each.inputs for each in program.recording.resources.values()]
    text = json.dumps([shown, program.outputs, list(manifests(program.recording))])
    # What the recorded answers give for generated passwords and tokens, and the plain secretEnv
    # values of the internet-facing stack.
    assert '"offline-preview"' not in text
    assert "canary" not in text


def test_secret_keys_are_named_in_the_manifest() -> None:
    [secret] = [
        each
        for each in manifests(previewed("internet-facing", creates=True).recording)
        if each["kind"] == "Secret"
    ]
    assert secret["metadata"]["name"] == "backstage-secrets"
    assert secret["stringData"] == {
        name: f"__SECRET:backstage-secrets/{name}__"
        for name in (
            "AUTH_GITHUB_CLIENT_ID",
            "AUTH_GITHUB_CLIENT_SECRET",
            "AUTH_SESSION_SECRET",
            "GITHUB_TOKEN",
            "POSTGRES_HOST",
            "POSTGRES_PASSWORD",
            "POSTGRES_USER",
        )
    }


# What waits for what


@pytest.mark.parametrize("stack", STACKS)
def test_secret_waits_for_the_writer(stack: str) -> None:
    secret = previewed(stack).one(K8S_SECRET)
    on = secret.property_dependencies["stringData"]
    assert any(CLUSTER in urn for urn in on)
    assert any(INSTANCE in urn and urn.endswith("-instance-0") for urn in on)
    assert any("RandomPassword::backstage-password" in urn for urn in on)


@pytest.mark.parametrize("stack", STACKS)
def test_deployment_waits_for_secret_config_service_and_ingress(stack: str) -> None:
    deployment = previewed(stack).one(DEPLOYMENT)
    on = " ".join(deployment.property_dependencies["spec"])
    for name in ("backstage-secrets", "backstage-app-config", "backstage-database-ca"):
        assert f"::{name}" in on
    names = {urn.rpartition("::")[2] for urn in deployment.dependencies}
    assert {"backstage-service", "backstage-ingress"} <= names


def test_deployment_waits_for_the_built_image() -> None:
    deployment = previewed("dev").one(DEPLOYMENT)
    assert any(IMAGE in urn for urn in deployment.property_dependencies["spec"])


@pytest.mark.parametrize("stack", ["dev", "irsa", "auto-mode", "snapshot-restore"])
def test_ingress_goes_before_its_controller(stack: str) -> None:
    on = " ".join(previewed(stack).one(INGRESS).dependencies)
    assert "IngressClass::" in on if stack == "auto-mode" else "rolePolicyAttachment" in on
    assert ("helm.sh/v3:Release" in on) == (stack in ("dev", "irsa"))


@pytest.mark.parametrize("stack", STACKS)
def test_log_group_and_monitoring_policy_come_first(stack: str) -> None:
    program = previewed(stack)
    assert any("LogGroup" in urn for urn in program.one(CLUSTER).dependencies)
    for instance in program.all(INSTANCE):
        assert any("monitoring-policy" in urn for urn in instance.dependencies)


# What exists, and what doesn't


@pytest.mark.parametrize("stack", STACKS)
def test_docker_only_where_something_is_built(stack: str) -> None:
    docker = {each for each in previewed(stack).types() if each.startswith("docker:")}
    assert docker == ({IMAGE} if stack in ("dev", "irsa") else set())


def test_building_creates_a_repository_unless_one_is_given() -> None:
    repository = "aws:ecr/repository:Repository"
    assert previewed("dev").inputs(repository)["imageTagMutability"] == "IMMUTABLE"
    assert previewed("irsa").all(repository) == []
    assert "ecrRepositoryUrl" not in previewed("irsa").outputs


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
    policy = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    assert previewed("auto-mode").all(policy) == []
    assert len(previewed("prod").all(policy)) == 1


@pytest.mark.parametrize("stack", STACKS)
def test_outputs(stack: str) -> None:
    outputs = previewed(stack).outputs
    assert {
        "url",
        "namespace",
        "image",
        "loadBalancerHostname",
        "databaseEndpoint",
        "databaseSecretArn",
        "kubeconfigCommand",
    } <= set(outputs)
    assert outputs["databaseEndpoint"] == COMPUTED


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
    secret = previewed("dev").inputs("aws:secretsmanager/secret:Secret")
    assert secret["recoveryWindowInDays"] == 0


@pytest.mark.parametrize(
    ("stack", "version", "follows"), [("prod", "17", True), ("snapshot-restore", "16.8", False)]
)
def test_minor_upgrades_follow_the_version_given(stack: str, version: str, follows: bool) -> None:
    cluster = previewed(stack).inputs(CLUSTER)
    assert cluster["engineVersion"] == version
    assert cluster["autoMinorVersionUpgrade"] is follows
    for instance in previewed(stack).all(INSTANCE):
        assert instance.inputs["autoMinorVersionUpgrade"] is follows


@pytest.mark.parametrize("stack", STACKS)
def test_database_refuses_plain_connections(stack: str) -> None:
    [group] = previewed(stack).all("aws:rds/clusterParameterGroup:ClusterParameterGroup")
    parameters = {each["name"]: each["value"] for each in group.inputs["parameters"]}
    assert parameters["rds.force_ssl"] == "1"
    assert {"log_statement", "log_min_duration_statement"} <= set(parameters)
    assert group.name.endswith(group.inputs["family"])


@pytest.mark.parametrize("stack", STACKS)
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
    password = "random:index/randomPassword:RandomPassword"
    keepers = previewed("snapshot-restore").inputs(password, "backstage-password")["keepers"]
    assert keepers == {"version": "3"}
    before = previewed("prod").recording.resources
    after = changed("prod", {"databasePasswordVersion": 2}).recording.resources
    differing = {urn for urn in before if before[urn].raw_inputs != after[urn].raw_inputs}
    assert {urn.rpartition("::")[2] for urn in differing} == {"backstage-password"}


# The portal


@pytest.mark.parametrize("stack", STACKS)
def test_pods_pass_pod_security_restricted(stack: str) -> None:
    program = previewed(stack, creates=True)
    labels = program.inputs("kubernetes:core/v1:Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    gate = "eks.amazonaws.com" if stack == "auto-mode" else "elbv2.k8s.aws"
    gates = {key for key in labels if key.endswith("pod-readiness-gate-inject")}
    assert gates == {f"{gate}/pod-readiness-gate-inject"}
    spec = program.inputs(DEPLOYMENT)["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["securityContext"]["runAsUser"] >= 10000
    security = container(stack)["securityContext"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["readOnlyRootFilesystem"] is True
    assert {next(iter(set(volume) - {"name"})) for volume in spec["volumes"]} == {
        "configMap",
        "emptyDir",
    }


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
    variables = {each["name"]: each["value"] for each in found["env"]}
    assert variables == {
        "APP_CONFIG_app_baseUrl": "https://backstage.example.com",
        "APP_CONFIG_auth_environment": "production",
        "APP_CONFIG_backend_baseUrl": "https://backstage.example.com",
        "APP_HOST": "backstage.example.com",
        "APP_PORT": "7007",
        "AWS_REGION": "us-east-1",
        "NODE_ENV": "production",
        "NODE_OPTIONS": "--max-old-space-size=1536 --max-semi-space-size=8",
        "POSTGRES_DB": "backstage",
        "POSTGRES_PORT": "5432",
    }
    mounts = {each["name"]: each["mountPath"] for each in found["volumeMounts"]}
    assert f"{mounts['app-config']}/app-config.production.yaml" in found["args"]
    config = (ROOT / "assets" / "app-config.production.yaml").read_text(encoding="utf-8")
    assert f"$file: {mounts['database-ca']}/ca.pem" in config


def test_further_variables_reach_the_pods() -> None:
    variables = {each["name"]: each["value"] for each in container("internet-facing")["env"]}
    assert variables["LOG_LEVEL"] == "info"
    variables = {each["name"]: each["value"] for each in container("dev")["env"]}
    assert variables["TECHDOCS_PUBLISHER"] == "awsS3"
    assert variables["TECHDOCS_BUCKET"] == "backstage-techdocs"


def test_http_only_where_allowed_and_then_without_upgrade() -> None:
    name = "APP_CONFIG_backend_csp_upgrade-insecure-requests"
    for stack in STACKS:
        variables = {each["name"]: each["value"] for each in container(stack)["env"]}
        url = previewed(stack).outputs["url"]
        if stack == "snapshot-restore":
            assert variables[name] == "false"
            assert url.startswith("http://")
            assert alb_annotations(stack)["listen-ports"] == '[{"HTTP":80}]'
            assert "certificate-arn" not in alb_annotations(stack)
        else:
            assert name not in variables
            assert url.startswith("https://")
            assert alb_annotations(stack)["listen-ports"] == '[{"HTTPS":443}]'


@pytest.mark.parametrize(
    ("stack", "image", "policy"),
    [
        ("prod", "backstage-dev:5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0", "Always"),
        ("auto-mode", "ghcr.io/example/backstage@sha256:0f1e2d3c", "IfNotPresent"),
        ("dev", "/backstage-dev@sha256:", "IfNotPresent"),
        ("irsa", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/portal@sha256:", "IfNotPresent"),
    ],
)
def test_image_reference_and_pull_policy(stack: str, image: str, policy: str) -> None:
    found = container(stack)
    assert image in found["image"]
    assert found["imagePullPolicy"] == policy
    assert previewed(stack, creates=True).outputs["image"] == found["image"]


def test_a_new_tag_touches_image_and_deployment_only() -> None:
    for stack, touched in (
        ("dev", {"backstage-image", "backstage-deployment"}),
        ("prod", {"backstage-deployment"}),
    ):
        before = previewed(stack, creates=True).recording.resources
        after = changed(stack, {"imageTag": "0123abc"}, creates=True).recording.resources
        differing = {urn for urn in before if before[urn].raw_inputs != after[urn].raw_inputs}
        assert {urn.rpartition("::")[2] for urn in differing} == touched


@pytest.mark.parametrize(("stack", "architecture"), [("prod", "amd64"), ("irsa", "arm64")])
def test_pods_run_where_the_image_runs(stack: str, architecture: str) -> None:
    spec = previewed(stack, creates=True).inputs(DEPLOYMENT)["spec"]["template"]["spec"]
    assert spec["nodeSelector"]["kubernetes.io/arch"] == architecture
    for image in previewed(stack).all(IMAGE):
        assert image.inputs["build"]["platform"] == f"linux/{architecture}"


def test_network_policy_of_the_pods() -> None:
    spec = previewed("internet-facing").inputs("kubernetes:networking.k8s.io/v1:NetworkPolicy")[
        "spec"
    ]
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
    policy = without.inputs("kubernetes:networking.k8s.io/v1:NetworkPolicy")["spec"]
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
    assert "deregistration_delay.timeout_seconds=30" in found["target-group-attributes"]
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


# Committed files


@pytest.mark.parametrize("path", sorted(ROOT.glob("Pulumi.*.yaml")), ids=lambda path: path.name)
def test_committed_stack_files_hold_no_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "secure:" not in text
    assert "encryptionsalt" not in text
    assert path.name.split(".")[1] in COMMITTED
