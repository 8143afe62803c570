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

from components import peers
from components.aurora import AuroraPostgres, AuroraPostgresArgs
from components.aurora_network import AuroraNetwork, AuroraNetworkArgs
from components.auto_mode import AutoModeIngressClass, AutoModeIngressClassArgs
from components.certificate import Certificate, CertificateArgs
from components.cluster import Cluster, ClusterArgs, ClusterFacts
from components.database import DatabaseConnection, Login
from components.database_role import DatabaseRole, DatabaseRoleArgs
from components.deployment import PortalDeployment, PortalDeploymentArgs
from components.image import Image, ImageArgs
from components.ingress import PortalIngress, PortalIngressArgs
from components.labels import SELECTOR
from components.load_balancer_controller import (
    LoadBalancerController,
    LoadBalancerControllerArgs,
    policy_document,
)
from components.local_cluster import LocalCluster, LocalClusterArgs
from components.migrations import Migrations, MigrationsArgs
from components.namespace import PortalNamespace, PortalNamespaceArgs
from components.network_policy import PortalNetworkPolicy, PortalNetworkPolicyArgs
from components.plain_ingress import PlainIngress, PlainIngressArgs
from components.pod import PodArgs
from components.pod_role import PodRole, PodRoleArgs
from components.portal import NO_CA, Portal, PortalArgs, PortalObjects
from components.postgres import Postgres, PostgresArgs
from components.service_account import PortalServiceAccount, PortalServiceAccountArgs
from components.techdocs import TechDocs, TechDocsArgs
from settings import (
    EPHEMERAL,
    IN_CLUSTER_CONNECTIONS,
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


def connection(tls: bool = True) -> DatabaseConnection:
    """A database that nobody created."""
    roots = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
    return DatabaseConnection(
        host=Output.from_input("db.example.com"),
        port=Output.from_input(5433),
        login=Login("portal", Output.secret("hunter2")),
        administrator=Login("master", Output.secret("hunter3")),
        ca_certificates=roots if tls else None,
        peers=peers.networks(["10.8.1.0/24"]),
    )


def objects() -> PortalObjects:
    """Names of a portal's objects."""
    names = (
        "namespace",
        "service",
        "service_account",
        "secret",
        "app_config",
        "database_ca",
        "scripts",
    )
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
    assert image["skipPush"] is False
    url = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-dev"
    assert image["imageName"] == (f"{url}:abc" if creates else COMPUTED)
    assert program.outputs["image"].startswith(f"{url}@sha256:") if creates else True


def test_image_built_for_another_registry_uses_the_docker_login() -> None:
    settings = ImageSettings(app_path="portal", tag="abc", repository="ghcr.io/shop/portal")
    program = run(lambda opts: Image("i", ImageArgs(settings, "n", None), opts), creates=False)
    image = program.inputs("docker:index/image:Image")
    assert image["imageName"] == "ghcr.io/shop/portal:abc"
    assert "registry" not in image

    assert image["skipPush"] is False


ECR = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/portal"


@MODES
@pytest.mark.parametrize("repository", [None, "ghcr.io/shop/portal", ECR])
def test_image_built_without_aws(creates: bool, repository: str | None) -> None:
    """Without a repository it stays in the Docker engine, under its tag."""

    def build(opts: ResourceOptions) -> None:
        settings = ImageSettings(app_path="portal", tag="abc", repository=repository)
        image = Image("i", ImageArgs(settings, "shop-local", None, uses_aws=False), opts)
        pulumi.export("image", image.reference)
        assert image.pull_policy == "IfNotPresent"
        assert image.repository_url is None

    program = run(build, creates)
    image = program.inputs("docker:index/image:Image")
    name = f"{repository or 'shop-local'}:abc"
    assert image["imageName"] == name
    assert image["skipPush"] is (repository is None)
    assert "registry" not in image
    assert not [each for each in program.types() if each.startswith("aws:")]
    if repository is None:
        assert program.outputs == {"image": name}
    elif creates:
        assert program.outputs["image"].startswith(f"{repository}@sha256:")


@pytest.mark.parametrize("repository", ["portal", ECR])
def test_image_pulled_without_aws(repository: str) -> None:
    def build(opts: ResourceOptions) -> None:
        settings = ImageSettings(repository=repository, tag="abc")
        image = Image("i", ImageArgs(settings, "n", None, uses_aws=False), opts)
        pulumi.export("image", image.reference)
        assert image.pull_policy == "IfNotPresent"  # it may have been loaded into the nodes

    program = run(build, creates=False)
    assert program.outputs == {"image": f"{repository}:abc"}
    assert not [each for each in program.types() if each.startswith(("aws:", "docker:"))]


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
        pulumi.export("master", database.connection.administrator.user)
        pulumi.export("master_password", database.connection.administrator.password)
        pulumi.export("user", database.connection.login.user)
        pulumi.export("password", database.connection.login.password)
        pulumi.export("tls", database.connection.ca_certificates)
        pulumi.export("peers", database.connection.peers)

    program = run(build, creates)
    host = "shop-prod-1.cluster-standin.us-east-1.rds.amazonaws.com" if creates else COMPUTED
    assert program.outputs == {
        "host": host,
        "port": 5432,
        "master": "backstageadmin",
        "master_password": SECRET,
        "user": "backstage",
        "password": SECRET,
        "tls": "PEM",
        "peers": [{"ip_block": {"cidr": cidr}} for cidr in ("10.0.0.0/19", "10.0.32.0/19")],
    }
    passwords = program.all("random:index/randomPassword:RandomPassword")
    assert {each.name for each in passwords} == {"d-password", "d-role-password"}
    for password in passwords:
        assert password.inputs["special"] is False
        assert 8 <= password.inputs["length"] <= 41
    for secret, user in (
        ("d-postgres-password", "backstageadmin"),
        ("d-postgres-role", "backstage"),
    ):
        program.one("aws:secretsmanager/secret:Secret", secret)
        version = program.one("aws:secretsmanager/secretVersion:SecretVersion", f"{secret}-version")
        assert version.inputs["secretString"] == SECRET
        if creates:
            assert json.loads(version.raw_inputs["secretString"]["value"]) == {
                "engine": "postgres",
                "host": host,
                "port": 5432,
                "dbname": "backstage",
                "username": user,
                "password": "offline-preview",
            }
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
    settings = IngressSettings(
        given_class_name="edge", scheme="internet-facing", controller="auto-mode"
    )
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
        args = PortalArgs(settings, Output.from_input("ns"), connection(), "sa", {})
        portal = Portal("p", args, opts)
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
        "scripts": "p-scripts" if creates else COMPUTED,
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
    if creates:  # the administrator's login isn't the portal's
        values = secret.raw_inputs["stringData"]["value"]
        assert (values["POSTGRES_USER"], values["POSTGRES_PASSWORD"]) == ("portal", "hunter2")
        assert not {"master", "hunter3"} & set(values.values())
    service = program.inputs("kubernetes:core/v1:Service")
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert service["spec"]["type"] == "ClusterIP"
    assert service["spec"]["ports"][0]["port"] == service["spec"]["ports"][0]["targetPort"] == 8080
    assert service["spec"]["selector"] == {
        "app": "backstage",
        "backstage.io/kubernetes-id": "backstage-app",
    }


def test_portal_of_a_database_without_tls() -> None:
    def build(opts: ResourceOptions) -> None:
        plain = connection(tls=False)
        Portal("p", PortalArgs(SETTINGS, Output.from_input("ns"), plain, "sa", {}), opts)

    program = run(build, creates=False)
    data = program.inputs("kubernetes:core/v1:ConfigMap", "p-database-ca")["data"]
    assert data == {"ca.pem": NO_CA}
    assert "BEGIN CERTIFICATE" not in NO_CA


@MODES
def test_namespace(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        namespace = PortalNamespace("n", PortalNamespaceArgs("ns", {"gate": "on"}), opts)
        pulumi.export("name", namespace.name)

    program = run(build, creates)
    assert program.outputs == {"name": "ns"}
    metadata = program.inputs("kubernetes:core/v1:Namespace")["metadata"]
    assert metadata["name"] == "ns"
    assert metadata["labels"] == {
        "app.kubernetes.io/managed-by": "pulumi",
        "app.kubernetes.io/part-of": "backstage",
        "gate": "on",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
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


POD_IDENTITY = {
    "ports": [{"port": 80, "protocol": "TCP"}],
    "to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}],
}


@MODES
@pytest.mark.parametrize("target", ["eks", "local"])
def test_network_policy(creates: bool, target: str) -> None:
    def build(opts: ResourceOptions) -> None:
        settings = dataclasses.replace(SETTINGS, target=target)
        sources = facts().vpc_cidrs.apply(peers.networks)
        args = PortalNetworkPolicyArgs(settings, "ns", sources, connection())
        PortalNetworkPolicy("n", args, opts)

    program = run(build, creates)
    spec = program.inputs("kubernetes:networking.k8s.io/v1:NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["podSelector"] == {"matchLabels": SELECTOR}
    assert spec["ingress"][0]["from"] == [{"ipBlock": {"cidr": "10.8.0.0/16"}}]
    assert spec["egress"][1] == {
        "ports": [{"port": 5433, "protocol": "TCP"}],
        "to": [{"ipBlock": {"cidr": "10.8.1.0/24"}}],
    }
    api_server = {"ports": [{"port": port, "protocol": "TCP"} for port in (6443, 8443)]}
    assert spec["egress"][2:] == [POD_IDENTITY if target == "eks" else api_server]


def test_peers_of_a_policy() -> None:
    def build(opts: ResourceOptions) -> None:
        pulumi.export("pods", peers.pods({"a": "b"}))
        pulumi.export("any", peers.any_pod())
        pulumi.export("networks", peers.networks(["10.0.0.0/8", "192.168.0.0/16"]))

    assert run(build, creates=False).outputs == {
        "pods": [{"pod_selector": {"match_labels": {"a": "b"}}}],
        "any": [{"namespace_selector": {}}],
        "networks": [
            {"ip_block": {"cidr": "10.0.0.0/8"}},
            {"ip_block": {"cidr": "192.168.0.0/16"}},
        ],
    }


def pod(settings: Settings = SETTINGS, database: DatabaseConnection | None = None) -> PodArgs:
    """A pod of an image that nobody built."""
    return PodArgs(
        settings=settings,
        image="r.io/p:abc",
        pull_policy="Always",
        objects=objects(),
        database=database or connection(),
        techdocs_bucket=None,
    )


@MODES
@pytest.mark.parametrize(("replicas", "most"), [(1, None), (2, 2), (2, 5)])
def test_deployment_and_autoscaler(creates: bool, replicas: int, most: int | None) -> None:
    portal = PortalSettings(replicas=replicas, max_replicas=most)

    def build(opts: ResourceOptions) -> None:
        settings = dataclasses.replace(SETTINGS, portal=portal)
        PortalDeployment("d", PortalDeploymentArgs(portal, "ns", pod(settings), after=[]), opts)

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


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("migration_job", [True, False])
def test_variables_that_depend_on_the_database(tls: bool, migration_job: bool) -> None:
    portal = PortalSettings(migration_job=migration_job)

    def build(opts: ResourceOptions) -> None:
        args = pod(dataclasses.replace(SETTINGS, portal=portal), connection(tls))
        PortalDeployment("d", PortalDeploymentArgs(portal, "ns", args, after=[]), opts)

    program = run(build, creates=True)
    template = program.inputs("kubernetes:apps/v1:Deployment")["spec"]["template"]
    variables = {each["name"]: each["value"] for each in template["spec"]["containers"][0]["env"]}
    assert variables.get("APP_CONFIG_backend_database_connection_ssl") == (None if tls else "false")
    assert variables.get("APP_CONFIG_backend_database_skipMigrations") == (
        "true" if migration_job else None
    )


# Jobs


@MODES
@pytest.mark.parametrize("tls", [True, False])
def test_database_role(creates: bool, tls: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        DatabaseRole("r", DatabaseRoleArgs(pod(database=connection(tls))), opts)

    program = run(build, creates)
    secret = program.one("kubernetes:core/v1:Secret", "r-database-administrator")
    assert secret.inputs["stringData"] == SECRET
    assert "name" not in secret.inputs["metadata"]
    assert secret.raw_inputs["stringData"]["value"] == {
        "PGHOST": "db.example.com",
        "PGUSER": "master",
        "PGPASSWORD": "hunter3",
        "ROLE_NAME": "portal",
        "ROLE_PASSWORD": "hunter2",
    }
    job = program.one("kubernetes:batch/v1:Job", "r-database-role")
    assert "hunter" not in json.dumps(job.raw_inputs)
    if not creates:
        return
    found = job.inputs["spec"]["template"]["spec"]["containers"][0]
    assert found["envFrom"] == [{"secretRef": {"name": "r-database-administrator"}}]
    assert {each["name"]: each["value"] for each in found["env"]} == {
        "PGPORT": "5433",
        "PGDATABASE": "backstage",
        **({"PGSSLROOTCERT": "/etc/backstage/database-ca/ca.pem"} if tls else {}),
    }


@MODES
def test_migrations_wait_for_what_they_are_told(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        role = DatabaseRole("r", DatabaseRoleArgs(pod()), opts)
        Migrations("m", MigrationsArgs(pod(), after=[role.job]), opts)

    program = run(build, creates)
    migrations = program.one("kubernetes:batch/v1:Job", "m-migrations")
    assert program.one("kubernetes:batch/v1:Job", "r-database-role").urn in migrations.dependencies
    found = migrations.inputs["spec"]["template"]["spec"]["containers"][0]
    assert found["envFrom"] == [{"secretRef": {"name": "the-secret"}}]


# Postgres in the cluster


@MODES
@pytest.mark.parametrize("size", ["20Gi", EPHEMERAL])
def test_postgres(creates: bool, size: str) -> None:
    settings = DatabaseSettings(engine_version="16", storage_size=size, password_version=4)

    def build(opts: ResourceOptions) -> None:
        args = PostgresArgs(settings, Output.from_input("ns"))
        connection = Postgres("p", args, opts).connection
        pulumi.export("host", connection.host)
        pulumi.export("port", connection.port)
        pulumi.export("user", connection.login.user)
        pulumi.export("password", connection.login.password)
        pulumi.export("administrator", connection.administrator.user)
        pulumi.export("administrators_password", connection.administrator.password)
        pulumi.export("peers", connection.peers)
        assert connection.ca_certificates is None

    program = run(build, creates)
    stateful_set = program.one("kubernetes:apps/v1:StatefulSet")
    template = stateful_set.inputs["spec"]["template"]
    service = program.one("kubernetes:core/v1:Service")
    assert program.outputs == {
        "host": "postgres.ns.svc",
        "port": 5432,
        "user": "backstage",
        "password": SECRET,
        "administrator": "postgres",
        "administrators_password": SECRET,
        "peers": [{"pod_selector": {"match_labels": {"app.kubernetes.io/name": "postgres"}}}],
    }
    assert not {each.split(":")[0] for each in program.types()} & {"aws", "docker"}

    # The image reads its own password once; the role's is changed by the role's Job.
    versions = {
        each.name: each.inputs["keepers"]
        for each in program.all("random:index/randomPassword:RandomPassword")
    }
    assert versions == {"p-password": {"version": "1"}, "p-role-password": {"version": "4"}}
    secret = program.one("kubernetes:core/v1:Secret")
    assert secret.inputs["stringData"] == SECRET

    assert stateful_set.inputs["spec"]["replicas"] == 1
    assert stateful_set.inputs["spec"]["serviceName"] == service.inputs["metadata"]["name"]
    for selector in (
        service.inputs["spec"]["selector"],
        stateful_set.inputs["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= template["metadata"]["labels"].items()
    assert not set(SELECTOR) & set(template["metadata"]["labels"])
    [found] = template["spec"]["containers"]
    assert found["image"] == "postgres:16"
    assert found["args"] == ["postgres", "-c", f"max_connections={IN_CLUSTER_CONNECTIONS}"]
    assert {each["name"]: each["value"] for each in found["env"]} == {
        "POSTGRES_DB": "backstage",
        "PGDATA": "/var/lib/postgresql/data/pgdata",
    }
    if creates:
        assert found["envFrom"] == [{"secretRef": {"name": "p-postgres"}}]
        assert set(secret.raw_inputs["stringData"]["value"]) == {"POSTGRES_PASSWORD"}
    for probe in ("startupProbe", "readinessProbe"):
        assert found[probe]["exec"]["command"][0] == "pg_isready"


@MODES
@pytest.mark.parametrize("size", ["20Gi", EPHEMERAL])
def test_postgres_keeps_its_data_where_it_is_told(creates: bool, size: str) -> None:
    def build(opts: ResourceOptions) -> None:
        settings = DatabaseSettings(storage_size=size)
        Postgres("p", PostgresArgs(settings, Output.from_input("ns")), opts)

    program = run(build, creates)
    spec = program.inputs("kubernetes:apps/v1:StatefulSet")["spec"]
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
    else:
        assert set(temporary) == {"run", "tmp"}
        [claim] = spec["volumeClaimTemplates"]
        assert claim["metadata"]["name"] == "data"
        assert claim["spec"] == {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
        }


@MODES
def test_the_host_in_the_cluster_waits_for_the_server(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        args = PostgresArgs(DatabaseSettings(), Output.from_input("ns"))
        database = Postgres("p", args, opts).connection
        DatabaseRole("r", DatabaseRoleArgs(pod(database=database)), opts)

    program = run(build, creates)
    secret = program.one("kubernetes:core/v1:Secret", "r-database-administrator")
    server = program.one("kubernetes:apps/v1:StatefulSet")
    assert server.urn in secret.property_dependencies["stringData"]


# The local cluster


@pytest.mark.parametrize("context", [None, "kind portal"])
def test_local_cluster(context: str | None) -> None:
    def build() -> None:
        cluster = LocalCluster("c", LocalClusterArgs(context))
        pulumi.export("command", cluster.port_forward_command("ns", "portal", 8080))

    program = built(build, creates=False)
    provider = program.inputs("pulumi:providers:kubernetes")
    assert provider.get("context") == context
    assert provider["clusterIdentifier"] == f"local/{context or 'current'}"
    assert provider["enableServerSideApply"] == "true"
    assert not {"kubeconfig", "cluster"} & set(provider)
    given = " --context 'kind portal'" if context else ""
    assert program.outputs["command"] == (
        f"kubectl{given} --namespace ns port-forward service/portal 8080"
    )


# Ingress


@MODES
@pytest.mark.parametrize("host", [HOST, ""])
def test_plain_ingress(creates: bool, host: str) -> None:
    settings = dataclasses.replace(
        SETTINGS, target="local", host=host, ingress=IngressSettings(given_class_name="nginx")
    )
    program = run(
        lambda opts: PlainIngress("i", PlainIngressArgs(settings, objects()), opts), creates
    )
    found = program.inputs("kubernetes:networking.k8s.io/v1:Ingress")
    assert found["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert found["spec"]["ingressClassName"] == "nginx"
    assert "tls" not in found["spec"]
    [rule] = found["spec"]["rules"]
    assert rule.get("host") == (host or None)
    [path] = rule["http"]["paths"]
    assert path["path"] == "/"
    assert path["backend"]["service"] == {"name": "the-service", "port": {"number": 7007}}


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
