"""The configuration model: every key, its default and what is allowed.

A key is declared here and nowhere else; the README's table is checked against these declarations.
`settings_rules.py` holds the rules between keys, `configuration.load()` reads and checks it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from backstage_app import BackstageApp
from mounted_files import AppConfig, CaBundle
from settings_reader import (
    Choice,
    Cidr,
    Flag,
    Integer,
    ListOf,
    MapOf,
    ObjectList,
    SecretMap,
    Steps,
    Text,
    setting,
)

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123 label
NAME = Text(LABEL, "an RFC 1123 label: a-z, 0-9 and '-', at most 63 characters", "backstage")


def dns_name(example: str) -> Text:
    """A lower-case DNS name of two labels at least."""
    pattern = rf"({LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"
    allowed = "a lower-case DNS name without scheme, port or path"
    return Text(pattern, allowed, example, limit=253)


PATH = Text(r"[^\x00]+", "a path, relative to the project's folder", "portal")
# A name that a shell, Node and a Secret's key all accept; Backstage's own APP_CONFIG_a_b-c
# overrides need the hyphen.
VARIABLE = Text(
    r"[A-Za-z_][A-Za-z0-9_]*|APP_CONFIG_[A-Za-z0-9_:-]+",
    "letters, digits and '_', not starting with a digit",
    "LOG_LEVEL",
    limit=253,
)
VARIABLE_VALUE = Text(r"(?s).*", "plain text", "value", limit=65536)
BUCKET = r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
REPOSITORY = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
SECURITY_GROUP = Text(r"sg-[0-9a-f]{8,17}", "a security group id", "sg-0123456789abcdef0")
SUBNET = Text(r"subnet-[0-9a-f]{8,17}", "a subnet id", "subnet-0123456789abcdef0")
CPU = Text(r"[1-9]\d{0,5}m|[1-9]\d{0,2}(\.\d)?", "CPU such as 250m or 1", "250m")
MEMORY = Text(r"[1-9]\d{0,6}(Mi|Gi)", "memory such as 512Mi or 1Gi", "1Gi")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
BACKUP_WINDOW = Text(rf"{CLOCK}-{CLOCK}", "hh:mm-hh:mm in UTC", "07:00-09:00")
MAINTENANCE_WINDOW = Text(
    rf"({'|'.join(DAYS)}):{CLOCK}-({'|'.join(DAYS)}):{CLOCK}",
    "ddd:hh:mm-ddd:hh:mm in UTC",
    "sun:09:30-sun:10:30",
)


EPHEMERAL = "ephemeral"
IN_CLUSTER_CONNECTIONS = 300  # max_connections of Postgres in the cluster
SHIPPED_PLUGINS = 13  # the schemas that portal/ makes, as the end-to-end test counts them


@dataclass(frozen=True)
class AwsSettings:
    """`aws:*`, handed by hand to the explicit provider and to `aws eks get-token`."""

    region: str = setting(
        "aws:region",
        Text(r"[a-z]{2}(-[a-z]+)+-\d", "an AWS region", "us-east-1"),
        "region of the cluster and of everything that is created",
        default="",
        shown_default="required on eks",
        target="eks",
    )
    profile: str | None = setting(
        "aws:profile",
        Text(r"[^\x00-\x1f]+", "the name of a profile", "platform"),
        "profile of the shared AWS configuration; also for `aws eks get-token`",
        target="eks",
    )
    assume_roles: tuple[dict[str, Any], ...] = setting(
        "aws:assumeRoles",
        ObjectList(
            aws.ProviderAssumeRoleArgs,
            ("roleArn",),
            '[{"roleArn": "arn:aws:iam::123456789012:role/deploy"}]',
        ),
        "roles to assume, in order; `aws eks get-token` assumes the last",
        default=(),
        target="eks",
    )
    allowed_account_ids: tuple[str, ...] = setting(
        "aws:allowedAccountIds",
        ListOf(Text(r"\d{12}", "an account id of 12 digits", "123456789012")),
        "the only accounts that this stack may touch",
        default=(),
        target="eks",
    )
    endpoints: tuple[dict[str, Any], ...] = setting(
        "aws:endpoints",
        ObjectList(aws.ProviderEndpointArgs, (), '[{"rds": "https://rds.example.com"}]'),
        "service endpoints other than AWS's own",
        default=(),
        target="eks",
    )
    skip_credentials_validation: bool | None = setting(
        "aws:skipCredentialsValidation",
        Flag(),
        "for endpoints without STS",
        target="eks",
    )
    skip_requesting_account_id: bool | None = setting(
        "aws:skipRequestingAccountId",
        Flag(),
        "for endpoints without IAM and STS",
        target="eks",
    )
    skip_metadata_api_check: bool | None = setting(
        "aws:skipMetadataApiCheck",
        Flag(),
        "don't ask the instance metadata service",
        target="eks",
    )
    s3_use_path_style: bool | None = setting(
        "aws:s3UsePathStyle",
        Flag(),
        "for endpoints without virtual-hosted buckets",
        target="eks",
    )


@dataclass(frozen=True)
class ImageSettings:
    """Where the portal's image comes from: built here, or pulled."""

    app_path: str | None = setting(
        "appPath", PATH, "Backstage app to build and push; unset: nothing of Docker is registered"
    )
    build: str = setting(
        "imageBuild",
        Choice("multi-stage", "host"),
        "which Dockerfile: all in Docker, or around a bundle that was built on the host",
        default="multi-stage",
    )
    target: str = setting(
        "imageTarget",
        Choice("portal", "techdocs"),
        "what is built: the portal, or the portal with mkdocs to generate documentation itself",
        default="portal",
    )
    base: str | None = setting(
        "imageBase",
        Text(
            r"[a-z0-9][a-zA-Z0-9_./:-]*(@sha256:[0-9a-f]{64})?",
            "an image reference, best by digest: Node 22 or 24 on Debian, as the app supports",
            "registry.example.com/node:24-trixie-slim",
            limit=500,
        ),
        "Node image that the portal's is built on",
        shown_default="pinned in image/",
    )
    source: str | None = setting(
        "imageSource",
        Text(r"https://[^\s@]+", "an https URL without credentials", "https://example.com/portal"),
        "address of the source repository, for the image's label",
    )
    repository: str | None = setting(
        "imageRepository",
        Text(
            rf"([a-z0-9.-]+(:\d{{1,5}})?/)?{REPOSITORY}(/{REPOSITORY})*",
            "registry/repository in lower case, without scheme, tag or digest",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/backstage",
            limit=255,
        ),
        "existing repository; unset with appPath: an ECR repository is created (eks), or the image "
        "stays in the Docker engine (local)",
    )
    tag: str | None = setting(
        "imageTag",
        Text(
            r"(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}",
            "an image tag, best the commit SHA; not latest, which means another image each week",
            "5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0",
        ),
        "the commit SHA; required unless imageDigest is given; pulled always, on local if missing",
    )
    digest: str | None = setting(
        "imageDigest",
        Text(r"sha256:[0-9a-f]{64}", "sha256: and 64 hex digits", "sha256:" + "0" * 64),
        "deploy exactly this image; goes before imageTag, excludes appPath",
    )
    platform: str = setting(
        "imagePlatform",
        Choice("linux/amd64", "linux/arm64"),
        "platform that is built for, and the pods' node selector",
        default="linux/amd64",
    )
    pull_secret: str | None = setting(
        "imagePullSecret", NAME, "existing pull secret in the namespace, for other registries"
    )


@dataclass(frozen=True)
class DatabaseSettings:
    """The database. Capacities are Aurora capacity units (ACU), about 2 GiB of memory each."""

    kind: str | None = setting(
        "database",
        Choice("aurora", "in-cluster"),
        "Aurora PostgreSQL (eks) or Postgres in the cluster (local)",
        shown_default="as the target has it",
    )
    engine_version: str = setting(
        "databaseEngineVersion",
        Text(r"(1[4-9]|[2-9]\d)(\.\d{1,2})?", "a major version from 14, or major.minor", "17"),
        "major: minor upgrades are automatic; major.minor: pinned, none is automatic",
        default="17",
    )
    instance_class: str = setting(
        "databaseInstanceClass",
        Text(
            r"db\.(serverless|[a-z][a-z0-9-]*\.[a-z0-9]+)",
            "db.serverless or a class such as db.r7g.large",
            "db.serverless",
        ),
        "instance class of every instance",
        default="db.serverless",
        target="eks",
    )
    instances: int = setting(
        "databaseInstances",
        Integer(1, 16, " (a writer and at most 15 readers)"),
        "writer plus readers; 2 give a failover target in another zone",
        default=1,
        target="eks",
    )
    min_capacity: float = setting(
        "databaseMinCapacity",
        Steps(0, 256, 0.5, "ACU"),
        "lower limit of db.serverless; a running portal never lets it pause",
        default=0.5,
        target="eks",
    )
    max_capacity: float = setting(
        "databaseMaxCapacity",
        Steps(1, 256, 0.5, "ACU"),
        "upper limit of db.serverless, the ceiling of its price",
        default=4.0,
        shown_default="4",
        target="eks",
    )
    subnet_ids: tuple[str, ...] = setting(
        "databaseSubnetIds",
        ListOf(SUBNET, ("subnet-0123456789abcdef0", "subnet-0123456789abcdef1")),
        "subnets of the database, in at least two zones",
        default=(),
        shown_default="the cluster's private subnets",
        target="eks",
    )
    allowed_cidrs: tuple[str, ...] = setting(
        "databaseAllowedCidrs",
        ListOf(Cidr()),
        "networks that may connect, besides the cluster's security group",
        default=(),
        target="eks",
    )
    allowed_security_group_ids: tuple[str, ...] = setting(
        "databaseAllowedSecurityGroupIds",
        ListOf(SECURITY_GROUP),
        "security groups that may connect, besides the cluster's",
        default=(),
        target="eks",
    )
    backup_retention_days: int = setting(
        "databaseBackupRetentionDays",
        Integer(1, 35, " days"),
        "days of backups",
        default=7,
        target="eks",
    )
    backup_window: str = setting(
        "databaseBackupWindow", BACKUP_WINDOW, "daily, UTC, 30 minutes at least",
        default="07:00-09:00",
        target="eks",
    )  # fmt: skip
    maintenance_window: str = setting(
        "databaseMaintenanceWindow", MAINTENANCE_WINDOW,
        "weekly, UTC, 30 minutes at least, apart from the backup window",
        default="sun:09:30-sun:10:30",
        target="eks",
    )  # fmt: skip
    deletion_protection: bool = setting(
        "databaseDeletionProtection",
        Flag(),
        "RDS and Pulumi's `protect` refuse to delete the database",
        default=True,
        target="eks",
    )
    skip_final_snapshot: bool = setting(
        "databaseSkipFinalSnapshot",
        Flag(),
        "delete the database without a last snapshot",
        default=False,
        target="eks",
    )
    generation: int = setting(
        "databaseGeneration",
        Integer(1, 999),
        "part of the database's names; raising it creates a new cluster beside the old, which "
        "then goes; refused while deletion protection is on",
        default=1,
        target="eks",
    )
    protected_generation: int = setting(
        "databaseProtectedGeneration",
        Integer(1, 999),
        "the generation that deletion protection holds; set it to databaseGeneration once the "
        "new cluster serves",
        default=1,
        target="eks",
    )
    snapshot_identifier: str | None = setting(
        "databaseSnapshotIdentifier",
        Text(
            r"[A-Za-z][A-Za-z0-9-]*|arn:aws[a-z-]*:rds:[a-z0-9-]+:\d{12}:cluster-snapshot:\S+",
            "a cluster snapshot's name or ARN",
            "backstage-final-1",
            limit=255,
        ),
        "snapshot that a new generation starts from; read when the cluster is created",
        target="eks",
    )
    image: str | None = setting(
        "databaseImage",
        Text(
            r"[a-z0-9][a-zA-Z0-9_./:-]*(@sha256:[0-9a-f]{64})?",
            "an image reference; PostgreSQL's official image or one made from it",
            "postgres:17",
            limit=500,
        ),
        "image of Postgres in the cluster",
        shown_default="postgres, of databaseEngineVersion",
        target="local",
    )
    storage_size: str = setting(
        "databaseStorageSize",
        Text(
            rf"[1-9]\d{{0,4}}(Mi|Gi|Ti)|{EPHEMERAL}",
            f"a size such as 5Gi, or {EPHEMERAL}: lost with the pod",
            "5Gi",
        ),
        "volume of Postgres in the cluster",
        default="5Gi",
        target="local",
    )
    plugins: int | None = setting(
        "databasePlugins",
        Integer(1, 200),
        "plugins of the backend that keep connections to the database",
        shown_default=f"those of appPath, else {SHIPPED_PLUGINS}",
    )
    password_version: int = setting(
        "databasePasswordVersion",
        Integer(1, 9999),
        "raise it to rotate the password everywhere in one update",
        default=1,
    )
    ca_bundle_path: str | None = setting(
        "databaseCaBundlePath",
        PATH,
        "PEM file with the root certificates of the database",
        shown_default="assets/rds-ca-bundle.pem",
        target="eks",
    )

    @property
    def follows_minor_versions(self) -> bool:
        """Whether AWS's minor upgrades are taken: not where the version names a minor one."""
        return "." not in self.engine_version

    @property
    def max_connections(self) -> int:
        """What Aurora PostgreSQL sets max_connections to, by the memory of the smallest instance.

        With db.serverless it follows the upper limit of capacity, and stays at 2000 where the
        lower limit is under 1 ACU. Source: Aurora User Guide, performance and scaling for Aurora
        serverless; its table (1 ACU 189, 4 823, 8 1669, 16 3360, 5000 at most) is linear.
        """
        if self.instance_class == "db.serverless":
            capacity = self.max_capacity
            most = 2000 if self.min_capacity < 1 else 5000
        else:
            family, size = self.instance_class.split(".")[1:]
            # The smallest of a size: medium and large of the burstable classes have 4 and 8 GiB,
            # large of the others 16 GiB and more; 2 GiB are the memory of one ACU.
            burstable = {"medium": 2.0, "large": 4.0} if family.startswith("t") else {}
            capacity, most = burstable.get(size, 8.0), 5000
        return min(most, int(189 + 211.4 * (capacity - 1)))


@dataclass(frozen=True)
class PortalSettings:
    """The portal's pods."""

    app_config_path: str = setting(
        "appConfigPath",
        PATH,
        "Backstage configuration, mounted from a ConfigMap; each `${VAR}` without default has to "
        "be provided",
        default="assets/app-config.production.yaml",
    )
    secret_env: Mapping[str, pulumi.Output[str]] = setting(
        "secretEnv",
        SecretMap(VARIABLE, VARIABLE_VALUE),
        "further variables from the Secret, such as GITHUB_TOKEN",
        default={},
    )
    env: Mapping[str, str] = setting(
        "env", MapOf(VARIABLE, VARIABLE_VALUE), "further plain variables", default={}
    )
    replicas: int = setting("replicas", Integer(1, 100), "pods, or the least of them", default=1)
    max_replicas: int | None = setting(
        "maxReplicas",
        Integer(1, 100),
        "the most pods; above replicas an autoscaler decides",
        shown_default="replicas",
    )
    cpu_request: str = setting("cpuRequest", CPU, "CPU that a pod reserves", default="250m")
    memory_request: str = setting(
        "memoryRequest", MEMORY, "memory that a pod reserves", default="1Gi"
    )
    memory_limit: str = setting(
        "memoryLimit", MEMORY, "memory at which a pod is killed; the heap is 75 % of it",
        default="1Gi",
    )  # fmt: skip
    migration_job: bool = setting(
        "migrationJob",
        Flag(),
        "a Job migrates the database before the pods are replaced; false: pods do as they start",
        default=True,
    )
    metrics: bool = setting(
        "metrics",
        Flag(),
        "the image serves OpenTelemetry metrics at :9464/metrics; open that port to the cluster",
        default=True,
    )
    network_policy: bool = setting(
        "networkPolicy", Flag(), "a NetworkPolicy around the pods", default=True
    )
    egress_ports: tuple[int, ...] = setting(
        "egressPorts",
        ListOf(Integer(1, 65535)),
        "further TCP ports that pods may connect to, besides DNS, the database and 443",
        default=(),
    )
    kubernetes_plugin: bool = setting(
        "kubernetesPlugin",
        Flag(),
        "read access to workloads for Backstage's Kubernetes plugin",
        default=True,
    )
    techdocs_bucket: str | None = setting(
        "techdocsBucket",
        Text(BUCKET, "create, or the name of an S3 bucket", "create"),
        "S3 bucket of the documentation site: `create`, an existing one, or none",
        target="eks",
    )

    @property
    def autoscaled(self) -> bool:
        """Whether an autoscaler decides how many pods run."""
        return self.most_replicas > self.replicas

    @property
    def most_replicas(self) -> int:
        """Upper limit of pods."""
        return self.max_replicas or self.replicas

    @property
    def memory_request_mebibytes(self) -> int:
        """`memory_request` in MiB."""
        return _mebibytes(self.memory_request)

    @property
    def memory_limit_mebibytes(self) -> int:
        """`memory_limit` in MiB."""
        return _mebibytes(self.memory_limit)


def _mebibytes(quantity: str) -> int:
    return int(quantity[:-2]) * (1024 if quantity.endswith("Gi") else 1)


@dataclass(frozen=True)
class IngressSettings:
    """The way in: load balancer, certificate, names."""

    scheme: str = setting(
        "ingressScheme",
        Choice("internal", "internet-facing"),
        "where the load balancer listens; internet-facing needs ingressInboundCidrs",
        default="internal",
        target="eks",
    )
    given_class_name: str | None = setting(
        "ingressClassName",
        Text(LABEL, NAME.allowed, "alb"),
        "IngressClass",
        shown_default="alb; on local no Ingress is made",
    )
    certificate_arn: str | None = setting(
        "certificateArn",
        Text(
            r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[A-Za-z0-9-]+",
            "the ARN of an ACM certificate",
            "arn:aws:acm:us-east-1:123456789012:certificate/8f7e6d5c-4b3a-4291-8807-f6e5d4c3b2a1",
        ),
        "existing certificate, in the stack's region",
        target="eks",
    )
    hosted_zone_name: str | None = setting(
        "hostedZoneName",
        dns_name("example.com"),
        "public Route 53 zone in which a certificate is validated and the host is pointed at the "
        "load balancer",
        target="eks",
    )
    allow_http: bool = setting(
        "allowHttp",
        Flag(),
        "serve a host without certificate over HTTP",
        default=False,
        target="eks",
    )
    inbound_cidrs: tuple[str, ...] = setting(
        "ingressInboundCidrs",
        ListOf(Cidr(world=True)),
        "networks that may reach the load balancer",
        default=(),
        shown_default="any (internal)",
        target="eks",
    )
    waf_acl_arn: str | None = setting(
        "wafAclArn",
        Text(
            r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[\w-]+/[\w-]+",
            "the ARN of a regional WAFv2 web ACL",
            "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/portal/"
            "1b2c3d4e-0000-4000-8000-5f6a7b8c9d0e",
        ),
        "WAF in front of the load balancer",
        target="eks",
    )
    access_logs_bucket: str | None = setting(
        "accessLogsBucket",
        Text(BUCKET, "the name of an S3 bucket", "platform-alb-logs"),
        "S3 bucket for the load balancer's access logs",
        target="eks",
    )
    group: str | None = setting(
        "ingressGroup",
        NAME,
        "share one load balancer among the Ingresses of this group",
        target="eks",
    )
    controller: str = setting(
        "loadBalancerController",
        Choice("existing", "pod-identity", "irsa", "auto-mode"),
        "who runs the AWS Load Balancer Controller, and how the role that this program makes for "
        "it is assumed",
        default="existing",
        target="eks",
    )
    install_controller: bool = setting(
        "installLoadBalancerController",
        Flag(),
        "also install the controller's Helm chart (pod-identity, irsa)",
        default=False,
        target="eks",
    )

    @property
    def class_name(self) -> str:
        """The IngressClass of the load balancer."""
        return self.given_class_name or "alb"


@dataclass(frozen=True)
class Settings:
    """The whole configuration of a stack; groups below, what concerns all of it here."""

    target: str = setting(
        "target",
        Choice("eks", "local"),
        "EKS with Aurora and an ALB, or any cluster without AWS",
        default="eks",
    )
    host: str = setting(
        "host",
        dns_name("backstage.example.com"),
        "host name of the portal (APP_HOST); on local that of its Ingress",
        default="",
        shown_default="required on eks",
    )
    port: int = setting(
        "port",
        Integer(1024, 65535),
        "port of container and Service (APP_PORT)",
        default=7007,
    )
    namespace: str = setting("namespace", NAME, "namespace to create", default="backstage")
    cluster_name: str = setting(
        "clusterName",
        Text(
            r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}",
            "the name of an EKS cluster: letters, digits, '-' and '_', at most 100",
            "platform-prod",
        ),
        "existing EKS cluster; all else about it is looked up",
        default="",
        shown_default="required on eks",
        target="eks",
    )
    kube_context: str | None = setting(
        "kubeContext", Text(r"\S.*", "a context of the kubeconfig", "kind-backstage"),
        "context of the kubeconfig (local only)",
        target="local",
    )  # fmt: skip
    workload_identity: str = setting(
        "workloadIdentity",
        Choice("pod-identity", "irsa"),
        "how the portal's pods get an AWS role",
        default="pod-identity",
        target="eks",
    )
    tags: Mapping[str, str] = setting(
        "tags",
        MapOf(
            Text(
                r"(?!aws:)[\w .:/=+@-]{1,128}",
                "1 to 128 letters, digits, spaces and . : / = + @ _ -, not starting with aws:",
                "team",
            ),
            Text(r"[\w .:/=+@-]{0,256}", "at most 256 of the same characters", "platform"),
        ),
        "tags of every AWS resource, besides project, stack and managed-by",
        default={},
        target="eks",
    )
    aws: AwsSettings = field(default_factory=AwsSettings)
    image: ImageSettings = field(default_factory=ImageSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    portal: PortalSettings = field(default_factory=PortalSettings)
    ingress: IngressSettings = field(default_factory=IngressSettings)
    app: BackstageApp | None = None
    """The app at `appPath`."""
    app_config: AppConfig = field(default_factory=AppConfig)
    ca_bundle: CaBundle = field(default_factory=CaBundle)

    @property
    def commit_time(self) -> str | None:
        """When the commit that `imageTag` names was made."""
        return self.app.commit_time(self.image.tag) if self.app and self.image.tag else None

    @property
    def most_pods(self) -> int:
        """Upper limit of pods at one moment: a rollout starts one more than there are."""
        return self.portal.most_replicas + 1

    @property
    def database_plugins(self) -> int:
        """Plugins that keep a pool of connections: as given, as counted, or as shipped."""
        counted = self.app.database_plugins() if self.app else 0
        return self.database.plugins or counted or SHIPPED_PLUGINS

    @property
    def most_connections(self) -> int:
        """Upper limit of connections to the database that the pods' pools hold."""
        return self.database_plugins * self.app_config.pool_size * self.most_pods

    @property
    def max_connections(self) -> int:
        """What the database is set to accept."""
        return self.database.max_connections if self.target == "eks" else IN_CLUSTER_CONNECTIONS

    @property
    def base_url(self) -> str:
        """The portal's address as browsers see it."""
        if self.target == "local":
            if self.ingress.given_class_name:
                return f"http://{self.host or 'localhost'}"
            return f"http://localhost:{self.port}"
        return f"{'http' if self.ingress.allow_http else 'https'}://{self.host}"


MODELS = (
    Settings,
    AwsSettings,
    ImageSettings,
    DatabaseSettings,
    PortalSettings,
    IngressSettings,
)
