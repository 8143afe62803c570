"""Each component by itself, in a preview and as if created."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest
from pulumi import Output, ResourceOptions

from components.aurora import AuroraPostgres, AuroraPostgresArgs
from components.aurora_network import AuroraNetwork, AuroraNetworkArgs
from components.auto_mode import AutoModeIngressClass, AutoModeIngressClassArgs
from components.certificate import Certificate, CertificateArgs
from components.cluster import Cluster, ClusterArgs, ClusterFacts
from components.database import DatabaseConnection
from components.deployment import PortalDeployment, PortalDeploymentArgs
from components.image import Image, ImageArgs
from components.ingress import PortalIngress, PortalIngressArgs
from components.load_balancer_controller import (
    LoadBalancerController,
    LoadBalancerControllerArgs,
    policy_document,
)
from components.network_policy import PortalNetworkPolicy, PortalNetworkPolicyArgs
from components.pod import PodArgs
from components.pod_role import PodRole, PodRoleArgs
from components.portal import Portal, PortalArgs, PortalObjects
from components.service_account import PortalServiceAccount, PortalServiceAccountArgs
from components.techdocs import TechDocs, TechDocsArgs
from settings import (
    AwsSettings,
    DatabaseSettings,
    ImageSettings,
    IngressSettings,
    PortalSettings,
    Settings,
)
from tests.programs import Program, built
from tools.preview.monitor import COMPUTED, SECRET
from tools.preview.run import PreviewError

MODES = pytest.mark.parametrize("creates", [False, True], ids=["preview", "created"])
HOST = "portal.example.com"
ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
SETTINGS = Settings(host=HOST, cluster_name="shop", aws=AwsSettings(region="eu-west-1"))


def facts() -> ClusterFacts:
    """A cluster that nobody looked up."""
    return ClusterFacts(
        name="shop",
        region="eu-west-1",
        partition=Output.from_input("aws"),
        account_id=Output.from_input("210987654321"),
        oidc_issuer=Output.from_input(ISSUER),
        security_group_id=Output.from_input("sg-cluster"),
        vpc_id=Output.from_input("vpc-shop"),
        vpc_cidrs=Output.from_input(["10.8.0.0/16"]),
        subnet_ids=Output.from_input(["subnet-0aaaaaaaaaaaaaaa1", "subnet-0bbbbbbbbbbbbbbb2"]),
    )


def connection() -> DatabaseConnection:
    """A database that nobody created."""
    return DatabaseConnection(
        host=Output.from_input("db.example.com"),
        port=Output.from_input(5433),
        user=Output.from_input("portal"),
        password=Output.secret("hunter2"),
        ca_certificates="-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        networks=Output.from_input(["10.8.1.0/24"]),
    )


def objects() -> PortalObjects:
    """Names of a portal's objects."""
    names = ("namespace", "service", "service_account", "secret", "app_config", "database_ca")
    return PortalObjects(**{name: Output.from_input(f"the-{name}") for name in names})


def providers() -> ResourceOptions:
    return ResourceOptions(providers=[aws.Provider("aws"), k8s.Provider("kubernetes")])


def run(build: Callable[[ResourceOptions], object], creates: bool) -> Program:
    return built(lambda: build(providers()), creates)


def statement(document: str) -> dict[str, Any]:
    [only] = json.loads(document)["Statement"]
    found: dict[str, Any] = only
    return found


# Cluster


@MODES
def test_cluster_looks_everything_up(creates: bool) -> None:
    def build() -> None:
        cluster = Cluster("c", ClusterArgs("shop", AwsSettings(region="eu-west-1"), {"a": "b"}))
        for field in dataclasses.fields(cluster.facts):
            pulumi.export(field.name, getattr(cluster.facts, field.name))

    program = built(build, creates)
    outputs = program.outputs
    assert outputs["partition"] == "aws"
    assert outputs["account_id"] == "123456789012"
    assert outputs["vpc_cidrs"] == ["10.0.0.0/16", "100.64.0.0/16"]
    assert outputs["security_group_id"].startswith("sg-")
    assert outputs["oidc_issuer"].startswith("https://oidc.eks.eu-west-1.")
    assert len(outputs["subnet_ids"]) == 5


def test_cluster_passes_every_aws_option_on() -> None:
    options = AwsSettings(
        region="eu-west-1",
        profile="ops",
        assume_roles=({"role_arn": "arn:one"}, {"role_arn": "arn:two", "session_name": "s"}),
        allowed_account_ids=("123456789012",),
        endpoints=({"rds": "https://rds.test"},),
        skip_credentials_validation=True,
        skip_requesting_account_id=True,
        skip_metadata_api_check=True,
        s3_use_path_style=True,
    )
    commands = []

    def build() -> None:
        cluster = Cluster("c", ClusterArgs("shop", options, {"team": "x"}))
        commands.append(cluster.kubeconfig_command)

    program = built(build, creates=False)
    inputs = program.inputs("pulumi:providers:aws")
    decoded = {
        key: json.loads(value) if value[:1] in '[{"tf' else value for key, value in inputs.items()
    }
    assert decoded["region"] == "eu-west-1"
    assert decoded["profile"] == "ops"
    assert decoded["assumeRoles"] == [
        {"roleArn": "arn:one"},
        {"roleArn": "arn:two", "sessionName": "s"},
    ]
    assert decoded["allowedAccountIds"] == ["123456789012"]
    assert decoded["endpoints"] == [{"rds": "https://rds.test"}]
    assert decoded["defaultTags"] == {"tags": {"team": "x"}}
    for key in ("skipCredentialsValidation", "skipRequestingAccountId", "skipMetadataApiCheck"):
        assert decoded[key] is True
    assert decoded["s3UsePathStyle"] is True

    kubernetes = program.inputs("pulumi:providers:kubernetes")
    assert kubernetes["clusterIdentifier"] == "eks/eu-west-1/shop"
    kubeconfig = json.loads(kubernetes["kubeconfig"])
    command = kubeconfig["users"][0]["user"]["exec"]
    assert command["command"] == "aws"
    assert command["args"] == [
        *("eks", "get-token", "--cluster-name", "shop", "--output", "json"),
        *("--region", "eu-west-1", "--profile", "ops", "--role-arn", "arn:two"),
    ]
    assert commands == [
        "aws eks update-kubeconfig --name shop --region eu-west-1 --profile ops --role-arn arn:two"
    ]
    assert "token" not in kubeconfig["users"][0]["user"]


# Image


@MODES
def test_image_by_tag_registers_nothing(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        image = Image(
            "i", ImageArgs(ImageSettings(repository="r.io/p", tag="abc"), "n", None), opts
        )
        pulumi.export("image", image.reference)
        assert image.pull_policy == "Always"
        assert image.repository_url is None

    program = run(build, creates)
    assert program.outputs == {"image": "r.io/p:abc"}
    custom = {each.type for each in program.recording.resources.values() if each.custom}
    assert custom == {"pulumi:providers:aws", "pulumi:providers:kubernetes"}


def test_image_digest_goes_before_the_tag() -> None:
    digest = "sha256:" + "a" * 64

    def build(opts: ResourceOptions) -> None:
        settings = ImageSettings(repository="r.io/p", tag="abc", digest=digest)
        pulumi.export("image", Image("i", ImageArgs(settings, "n", None), opts).reference)

    assert run(build, creates=False).outputs == {"image": f"r.io/p@{digest}"}


@MODES
def test_image_built_into_a_created_repository(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        settings = ImageSettings(app_path="portal", tag="abc", base="r.io/node:24")
        args = ImageArgs(settings, "shop-dev", "2026-11-23T10:00:00+00:00")
        image = Image("i", args, opts)
        pulumi.export("image", image.reference)
        assert image.pull_policy == "IfNotPresent"

    program = run(build, creates)
    repository = program.inputs("aws:ecr/repository:Repository")
    assert repository["name"] == "shop-dev"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfigurations"] == [{"encryptionType": "KMS"}]
    policy = json.loads(program.inputs("aws:ecr/lifecyclePolicy:LifecyclePolicy")["policy"])
    assert [rule["rulePriority"] for rule in policy["rules"]] == [1, 2]
    image = program.inputs("docker:index/image:Image")
    assert image["build"]["dockerfile"] == "image/multi-stage.Dockerfile"
    assert image["build"]["target"] == "portal"
    assert image["build"]["args"] == {
        "REVISION": "abc",
        "CREATED": "2026-11-23T10:00:00+00:00",
        "NODE_IMAGE": "r.io/node:24",
    }
    assert image["buildOnPreview"] is False
    url = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-dev"
    assert image["imageName"] == (f"{url}:abc" if creates else COMPUTED)
    assert program.outputs["image"].startswith(f"{url}@sha256:") if creates else True


def test_image_built_for_another_registry_uses_the_docker_login() -> None:
    settings = ImageSettings(app_path="portal", tag="abc", repository="ghcr.io/shop/portal")
    program = run(lambda opts: Image("i", ImageArgs(settings, "n", None), opts), creates=False)
    image = program.inputs("docker:index/image:Image")
    assert image["imageName"] == "ghcr.io/shop/portal:abc"
    assert "registry" not in image


# Database


@MODES
@pytest.mark.parametrize(
    ("subnets", "message"),
    [
        (["subnet-0aaaaaaaaaaaaaaa1"], "the 1 private subnets of cluster shop lie in us-east-1a"),
        (["subnet-0ddddddddddddddd4", "subnet-0eeeeeeeeeeeeeee5"], "0 private subnets"),
        (["subnet-0aaaaaaaaaaaaaaa1", "subnet-0ddddddddddddddd4"], "1 private subnets"),
    ],
)
def test_aurora_refuses_a_single_zone(creates: bool, subnets: list[str], message: str) -> None:
    def build(opts: ResourceOptions) -> None:
        cluster = dataclasses.replace(facts(), subnet_ids=Output.from_input(subnets))
        AuroraNetwork("n", AuroraNetworkArgs(cluster, DatabaseSettings()), opts)

    with pytest.raises(PreviewError, match=message):
        run(build, creates)


@MODES
def test_aurora(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        args = AuroraPostgresArgs(DatabaseSettings(instances=3), "shop-prod", facts(), "PEM")
        database = AuroraPostgres("d", args, opts)
        pulumi.export("host", database.connection.host)
        pulumi.export("port", database.connection.port)
        pulumi.export("password", database.connection.password)
        pulumi.export("networks", database.connection.networks)

    program = run(build, creates)
    host = "shop-prod-1.cluster-standin.us-east-1.rds.amazonaws.com" if creates else COMPUTED
    assert program.outputs == {
        "host": host,
        "port": 5432,
        "password": SECRET,
        "networks": ["10.0.0.0/19", "10.0.32.0/19"],
    }
    password = program.inputs("random:index/randomPassword:RandomPassword")
    assert password["special"] is False
    assert 8 <= password["length"] <= 41
    instances = program.all("aws:rds/clusterInstance:ClusterInstance")
    assert len(instances) == 3
    for reader in sorted(instances, key=lambda each: each.name)[1:]:
        assert any(urn.endswith("d-1-instance-0") for urn in reader.dependencies)
    trust = statement(
        program.inputs("aws:iam/role:Role")["assumeRolePolicy"],
    )
    assert trust["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}


# Roles


@MODES
def test_pod_identity_role(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        role = PodRole("r", PodRoleArgs(facts(), "pod-identity", "ns", "sa", "d"), opts)
        assert role.service_account_annotations == {}

    program = run(build, creates)
    trust = statement(program.inputs("aws:iam/role:Role")["assumeRolePolicy"])
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert trust["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": "shop",
        "aws:RequestTag/kubernetes-namespace": "ns",
        "aws:RequestTag/kubernetes-service-account": "sa",
    }
    association = program.inputs("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert (association["namespace"], association["serviceAccount"]) == ("ns", "sa")


@MODES
def test_irsa_role(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        role = PodRole("r", PodRoleArgs(facts(), "irsa", "ns", "sa", "d"), opts)
        assert list(role.service_account_annotations) == ["eks.amazonaws.com/role-arn"]

    program = run(build, creates)
    trust = statement(program.inputs("aws:iam/role:Role")["assumeRolePolicy"])
    issuer = ISSUER.removeprefix("https://")
    assert trust["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}")
    assert trust["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert trust["Condition"]["StringEquals"] == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": "system:serviceaccount:ns:sa",
    }
    assert program.all("aws:eks/podIdentityAssociation:PodIdentityAssociation") == []


# Load balancer controller


def test_controller_policy_is_the_controllers_own() -> None:
    text = policy_document("aws-cn", "cn-north-1", "210987654321", "vpc-shop")
    assert len(text) <= 6144  # what a managed policy holds
    statements = json.loads(text)["Statement"]
    assert len(statements) == 16
    actions = [action for each in statements for action in each["Action"]]
    assert len(actions) == 86
    assert len(set(actions)) == 80
    assert not [action for action in actions if "*" in action]
    assert "arn:aws:" not in text  # every ARN in the cluster's own partition
    scoped = [each for each in statements if "ArnEquals" in each.get("Condition", {})]
    assert [each["Condition"]["ArnEquals"] for each in scoped] == [
        {"ec2:Vpc": "arn:aws-cn:ec2:cn-north-1:210987654321:vpc/vpc-shop"}
    ]
    assert scoped[0]["Action"] == [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
    ]


@MODES
def test_controller_with_its_chart(creates: bool) -> None:
    settings = IngressSettings(controller="irsa", install_controller=True)
    program = run(
        lambda opts: LoadBalancerController(
            "l", LoadBalancerControllerArgs(facts(), settings), opts
        ),
        creates,
    )
    release = program.one("kubernetes:helm.sh/v3:Release")
    assert release.inputs["version"] == "3.5.0"
    assert release.inputs["atomic"] is True
    values = release.inputs["values"]
    assert values["clusterName"] == "shop"
    assert values["vpcId"] == "vpc-shop"
    assert values["enableServiceMutatorWebhook"] is False
    assert list(values["serviceAccount"]["annotations"]) == ["eks.amazonaws.com/role-arn"]
    assert any("RolePolicyAttachment" in urn for urn in release.dependencies)
    attached = program.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert len(attached) == 1  # none of the control plane's policies


@MODES
def test_auto_mode_class(creates: bool) -> None:
    settings = IngressSettings(class_name="edge", scheme="internet-facing", controller="auto-mode")
    program = run(
        lambda opts: AutoModeIngressClass("a", AutoModeIngressClassArgs(settings), opts), creates
    )
    found = program.one("kubernetes:networking.k8s.io/v1:IngressClass")
    assert found.inputs["spec"]["parameters"] == {
        "apiGroup": "eks.amazonaws.com",
        "kind": "IngressClassParams",
        "name": "edge",
    }
    assert any("IngressClassParams" in urn for urn in found.dependencies)


# TechDocs


@MODES
def test_techdocs_bucket(creates: bool) -> None:
    program = run(
        lambda opts: TechDocs(
            "t", TechDocsArgs("create", facts(), "pod-identity", "ns", "sa"), opts
        ),
        creates,
    )
    access = program.inputs("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert [value for key, value in access.items() if key != "bucket"] == [True] * 4
    assert program.inputs("aws:s3/bucketVersioning:BucketVersioning")[
        "versioningConfiguration"
    ] == {"status": "Enabled"}
    assert len(program.types() & {
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPolicy:BucketPolicy",
    }) == 3  # fmt: skip
    if creates:
        policy = json.loads(program.inputs("aws:iam/rolePolicy:RolePolicy")["policy"])
        assert [each["Action"] for each in policy["Statement"]] == [
            ["s3:ListBucket"],
            ["s3:GetObject"],
        ]
        refused = statement(program.inputs("aws:s3/bucketPolicy:BucketPolicy")["policy"])
        assert refused["Effect"] == "Deny"
        assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@MODES
def test_techdocs_with_an_existing_bucket_creates_only_the_role(creates: bool) -> None:
    program = run(
        lambda opts: TechDocs("t", TechDocsArgs("docs", facts(), "irsa", "ns", "sa"), opts), creates
    )
    assert not [each for each in program.types() if each.startswith("aws:s3/")]
    policy = json.loads(program.inputs("aws:iam/rolePolicy:RolePolicy")["policy"])
    assert [each["Resource"] for each in policy["Statement"]] == [
        "arn:aws:s3:::docs",
        "arn:aws:s3:::docs/*",
    ]


# Portal


@MODES
def test_portal(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        further = PortalSettings(secret_env={"TOKEN": Output.secret("canary")})
        settings = dataclasses.replace(SETTINGS, port=8080, namespace="ns", portal=further)
        portal = Portal("p", PortalArgs(settings, connection(), "sa", {}, "gate"), opts)
        for field in dataclasses.fields(portal.objects):
            pulumi.export(field.name, getattr(portal.objects, field.name))

    program = run(build, creates)
    # Generated names are unknown until created; fixed ones are not.
    assert program.outputs == {
        "namespace": "ns",
        "service": "backstage",
        "service_account": "sa",
        "secret": "p-secrets" if creates else COMPUTED,
        "app_config": "p-app-config" if creates else COMPUTED,
        "database_ca": "p-database-ca" if creates else COMPUTED,
    }
    for type_ in ("kubernetes:core/v1:Secret", "kubernetes:core/v1:ConfigMap"):
        for each in program.all(type_):
            assert "name" not in each.inputs["metadata"]
    secret = program.one("kubernetes:core/v1:Secret")
    assert secret.inputs["stringData"] == SECRET
    assert set(secret.raw_inputs["stringData"]["value"]) >= (
        {"POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD", "AUTH_SESSION_SECRET", "TOKEN"}
        if creates
        else set()
    )
    service = program.inputs("kubernetes:core/v1:Service")
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert service["spec"]["type"] == "ClusterIP"
    assert service["spec"]["ports"][0]["port"] == service["spec"]["ports"][0]["targetPort"] == 8080
    assert service["spec"]["selector"] == {
        "app": "backstage",
        "backstage.io/kubernetes-id": "backstage-app",
    }


@MODES
@pytest.mark.parametrize("plugin", [True, False])
def test_service_account(creates: bool, plugin: bool) -> None:
    args = PortalServiceAccountArgs("ns", "sa", {"a": "b"}, kubernetes_plugin=plugin)
    program = run(lambda opts: PortalServiceAccount("s", args, opts), creates)
    account = program.inputs("kubernetes:core/v1:ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert account["metadata"]["annotations"] == {"a": "b"}
    bindings = program.all("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")
    assert len(bindings) == plugin
    for binding in bindings:
        assert binding.inputs["subjects"] == [
            {"kind": "ServiceAccount", "name": "sa", "namespace": "ns"}
        ]


@MODES
def test_network_policy(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        args = PortalNetworkPolicyArgs(SETTINGS, "ns", facts().vpc_cidrs, connection())
        PortalNetworkPolicy("n", args, opts)

    program = run(build, creates)
    spec = program.inputs("kubernetes:networking.k8s.io/v1:NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"][0]["from"] == [{"ipBlock": {"cidr": "10.8.0.0/16"}}]
    assert spec["egress"][1] == {
        "ports": [{"port": 5433, "protocol": "TCP"}],
        "to": [{"ipBlock": {"cidr": "10.8.1.0/24"}}],
    }


@MODES
@pytest.mark.parametrize(("replicas", "most"), [(1, None), (2, 2), (2, 5)])
def test_deployment_and_autoscaler(creates: bool, replicas: int, most: int | None) -> None:
    portal = PortalSettings(replicas=replicas, max_replicas=most)

    def build(opts: ResourceOptions) -> None:
        pod = PodArgs(
            settings=dataclasses.replace(SETTINGS, portal=portal),
            image="r.io/p:abc",
            pull_policy="Always",
            objects=objects(),
            database_port=5433,
            techdocs_bucket=None,
        )
        PortalDeployment("d", PortalDeploymentArgs(portal, "ns", pod, after=[]), opts)

    program = run(build, creates)
    deployment = program.one("kubernetes:apps/v1:Deployment")
    # Never left out: a Deployment that loses the field drops to one pod.
    assert deployment.inputs["spec"]["replicas"] == replicas
    scaled = most == 5
    assert deployment.ignore_changes == (["spec.replicas"] if scaled else [])
    assert deployment.inputs["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"
    scalers = program.all("kubernetes:autoscaling/v2:HorizontalPodAutoscaler")
    assert len(scalers) == scaled
    for scaler in scalers:
        assert (scaler.inputs["spec"]["minReplicas"], scaler.inputs["spec"]["maxReplicas"]) == (
            replicas,
            most,
        )
        assert (
            scaler.inputs["spec"]["scaleTargetRef"]["name"]
            == (deployment.inputs["metadata"]["name"])
        )
    budget = program.inputs("kubernetes:policy/v1:PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    pod_labels = deployment.inputs["spec"]["template"]["metadata"]["labels"]
    for selector in (budget["selector"], deployment.inputs["spec"]["selector"]):
        assert selector["matchLabels"].items() <= pod_labels.items()


# Ingress


@MODES
def test_certificate_is_used_once_it_is_issued(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        certificate = Certificate("c", CertificateArgs(HOST, "Z1"), opts)
        pulumi.export("arn", certificate.arn)

    program = run(build, creates)
    record = program.inputs("aws:route53/record:Record")
    assert record["zoneId"] == "Z1"
    assert record["type"] == ("CNAME" if creates else COMPUTED)
    issued = program.one("aws:acm/certificateValidation:CertificateValidation")
    assert any("record:Record" in urn for urn in issued.dependencies)
    assert program.inputs("aws:acm/certificate:Certificate")["domainName"] == HOST


@MODES
def test_ingress_in_a_hosted_zone(creates: bool) -> None:
    settings = dataclasses.replace(
        SETTINGS, ingress=IngressSettings(hosted_zone_name="example.com")
    )

    def build(opts: ResourceOptions) -> None:
        args = PortalIngressArgs(settings, objects(), {"team": "x"}, after=[])
        PortalIngress("i", args, opts)

    program = run(build, creates)
    ingress = program.one("kubernetes:networking.k8s.io/v1:Ingress")
    assert any("CertificateValidation" in urn for urn in ingress.dependencies)
    backend = ingress.inputs["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "the-service", "port": {"number": 7007}}
    alias = program.one("aws:route53/record:Record", "i-alias")
    assert alias.inputs["name"] == HOST
    assert any("Ingress" in urn for urn in alias.property_dependencies["aliases"])
    assert alias.inputs["aliases"] == COMPUTED or (
        alias.inputs["aliases"][0]["evaluateTargetHealth"] is True
    )
