"""The configuration keys: their types, defaults, meaning, and the targets that know them.

Each key is declared here and nowhere else. `settings.rules` has the rules between keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from settings.app_config import AppConfig
from settings.backstage_app import BackstageApp
from settings.ca_bundle import CaBundle
from settings.permissions import Conditions, Permissions
from settings.values.aws import (
    AccountId,
    AssumeRoles,
    Endpoints,
    Profile,
    Region,
    TagName,
    TagValue,
)
from settings.values.aws_resources import (
    AlarmTopic,
    BoundaryArn,
    CertificateArn,
    ClusterName,
    KmsKeyArn,
    LogsBucket,
    SecurityGroup,
    Subnets,
    TechdocsBucket,
    WebAclArn,
)
from settings.values.common import (
    LIMITS,
    UNIQUE,
    Flag,
    HostName,
    HttpsUrl,
    Model,
    Title,
    prefixed,
    whole,
)
from settings.values.database import (
    BackupWindow,
    CaBundleFile,
    DatabaseKind,
    DatabaseName,
    DatabaseResourceId,
    EngineVersion,
    InstanceClass,
    MaintenanceWindow,
    MaxCapacity,
    MinCapacity,
    SecretArn,
    Snapshot,
)
from settings.values.images import (
    AppFolder,
    Digest,
    NodeImage,
    PostgresImage,
    Repository,
    SourceUrl,
    Tag,
)
from settings.values.integrations import GithubApp, Gitlab
from settings.values.kubernetes import (
    Context,
    Cpu,
    IngressClass,
    KubernetesLabel,
    KubernetesLabelValue,
    Label,
    Memory,
    MonitoringOperator,
    Port,
    StorageClass,
    StorageSize,
    ZoneName,
)
from settings.values.load_balancer import IngressCognito, IngressOidc, TokenPath
from settings.values.networks import Cidr, EgressCidr, InboundCidrs
from settings.values.portal import (
    AppConfigFile,
    PermissionConditionsFile,
    PermissionName,
    PermissionsFile,
    ResolverName,
    SignInProvider,
)
from settings.values.secrets import ExistingSecret, SecretSources, SecretStore
from settings.values.variables import SecretMap, Variables
from settings.versions import POSTGRES

RESERVED_CONNECTIONS = 20  # for AWS's own sessions, superusers, and a person with psql
IN_CLUSTER_CONNECTIONS = 300  # max_connections of Postgres in the cluster
SIGNER = "APP_CONFIG_auth_providers_awsalb_signer"  # variable with the load balancer's ARN
METRICS_PORT = 9464  # of OpenTelemetry's Prometheus exporter
SHIPPED_PLUGINS = 12  # the schemas that portal/ creates, as the end-to-end test counts them

TargetName = Literal["eks", "local"]
DEFAULT_DATABASE: Mapping[TargetName, DatabaseKind] = {
    "eks": "aurora",
    "local": "in-cluster",
}


@dataclass(frozen=True)
class KnownTo:
    """The targets that know a key, and the only databases that do. Without any, all do."""

    targets: frozenset[str]
    databases: tuple[str, ...] = ()

    def knows(self, target: str, database: str) -> bool:
        """Whether the key may be set with a target and a database."""
        return target in self.targets and database in (self.databases or (database,))


EKS = KnownTo(frozenset({"eks"}))
LOCAL = KnownTo(frozenset({"local"}))
AURORA = KnownTo(frozenset({"eks"}), ("aurora",))
EXISTING = KnownTo(frozenset({"eks"}), ("existing",))
RDS = KnownTo(frozenset({"eks"}), ("aurora", "existing"))
IN_CLUSTER = KnownTo(frozenset({"eks", "local"}), ("in-cluster",))


@dataclass(frozen=True)
class Shown:
    """What the documentation shows as the default, where it isn't the value itself."""

    default: str


@dataclass(frozen=True)
class PolicyRefuses:
    """Values that the key takes and a mandatory rule of policy/ refuses. what: those, in words.
    instead: what a fix sets, where the default is among them.
    """

    what: str
    rules: tuple[str, ...]
    instead: str = ""


@dataclass(frozen=True)
class Entries:
    """What a key that holds secrets is nothing without, by name."""

    names: tuple[str, ...]


class AwsSettings(Model, alias_generator=prefixed("aws:")):
    """`aws:*`, passed by hand to the explicit provider and to `aws eks get-token`."""

    region: Annotated[Region, EKS, Shown("required on eks")] = ""
    """region of the cluster and of everything that is created"""
    profile: Annotated[Profile | None, EKS] = None
    """profile of the shared AWS configuration; also for `aws eks get-token`"""
    assume_roles: Annotated[AssumeRoles, EKS] = ()
    """roles to assume, in order; `aws eks get-token` assumes the last"""
    allowed_account_ids: Annotated[tuple[AccountId, ...], UNIQUE, EKS] = ()
    """the only accounts that this stack may touch"""
    endpoints: Annotated[Endpoints, EKS] = ()
    """service endpoints other than AWS's own"""
    skip_credentials_validation: Annotated[Flag | None, EKS] = None
    """for endpoints without STS"""
    skip_requesting_account_id: Annotated[Flag | None, EKS] = None
    """for endpoints without IAM and STS"""
    skip_metadata_api_check: Annotated[Flag | None, EKS] = None
    """don't ask the instance metadata service"""
    s3_use_path_style: Annotated[Flag | None, EKS] = None
    """for endpoints without virtual-hosted buckets"""


class ImageSettings(Model, alias_generator=prefixed("image")):
    """Where the portal's image comes from: built here, or pulled."""

    app: AppFolder | None = Field(None, alias="appPath")
    """Backstage app to build and push; unset: nothing of Docker is registered"""
    build: Literal["multi-stage", "host"] = "multi-stage"
    """which Dockerfile: all in Docker, or around a bundle that was built on the host"""
    stage: Literal["portal", "techdocs"] = Field("portal", alias="imageTarget")
    """what is built: the portal, or the portal with mkdocs to generate documentation itself"""
    base: Annotated[NodeImage | None, Shown("pinned in image/")] = None
    """Node image that the portal's is built on"""
    source: SourceUrl | None = None
    """address of the source repository, for the image's label"""
    repository: Repository | None = None
    """existing repository; unset with appPath: an ECR repository is created (eks), or the image
    stays in the Docker engine (local)"""
    tag: Tag | None = None
    """the commit SHA; required unless imageDigest is set; pulled always, on local if missing"""
    digest: Digest | None = None
    """deploy exactly this image; wins over imageTag, excludes appPath"""
    platform: Literal["linux/amd64", "linux/arm64"] = "linux/amd64"
    """platform to build for, and the pods' node selector"""
    pull_secret: Label | None = None
    """existing pull secret in the namespace, for other registries"""


class DatabaseSettings(Model, alias_generator=prefixed("database")):
    """The database. Capacities are Aurora capacity units (ACU), about 2 GiB of memory each."""

    kind: Annotated[
        DatabaseKind | None,
        Shown("aurora on eks, in-cluster on local"),
        PolicyRefuses("in-cluster", ("database-tls",)),
    ] = Field(None, alias="database")
    """Aurora PostgreSQL, on eks only; existing: PostgreSQL that somebody else runs, on eks only; or
    Postgres in the portal's namespace: no backups, no TLS"""
    host: Annotated[HostName | None, EXISTING] = None
    """host name of the existing database; with iam the one that RDS gave it"""
    port: Annotated[int, whole(1, 65535), EXISTING] = 5432
    """port of the existing database"""
    name: Annotated[DatabaseName, EXISTING] = "backstage"
    """the existing database in it, which the portal gets for itself"""
    administrator_secret_arn: Annotated[SecretArn | None, EXISTING] = None
    """Secrets Manager secret with username and password, as JSON, of a login of the existing
    database that may create roles and owns the database"""
    given_max_connections: Annotated[
        Annotated[int, whole(10, 100_000), Field(examples=[500])] | None, EXISTING
    ] = Field(None, alias="databaseMaxConnections")
    """connections that the existing database has for the portal"""
    resource_id: Annotated[DatabaseResourceId | None, EXISTING] = None
    """resource id of the existing database, which policies name; for databaseAuthentication iam"""
    engine_version: Annotated[
        EngineVersion, PolicyRefuses("a minor version", ("rds-minor-upgrades",))
    ] = POSTGRES
    """major: minor upgrades are automatic; major.minor: pinned, none is automatic"""
    instance_class: Annotated[InstanceClass, AURORA] = "db.serverless"
    """instance class of every instance"""
    instances: Annotated[
        int,
        whole(1, 16, " (a writer and at most 15 readers)"),
        AURORA,
        PolicyRefuses("1", ("rds-multi-az",), instead="2"),
    ] = 1
    """writer plus readers; 2 give a failover target in another zone"""
    min_capacity: Annotated[MinCapacity, AURORA] = 0.5
    """lower limit of db.serverless; a running portal never lets it pause"""
    max_capacity: Annotated[MaxCapacity, AURORA] = 4.0
    """upper limit of db.serverless, the ceiling of its price"""
    subnet_ids: Annotated[Subnets, AURORA, Shown("the cluster's private subnets")] = ()
    """subnets of the database, in at least two zones"""
    allowed_cidrs: Annotated[tuple[Cidr, ...], UNIQUE, AURORA] = ()
    """networks that may connect, besides the cluster's security group"""
    allowed_security_group_ids: Annotated[tuple[SecurityGroup, ...], UNIQUE, AURORA] = ()
    """security groups that may connect, besides the cluster's"""
    backup_retention_days: Annotated[
        int, whole(1, 35, " days"), AURORA, PolicyRefuses("fewer than 7", ("rds-backups",))
    ] = 7
    """days of backups"""
    backup_window: Annotated[BackupWindow, AURORA] = "07:00-09:00"
    """daily, UTC, at least 30 minutes"""
    maintenance_window: Annotated[MaintenanceWindow, AURORA] = "sun:09:30-sun:10:30"
    """weekly, UTC, at least 30 minutes, apart from the backup window"""
    deletion_protection: Annotated[
        Flag, AURORA, PolicyRefuses("false", ("rds-deletion-protection",))
    ] = True
    """RDS and Pulumi's `protect` refuse to delete the database"""
    skip_final_snapshot: Annotated[
        Flag, AURORA, PolicyRefuses("true", ("rds-final-snapshot", "secret-recovery"))
    ] = False
    """delete the database without a last snapshot"""
    generation: Annotated[int, whole(1, 999), AURORA] = 1
    """part of the database's names; raising it creates a new cluster beside the old one, which is
    then deleted; refused while deletion protection is on"""
    protected_generation: Annotated[int, whole(1, 999), AURORA] = 1
    """the generation that deletion protection holds; set it to databaseGeneration once the new
    cluster serves"""
    snapshot_identifier: Annotated[Snapshot | None, AURORA] = None
    """snapshot that a new generation starts from; read when the cluster is created"""
    image: Annotated[
        PostgresImage | None,
        IN_CLUSTER,
        Shown("postgres, of databaseEngineVersion"),
        PolicyRefuses("latest or a missing tag", ("image-version",)),
    ] = None
    """image of Postgres in the cluster"""
    storage_size: Annotated[StorageSize, IN_CLUSTER] = "5Gi"
    """volume of Postgres in the cluster"""
    storage_class: Annotated[StorageClass | None, IN_CLUSTER, Shown("the cluster's default")] = None
    """StorageClass of that volume; EKS has no default one"""
    plugins: Annotated[
        Annotated[int, whole(1, 200)] | None,
        Shown(f"those of appPath, else {SHIPPED_PLUGINS}"),
    ] = None
    """plugins of the backend that keep connections to the database"""
    password_version: Annotated[int, whole(1, 9999)] = 1
    """raise it to rotate the password everywhere in one update"""
    authentication: Annotated[Literal["password", "iam"], RDS] = "password"
    """how the portal logs in: with a generated password, or with tokens of its pods' AWS role, so
    that its login has no password"""
    master: Annotated[Literal["generated", "managed"], AURORA] = Field(
        "generated", alias="databaseMasterPassword"
    )
    """the master user's password: generated by this program, or by RDS, which keeps it in Secrets
    Manager, rotates it there, and leaves it out of the state"""
    ca_bundle: Annotated[CaBundleFile, RDS] = Field(
        "assets/rds-ca-bundle.pem", alias="databaseCaBundlePath", validate_default=True
    )
    """PEM file with the root certificates of the database"""

    @property
    def follows_minor_versions(self) -> bool:
        """Whether AWS's minor upgrades are taken: not when the version names a minor one."""
        return "." not in self.engine_version

    @property
    def max_connections(self) -> int:
        """As given, or Aurora PostgreSQL's default, by the smallest instance's memory.

        With db.serverless it follows the upper limit of capacity, and is 2000 at most when the
        lower limit is under 1 ACU. Source: Aurora User Guide, performance and scaling for Aurora
        serverless; its table (1 ACU 189, 4 823, 8 1669, 16 3360, 5000 at most) is linear.
        """
        if self.given_max_connections:
            return self.given_max_connections
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


class PortalSettings(Model, alias_generator=to_camel):
    """The portal's pods."""

    title: Annotated[Title | None, Shown("the image's, Backstage")] = None
    """title of the portal's pages"""
    organization_name: Annotated[Title | None, Shown("the image's, Backstage")] = None
    """the company, in the portal's headings"""
    app_configs: Annotated[
        tuple[AppConfigFile, ...],
        UNIQUE,
        PolicyRefuses(
            "timeouts of the backend that don't fit the load balancer's", ("drain", "keep-alive")
        ),
    ] = Field((), alias="appConfigPaths")
    """Backstage configuration files; each overrides the one before, the first the one in assets/;
    each `${VAR}` without default has to be provided"""
    permissions: PermissionsFile = Field(
        "assets/permissions.csv", alias="permissionsPath", validate_default=True
    )
    """roles, what they may do, and who has them"""
    permission_conditions: PermissionConditionsFile = Field(
        "assets/permission-conditions.yaml", alias="permissionConditionsPath", validate_default=True
    )
    """what roles may do with some entities or tasks only"""
    permission_names: Annotated[tuple[PermissionName, ...], UNIQUE] = ()
    """further names that both files may use: permissions and resource types of own plugins"""
    secret_env: SecretMap = Field(default_factory=SecretMap)
    """further variables from the Secret, such as GITHUB_TOKEN"""
    env: Annotated[
        Variables,
        PolicyRefuses(
            "secrets, and what weakens TLS to the database", ("plain-secret", "database-tls")
        ),
    ] = Field(default_factory=dict)
    """further plain variables"""
    replicas: Annotated[int, whole(1, 100)] = 1
    """pods, or the fewest of them with an autoscaler"""
    max_replicas: Annotated[Annotated[int, whole(1, 100)] | None, Shown("replicas")] = None
    """the most pods; above replicas an autoscaler decides"""
    cpu_request: Cpu = "250m"
    """CPU that a pod reserves"""
    memory_request: Memory = "1Gi"
    """memory that a pod reserves"""
    memory_limit: Memory = "1Gi"
    """memory above which a pod is killed; the heap is 75 % of it"""
    migration_job: Flag = True
    """a Job migrates the database before the pods are replaced; false: pods do at their start"""
    metrics: Flag = True
    """the image serves OpenTelemetry metrics at :9464/metrics; open that port to the cluster"""
    network_policy: Annotated[Flag, PolicyRefuses("false", ("network-policy",))] = True
    """NetworkPolicies for the pods of the portal, its Jobs and the database in the cluster"""
    egress_cidrs: Annotated[tuple[EgressCidr, ...], UNIQUE, LIMITS, Shown("anywhere")] = ()
    """networks that pods may connect to on 443 and egressPorts; never link-local ones"""
    egress_ports: Annotated[tuple[Port, ...], UNIQUE] = ()
    """further TCP ports that pods may connect to, besides DNS, the database and 443"""
    kubernetes_plugin: Flag = True
    """Backstage's Kubernetes plugin, and read access to what it shows"""
    kubernetes_namespaces: Annotated[
        tuple[Label, ...], UNIQUE, LIMITS, Shown("every namespace")
    ] = ()
    """existing namespaces that the portal may read, by a Role in each instead of a ClusterRole;
    entities then need the annotation `backstage.io/kubernetes-namespace`"""
    mcp: Flag = False
    """tools for MCP clients that read the catalog, at /api/mcp-actions/v1"""
    techdocs_bucket: Annotated[TechdocsBucket | None, EKS] = None
    """S3 bucket of the documentation site: `create`, an existing one, or none"""

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


class AccessSettings(Model, alias_generator=prefixed("sign_in")):
    """Who signs in, and how."""

    providers: Annotated[tuple[SignInProvider, ...], UNIQUE] = Field((), alias="signIn")
    """who may vouch for a user, in the order of the sign-in page; docs/sign-in.md has what each
    needs"""
    resolvers: Annotated[
        dict[SignInProvider, ResolverName],
        Shown("the provider's first in docs/sign-in.md"),
    ] = Field(default_factory=dict)
    """by provider, how an account finds its user in the catalog"""
    without_catalog_user: Flag = False
    """sign in whoever has an email of signInAllowedDomains, also without a user in the catalog"""
    allowed_domains: Annotated[tuple[ZoneName, ...], UNIQUE] = ()
    """domains of email addresses; for signInWithoutCatalogUser and
    emailLocalPartMatchingUserEntityName"""
    oidc_email_verified: Literal["required", "assumed"] = "required"
    """whether an oidc issuer has to say that it verified an email, or is taken to have"""
    sign_out_url: Annotated[HttpsUrl | None, EKS] = Field(None, alias="signOutUrl")
    """with alb: end-session URL of the identity provider, where sign-out leads"""


class IntegrationsSettings(Model, alias_generator=to_camel):
    """Where people and repositories come from."""

    github_app: GithubApp | None = None
    """the GitHub App: appId, clientId, owners (organizations); optional host (github.com), and
    repositories (500), how many each organization has, for the estimate of API requests"""
    github_app_secrets: Annotated[SecretMap, Entries(("clientSecret", "privateKey"))] = Field(
        default_factory=SecretMap
    )
    """the App's privateKey and clientSecret; webhookSecret to accept webhooks; files in the pods"""
    gitlab: Gitlab | None = None
    """the GitLab group: group (its path); optional host (gitlab.com)"""
    gitlab_secrets: Annotated[SecretMap, Entries(("token",))] = Field(default_factory=SecretMap)
    """GitLab's token; webhookSecret to accept webhooks; files in the pods"""


class SecretsSettings(Model, alias_generator=to_camel):
    """Secrets that are kept elsewhere, and the session secret."""

    sources: SecretSources = Field((), alias="secretsFrom")
    """secrets in Secrets Manager and SSM parameters, and what of each the pods get;
    docs/secrets.md"""
    driver: Annotated[Literal["external-secrets", "csi"], EKS] = Field(
        "external-secrets", alias="secretsDriver"
    )
    """who reads secretsFrom: the External Secrets Operator, or AWS's provider of the Secrets Store
    CSI driver, with a role of the pods"""
    store: SecretStore | None = Field(None, alias="secretStore")
    """the operator's store for Secrets Manager: name, and optional kind (ClusterSecretStore)"""
    parameter_store: SecretStore | None = None
    """the operator's store for SSM parameters: name, and optional kind (ClusterSecretStore)"""
    existing: ExistingSecret | None = Field(None, alias="existingSecret")
    """a Secret of the namespace that somebody else fills: name, and keys by variable"""
    session_version: Annotated[int, whole(1, 9999)] = Field(1, alias="sessionSecretVersion")
    """raise it to generate another AUTH_SESSION_SECRET"""


class IngressSettings(Model, alias_generator=to_camel):
    """Load balancer, certificate and DNS."""

    scheme: Annotated[Literal["internal", "internet-facing"], EKS] = Field(
        "internal", alias="ingressScheme"
    )
    """where the load balancer listens; internet-facing needs ingressInboundCidrs"""
    given_class_name: Annotated[
        IngressClass | None, Shown("alb; on local no Ingress is created")
    ] = Field(None, alias="ingressClassName")
    """IngressClass"""
    certificate_arn: Annotated[CertificateArn | None, EKS] = None
    """existing certificate, in the stack's region"""
    hosted_zone_name: Annotated[ZoneName | None, EKS] = None
    """public Route 53 zone for the certificate's validation and the host's alias record"""
    allow_http: Annotated[Flag, EKS, PolicyRefuses("true", ("elb-https",))] = False
    """serve a host without certificate over HTTP"""
    inbound_cidrs: Annotated[InboundCidrs, EKS, Shown("any (internal)")] = Field(
        (), alias="ingressInboundCidrs"
    )
    """networks that may reach the load balancer"""
    waf_acl_arn: Annotated[WebAclArn | None, EKS] = None
    """WAF in front of the load balancer"""
    access_logs_bucket: Annotated[LogsBucket | None, EKS] = None
    """S3 bucket for the load balancer's access logs"""
    group: Annotated[Label | None, EKS] = Field(None, alias="ingressGroup")
    """share one load balancer among the Ingresses of this group"""
    controller: Annotated[Literal["existing", "pod-identity", "irsa", "auto-mode"], EKS] = Field(
        "existing", alias="loadBalancerController"
    )
    """who runs the AWS Load Balancer Controller; with pod-identity or irsa this program creates its
    role"""
    install_controller: Annotated[Flag, EKS] = Field(False, alias="installLoadBalancerController")
    """also install the controller's Helm chart (pod-identity, irsa)"""
    authentication: Annotated[Literal["oidc", "cognito"] | None, EKS, Shown("none")] = Field(
        None, alias="ingressAuthentication"
    )
    """oidc or cognito: the load balancer signs users in, so that no other request reaches a pod"""
    oidc: Annotated[IngressOidc | None, EKS] = Field(None, alias="ingressOidc")
    """the identity provider: issuer, authorizationEndpoint, tokenEndpoint, userInfoEndpoint"""
    cognito: Annotated[IngressCognito | None, EKS] = Field(None, alias="ingressCognito")
    """the user pool: userPoolArn, clientId, domain"""
    client: Annotated[SecretMap, EKS, Entries(("clientID", "clientSecret"))] = Field(
        default_factory=SecretMap, alias="ingressClient"
    )
    """clientID and clientSecret at the identity provider (oidc)"""
    session_timeout: Annotated[int, whole(300, 604800, " seconds"), EKS] = Field(
        43200, alias="ingressSessionTimeout"
    )
    """seconds until users sign in again; longer than a working day, as an open page breaks then"""
    token_paths: Annotated[tuple[TokenPath, ...], UNIQUE, EKS] = Field(
        (), alias="ingressTokenPaths"
    )
    """paths that callers with a Backstage token reach without the load balancer's sign-in"""

    @property
    def class_name(self) -> str:
        """The IngressClass of the load balancer."""
        return self.given_class_name or "alb"

    @property
    def issuer(self) -> str | None:
        """Of the tokens that the load balancer passes on."""
        provider = self.oidc if self.authentication == "oidc" else self.cognito
        return provider.issuer if provider and self.authentication else None


class MonitoringSettings(Model, alias_generator=to_camel):
    """Who watches the portal."""

    alarms: Annotated[AlarmTopic | None, EKS] = None
    """CloudWatch alarms on database, load balancer, certificate and pods; the SNS topic that they
    notify: `create`, or an existing one's ARN"""
    dashboard: Annotated[Flag, EKS] = False
    """CloudWatch dashboard of the same: graphs with the thresholds of the alarms, and the state of
    the alarms that there are"""
    operator: Annotated[MonitoringOperator | None, Shown("none")] = Field(None, alias="monitoring")
    """prometheus-operator: a PodMonitor, alert rules, and a dashboard for Grafana"""
    labels: Annotated[dict[KubernetesLabel, KubernetesLabelValue], Shown("none")] = Field(
        default_factory=dict, alias="monitoringLabels"
    )
    """labels by which Prometheus selects PodMonitors and rules"""

    @property
    def in_cloudwatch(self) -> bool:
        """Whether CloudWatch watches the portal."""
        return bool(self.alarms) or self.dashboard


class Keys(Model, alias_generator=to_camel, defer_build=False):
    """What a stack file sets: groups of keys, and the keys that concern all of it."""

    target: TargetName = "eks"
    """an EKS cluster with an ALB, or any cluster without AWS"""
    host: Annotated[HostName, Shown("required on eks")] = ""
    """host name of the portal; on local that of its Ingress"""
    port: Annotated[int, whole(1024, 65535)] = 7007
    """port of container and Service (APP_PORT)"""
    namespace: Label = "backstage"
    """namespace of the portal"""
    create_namespace: Flag = True
    """create the namespace; false: it exists, and is neither changed nor deleted"""
    cluster_name: Annotated[ClusterName, EKS, Shown("required on eks")] = ""
    """existing EKS cluster; all else about it is looked up"""
    kube_context: Annotated[Context | None, LOCAL] = None
    """context of the kubeconfig"""
    workload_identity: Annotated[Literal["pod-identity", "irsa"], EKS] = "pod-identity"
    """how the portal's pods get an AWS role"""
    permissions_boundary_arn: Annotated[BoundaryArn | None, EKS] = None
    """permissions boundary of every IAM role that is created"""
    kms_key_arn: Annotated[KmsKeyArn | None, EKS, Shown("AWS's own keys")] = None
    """KMS key of everything that is created and takes one; database and repository read it when
    they are created"""
    tags: Annotated[dict[TagName, TagValue], EKS] = Field(default_factory=dict)
    """tags of every AWS resource, besides project, stack and managed-by"""
    aws: AwsSettings = Field(default_factory=AwsSettings)
    image: ImageSettings = Field(default_factory=ImageSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    portal: PortalSettings = Field(default_factory=PortalSettings)
    integrations: IntegrationsSettings = Field(default_factory=IntegrationsSettings)
    secrets: SecretsSettings = Field(default_factory=SecretsSettings)
    ingress: IngressSettings = Field(default_factory=IngressSettings)
    access: AccessSettings = Field(default_factory=AccessSettings)
    monitoring: MonitoringSettings = Field(default_factory=MonitoringSettings)


@dataclass(frozen=True, eq=False)
class Key:
    """The declaration of one key.

    name: as in the stack file, without the project's namespace. group: the attribute of Keys
    that holds it; None: Keys itself.
    """

    name: str
    group: str | None
    attribute: str
    field: FieldInfo

    @property
    def known_to(self) -> KnownTo | None:
        """None: every target knows it."""
        return next((each for each in self.field.metadata if isinstance(each, KnownTo)), None)

    @property
    def policy_refuses(self) -> PolicyRefuses | None:
        """None: a rule refuses no value for itself."""
        return next((each for each in self.field.metadata if isinstance(each, PolicyRefuses)), None)

    def full(self, project: str) -> str:
        """The name with its namespace."""
        return self.name if ":" in self.name else f"{project}:{self.name}"

    @property
    def is_text(self) -> bool:
        """Whether the value is the text itself; else it is JSON."""
        return _is_text(self.field.annotation)

    @property
    def reads_file(self) -> bool:
        """Whether the value is a path, and what is read is the file's content."""
        return _is_one_of(self.field.annotation, FILES)

    @property
    def holds_secrets(self) -> bool:
        """Whether its values may be encrypted, and are never shown."""
        return self.field.annotation is SecretMap

    @property
    def entries(self) -> tuple[str, ...]:
        """Names of the secrets that it needs; none of `secretEnv`, which may hold any."""
        return next((each.names for each in self.field.metadata if isinstance(each, Entries)), ())


FILES = (AppConfig, BackstageApp, CaBundle, Permissions, Conditions)


def _is_text(annotation: Any) -> bool:
    return _is_one_of(annotation, (str, Literal, *FILES))


def _is_one_of(annotation: Any, kinds: tuple[Any, ...]) -> bool:
    """Whether a value is of one of the kinds itself, and no list or object of them."""
    origin, arguments = getattr(annotation, "__origin__", None), getattr(annotation, "__args__", ())
    if origin in (tuple, dict):
        return False
    if origin is Literal or annotation in kinds:
        return annotation in kinds or origin in kinds
    return any(_is_one_of(each, kinds) for each in arguments)


def _declared() -> Iterator[Key]:
    for attribute, field in Keys.model_fields.items():
        group: Any = field.annotation
        if attribute in GROUPS:
            inner = group.model_fields.items()
            yield from (Key(str(each.alias), attribute, name, each) for name, each in inner)
        else:
            yield Key(str(field.alias), None, attribute, field)


# Of Keys.
GROUPS = (
    *("aws", "image", "database", "portal", "integrations", "secrets", "ingress", "access"),
    "monitoring",
)
KEYS: Mapping[str, Key] = {key.name: key for key in _declared()}
SECRETS = [key.name for key in KEYS.values() if key.holds_secrets]
