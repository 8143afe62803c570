"""Types of configuration values.

A type's JSON Schema says what it allows: `errorMessage` in words, `examples` with a value. Error
messages and the stack file's schema both come from there.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import pulumi
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    Strict,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema

from settings.app_config import AppConfig
from settings.backstage_app import BackstageApp
from settings.ca_bundle import CaBundle
from settings.permissions import Conditions, Permissions
from settings.problem import Misspelt, nearest
from settings.providers import ENTRA, MANY_TENANTS, PROVIDERS

OBJECT_BYTES = 1_000_000  # the API server takes objects of up to 1 MiB
SECURITY_GROUP_RULES = 60  # AWS's default quota of inbound rules


class Model(BaseModel):
    """Frozen; refuses unknown names."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="forbid",
        coerce_numbers_to_str=True,  # YAML reads an account id as a number
        validate_by_name=True,
        defer_build=True,  # groups are built once, as parts of Settings
    )


def prefixed(prefix: str) -> Callable[[str], str]:
    """Names keys after attributes: `min_capacity` becomes `databaseMinCapacity`."""
    if prefix.endswith(":"):
        return lambda attribute: prefix + to_camel(attribute)
    return lambda attribute: to_camel(f"{prefix}_{attribute}")


def _text(pattern: str, allowed: str, example: str, limit: int = 2048) -> Any:
    return Field(
        pattern=rf"^(?:{pattern})$",
        max_length=limit,
        examples=[example],
        json_schema_extra={"errorMessage": allowed},
    )


def _allowing(allowed: str, example: object) -> Any:
    return Field(examples=[example], json_schema_extra={"errorMessage": allowed})


def whole(low: int, high: int, unit: str = "") -> Any:
    """Bounds of a whole number, both inclusive."""
    allowed = f"a whole number from {low} to {high}{unit}"
    extra: Any = {"errorMessage": allowed}
    return Field(strict=True, ge=low, le=high, examples=[low], json_schema_extra=extra)


def _unique(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = next((each for each in entries if entries.count(each) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is there twice")
    return entries


UNIQUE = AfterValidator(_unique)


def _limits(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    if not entries:
        raise ValueError("an empty list limits nothing; unset the key for that")
    return entries


LIMITS = AfterValidator(_limits)
Flag = Annotated[bool, Strict()]

# Kubernetes

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123
Label = Annotated[
    str, _text(LABEL, "an RFC 1123 label: a-z, 0-9 and '-', at most 63 characters", "backstage")
]
_DNS = rf"(?:{LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?"
_DNS_ALLOWED = "a lower-case DNS name without scheme, port or path"
HostName = Annotated[str, _text(_DNS, _DNS_ALLOWED, "backstage.example.com", 253)]
ZoneName = Annotated[str, _text(_DNS, _DNS_ALLOWED, "example.com", 253)]
StorageClass = Annotated[
    str, _text(rf"{LABEL}(?:\.{LABEL})*", "the name of a StorageClass", "gp3", 253)
]
IngressClass = Annotated[str, _text(LABEL, "an RFC 1123 label: a-z, 0-9 and '-'", "alb")]
Context = Annotated[str, _text(r"\S.*", "a context of the kubeconfig", "kind-backstage")]
Cpu = Annotated[
    str, _text(r"[1-9][0-9]{0,5}m|[1-9][0-9]{0,2}(?:\.[0-9])?", "CPU such as 250m or 1", "250m")
]
Memory = Annotated[str, _text(r"[1-9][0-9]{0,6}(?:Mi|Gi)", "memory such as 512Mi or 1Gi", "1Gi")]
EPHEMERAL = "ephemeral"
StorageSize = Annotated[
    str,
    _text(
        rf"[1-9][0-9]{{0,4}}(?:Mi|Gi|Ti)|{EPHEMERAL}",
        f"a size such as 5Gi, or {EPHEMERAL}: lost with the pod",
        "5Gi",
    ),
]
Port = Annotated[int, whole(1, 65535)]

# Variables. Backstage's APP_CONFIG_a_b overrides may hold hyphens and colons.

VariableName = Annotated[
    str,
    _text(
        r"[A-Za-z_][A-Za-z0-9_]*|APP_CONFIG_[A-Za-z0-9_:-]+",
        "letters, digits and '_', not starting with a digit",
        "LOG_LEVEL",
        253,
    ),
]


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ValueError("has no plain value")


VariableValue = Annotated[
    str,
    BeforeValidator(_scalar),
    _text(r"(?s)[^\x00]*", "text of at most 64 KiB, without NUL", "value", 65536),
]
Variables = dict[VariableName, VariableValue]


class SecretMap(dict[str, "pulumi.Output[str]"]):
    """Variables whose values become secret Outputs before anything else sees them."""

    size = 0
    """Bytes of all names and values."""
    blank: frozenset[str] = frozenset()
    """Names whose value is empty."""
    private_keys: frozenset[str] = frozenset()
    """Names whose value is a private key in PEM, or not known offline."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(cls._of, handler(Variables))

    @classmethod
    def _of(cls, plain: Mapping[str, str]) -> SecretMap:
        secrets = cls({name: pulumi.Output.secret(value) for name, value in plain.items()})
        secrets.size = byte_size(plain)
        secrets.blank = frozenset(name for name, value in plain.items() if not value.strip())
        secrets.private_keys = frozenset(filter(lambda name: _is_private_key(plain[name]), plain))
        return secrets


ENCRYPTED = "encrypted"  # what the offline preview has in place of an encrypted value
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:RSA )?PRIVATE KEY-----\r?\n([^-]+)-----END (?:RSA )?PRIVATE KEY-----\s*"
)


def _is_private_key(text: str) -> bool:
    match = _PRIVATE_KEY.fullmatch(text.replace("\\n", "\n"))  # as Backstage reads it
    try:
        der = base64.b64decode("".join(match[1].split()), validate=True) if match else b""
    except ValueError:
        return False
    # ASN.1: a sequence with two bytes of length, which a key that was cut short contradicts.
    complete = der[:2] == b"\x30\x82" and len(der) == 4 + int.from_bytes(der[2:4], "big")
    return complete or text == ENCRYPTED


def byte_size(variables: Mapping[str, str]) -> int:
    """Bytes of all names and values."""
    return sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())


# Images

# A port is 1 to 65535.
_PORT = r"[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
_REGISTRY = rf"{LABEL}(?:\.{LABEL})*(?::(?:{_PORT}))?"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = rf"(?:{_REGISTRY}/)?{_PATH}(?:/{_PATH})*"
Repository = Annotated[
    str,
    _text(
        _REPOSITORY,
        "registry/repository in lower case, without scheme, tag or digest",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/backstage",
        255,
    ),
]
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"


def _image(allowed: str, example: str) -> Any:
    return _text(rf"{_REPOSITORY}(?::{_TAG})?(?:@{_DIGEST})?", allowed, example, 500)


NodeImage = Annotated[
    str,
    _image(
        "an image reference, best by digest: Node 22 or 24 on Debian, as the app supports",
        "registry.example.com/node:24-trixie-slim",
    ),
]
PostgresImage = Annotated[
    str,
    _image("an image reference; PostgreSQL's official image or one derived from it", "postgres:17"),
]


def _not_latest(tag: str) -> str:
    if tag == "latest":
        raise ValueError("latest is another image each week")
    return tag


Tag = Annotated[
    str,
    _text(
        _TAG,
        "an image tag, best the commit SHA, and not latest",
        "5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0",
    ),
    AfterValidator(_not_latest),
]
Digest = Annotated[str, _text(_DIGEST, "sha256: and 64 hex digits", "sha256:" + "0" * 64)]
SourceUrl = Annotated[
    str,
    _text(r"https://[^\s@]+", "an https URL without credentials", "https://example.com/portal"),
]

# AWS

# By its parts, because AWS opens new ones: a partition or continent, a direction, a number.
_REGION = (
    r"(?:af|ap|ca|cn|eu|eusc-de|il|me|mx|sa|us)(?:-gov|-iso[a-z]?)?"
    r"-(?:central|(?:north|south)(?:east|west)?|east|west)-[0-9]"
)


def _region(name: str) -> str:
    if not re.fullmatch(_REGION, name):
        import pulumi_aws as aws

        near = nearest(name, [each.value for each in aws.Region])
        raise Misspelt(near) if near else ValueError
    return name


Region = Annotated[
    str,
    AfterValidator(_region),
    Field(
        examples=["us-east-1"],
        json_schema_extra={"errorMessage": "an AWS region", "pattern": f"^(?:{_REGION})$"},
    ),
]
AccountId = Annotated[str, _text(r"[0-9]{12}", "an account id of 12 digits", "123456789012")]
Profile = Annotated[str, _text(r"[^\x00-\x1f]+", "the name of a profile", "platform")]
ClusterName = Annotated[
    str,
    _text(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}",
        "the name of an EKS cluster: letters, digits, '-' and '_', at most 100",
        "platform-prod",
    ),
]
SecurityGroup = Annotated[
    str, _text(r"sg-[0-9a-f]{8,17}", "a security group id", "sg-0123456789abcdef0")
]
Subnet = Annotated[str, _text(r"subnet-[0-9a-f]{8,17}", "a subnet id", "subnet-0123456789abcdef0")]
Subnets = Annotated[
    tuple[Subnet, ...],
    Field(min_length=2),
    UNIQUE,
    _allowing(
        "a list of two subnets or more, each entry once and a subnet id, in different zones; or "
        "unset: the cluster's private subnets",
        ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    ),
]
_ARN = r"arn:aws[a-z-]*"
CertificateArn = Annotated[
    str,
    _text(
        rf"{_ARN}:acm:[a-z0-9-]+:[0-9]{{12}}:certificate/[A-Za-z0-9-]+",
        "the ARN of an ACM certificate",
        "arn:aws:acm:us-east-1:123456789012:certificate/8f7e6d5c-4b3a-4291-8807-f6e5d4c3b2a1",
    ),
]
WebAclArn = Annotated[
    str,
    _text(
        rf"{_ARN}:wafv2:[a-z0-9-]+:[0-9]{{12}}:regional/webacl/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+",
        "the ARN of a regional WAFv2 web ACL",
        "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/portal/"
        "1b2c3d4e-0000-4000-8000-5f6a7b8c9d0e",
    ),
]
RoleArn = Annotated[
    str,
    _text(
        rf"{_ARN}:iam::[0-9]{{12}}:role/[A-Za-z0-9+=,.@_/-]+",
        "the ARN of an IAM role",
        "arn:aws:iam::123456789012:role/deploy",
    ),
]

BoundaryArn = Annotated[
    str,
    _text(
        rf"{_ARN}:iam::(?:[0-9]{{12}}|aws):policy/[A-Za-z0-9+=,.@_/-]+",
        "the ARN of an IAM policy",
        "arn:aws:iam::123456789012:policy/boundary",
    ),
]

KmsKeyArn = Annotated[
    str,
    _text(
        rf"{_ARN}:kms:[a-z0-9-]+:[0-9]{{12}}:key/[A-Za-z0-9-]+",
        "the ARN of a KMS key, not of an alias",
        "arn:aws:kms:us-east-1:123456789012:key/1b2c3d4e-0000-4000-8000-5f6a7b8c9d0e",
    ),
]


class AssumeRole(Model, alias_generator=to_camel):
    """One of the AWS provider's `assumeRoles`; attributes as `aws.ProviderAssumeRoleArgs`."""

    role_arn: RoleArn
    duration: str | None = None
    external_id: str | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] | None = None
    session_name: str | None = None
    source_identity: str | None = None
    tags: dict[str, str] | None = None
    transitive_tag_keys: tuple[str, ...] | None = None


AssumeRoles = Annotated[
    tuple[AssumeRole, ...],
    _allowing(
        "a list of objects with roleArn", [{"roleArn": "arn:aws:iam::123456789012:role/deploy"}]
    ),
]


def _services(entries: tuple[dict[str, str], ...]) -> tuple[dict[str, str], ...]:
    import inspect

    import pulumi_aws as aws

    names = {to_camel(name) for name in inspect.signature(aws.ProviderEndpointArgs).parameters}
    for name in (name for entry in entries for name in entry if name not in names):
        near = nearest(name, names)
        raise ValueError(f"{name!r} is unknown" + (f"; did you mean {near}?" if near else ""))
    return entries


Url = Annotated[str, _text(r"https?://\S+", "a URL", "https://rds.example.com")]
Endpoints = Annotated[
    tuple[dict[str, Url], ...],
    AfterValidator(_services),
    _allowing(
        "a list of objects that map the provider's service names to URLs",
        [{"rds": "https://rds.example.com"}],
    ),
]

# Sign-in at the load balancer. Source: Elastic Load Balancing API, AuthenticateOidcActionConfig and
# AuthenticateCognitoActionConfig.

_HTTPS = rf"https://{_DNS}(?::(?:{_PORT}))?(?:/[^\s?#]*)?"


def _of_one_tenant(issuer: str) -> str:
    if re.match(rf"{ENTRA}(?:{MANY_TENANTS})(?:/|$)", issuer):
        raise ValueError("Entra's issuer of every tenant")
    return issuer


Issuer = Annotated[
    str,
    _text(
        _HTTPS,
        "the issuer exactly as tokens name it: an https URL; at Entra that of one tenant",
        "https://idp.example.com",
    ),
    AfterValidator(_of_one_tenant),
]


def _endpoint(path: str) -> Any:
    allowed, example = "an https URL of the identity provider", f"https://idp.example.com/{path}"
    return _text(rf"{_HTTPS}(?:\?[^\s#]*)?", allowed, example)


class IngressOidc(Model, alias_generator=to_camel):
    """An OpenID Connect provider, as its discovery document describes it."""

    issuer: Issuer
    authorization_endpoint: Annotated[str, _endpoint("authorize")]
    token_endpoint: Annotated[str, _endpoint("token")]
    user_info_endpoint: Annotated[str, _endpoint("userinfo")]


class IngressCognito(Model, alias_generator=to_camel):
    """A Cognito user pool and its app client."""

    user_pool_arn: Annotated[
        str,
        _text(
            rf"{_ARN}:cognito-idp:[a-z0-9-]+:[0-9]{{12}}:userpool/[a-z0-9-]+_[A-Za-z0-9]+",
            "the ARN of a Cognito user pool",
            "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_AbCdEf123",
        ),
    ]
    client_id: Annotated[
        str,
        _text(r"[\w+]{1,128}", "the id of an app client with a secret", "1example23456789"),
    ]
    domain: Annotated[
        str,
        _text(
            rf"{LABEL}|{_DNS}",
            "the prefix of the user pool's domain, or its custom domain",
            "example-staff",
        ),
    ]

    @property
    def host(self) -> str:
        """Of its endpoints. Source: Amazon Cognito Developer Guide, "OAuth 2.0 endpoints"."""
        prefix = f"{self.domain}.auth.{self.region}.amazoncognito.com"
        return self.domain if "." in self.domain else prefix

    @property
    def region(self) -> str:
        """The user pool's."""
        return self.user_pool_arn.split(":")[3]

    @property
    def issuer(self) -> str:
        """Of its tokens."""
        pool = self.user_pool_arn.rpartition("/")[2]
        return f"https://cognito-idp.{self.region}.amazonaws.com/{pool}"


# Routes that sign users in, show the portal, or have a key of their own.
CLOSED_PLUGINS = ("app", "auth", "events", "mcp-actions", "proxy")


def _plugin_path(path: str) -> str:
    plugin = path.split("/")[2]
    if plugin in CLOSED_PLUGINS:
        raise ValueError(f"/api/{plugin} is never open")
    return path


TokenPath = Annotated[
    str,
    _text(
        r"/api/[a-z0-9-]+(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*",
        f"a plugin's path, /api/PLUGIN or below; not of {', '.join(CLOSED_PLUGINS)}",
        "/api/catalog",
        128,  # characters of a listener rule's condition
    ),
    AfterValidator(_plugin_path),
]

# GitHub and GitLab

Owner = Annotated[
    str,
    _text(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*", "the name of a GitHub organization", "acme", 39),
]


class GithubApp(Model, alias_generator=to_camel):
    """A GitHub App, as its settings page shows it."""

    app_id: Annotated[
        int,
        Field(strict=True, ge=1, le=2**31 - 1),
        _allowing("the App ID, a whole number", 123456),
    ]
    client_id: Annotated[
        str, _text(r"[A-Za-z0-9._-]+", "the App's client ID", "Iv23liAbCdEf01234567", 100)
    ]
    owners: Annotated[
        tuple[Owner, ...],
        Field(min_length=1),
        UNIQUE,
        _allowing("a list of GitHub organizations that installed the App, each once", ["acme"]),
    ]
    host: HostName = "github.com"
    repositories: Annotated[int, whole(1, 100_000)] = 500


class Gitlab(Model, alias_generator=to_camel):
    """A GitLab group with its subgroups."""

    group: Annotated[
        str,
        _text(
            r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*",
            "the path of a GitLab group, such as acme or acme/platform",
            "acme",
            255,
        ),
    ]
    host: HostName = "gitlab.com"


def _bucket_name(name: str) -> str:
    labels = name.split(".")
    if (
        any(not re.fullmatch(LABEL, label) for label in labels)
        or re.fullmatch(r"[0-9.]+", name)
        or name.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
        or name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
    ):
        raise ValueError("S3 refuses this name")
    return name


# Source: Amazon S3 User Guide, "General purpose bucket naming rules".
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
LogsBucket = Annotated[
    str,
    _text(_BUCKET, "the name of an S3 bucket", "platform-alb-logs"),
    AfterValidator(_bucket_name),
]
AlarmTopic = Annotated[
    str,
    _text(
        rf"create|{_ARN}:sns:[a-z0-9-]+:[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}",
        "create, or the ARN of an SNS topic (not a FIFO one, which takes no alarms)",
        "create",
    ),
]
TechdocsBucket = Annotated[
    str,
    _text(_BUCKET, "create, or the name of an S3 bucket", "create"),
    AfterValidator(_bucket_name),
]


def _not_reserved(name: str) -> str:
    if name.lower().startswith("aws:"):
        raise ValueError
    return name


TagName = Annotated[
    str,
    _text(
        r"[\w .:/=+@-]+",
        "1 to 128 letters, digits, spaces and . : / = + @ _ -, not starting with aws:",
        "team",
        128,
    ),
    AfterValidator(_not_reserved),
]
TagValue = Annotated[
    str,
    BeforeValidator(_scalar),
    _text(r"[\w .:/=+@-]*", "at most 256 of the same characters", "platform", 256),
]
MonitoringOperator = Annotated[
    str, _text("prometheus-operator", "prometheus-operator", "prometheus-operator")
]
KubernetesLabel = Annotated[
    str,
    _text(
        rf"(?:{_DNS}/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,61}}[A-Za-z0-9])?",
        "the name of a Kubernetes label",
        "release",
        317,
    ),
]
KubernetesLabelValue = Annotated[
    str,
    BeforeValidator(_scalar),
    _text(
        r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?",
        "at most 63 letters, digits and . _ -, a letter or digit first and last",
        "kube-prometheus-stack",
    ),
]

# Networks


def _cidr(text: str, world: bool) -> str:
    network = ipaddress.IPv4Network(text)  # a ValueError says what is wrong
    # AWS accepts neither a netmask nor an address without prefix.
    if text != str(network) or (network.prefixlen == 0 and not world):
        raise ValueError
    return text


_CIDR = "an IPv4 network such as 10.0.0.0/16, its host bits zero"
Cidr = Annotated[
    str,
    AfterValidator(partial(_cidr, world=False)),
    _allowing(f"{_CIDR}; not 0.0.0.0/0", "10.0.0.0/16"),
]
WorldCidr = Annotated[
    str, AfterValidator(partial(_cidr, world=True)), _allowing(_CIDR, "10.0.0.0/16")
]


# Where nodes hand out credentials: instance metadata, EKS's Pod Identity agent.
LINK_LOCAL = ipaddress.IPv4Network("169.254.0.0/16")


def _not_link_local(text: str) -> str:
    if ipaddress.IPv4Network(text).subnet_of(LINK_LOCAL):
        raise ValueError("the instance metadata service is there")
    return text


EgressCidr = Annotated[
    str,
    AfterValidator(partial(_cidr, world=True)),
    AfterValidator(_not_link_local),
    _allowing(f"{_CIDR}; not in {LINK_LOCAL}", "140.82.112.0/20"),
]
InboundCidrs = Annotated[
    tuple[WorldCidr, ...],
    Field(max_length=SECURITY_GROUP_RULES),
    UNIQUE,
    _allowing(
        f"a list of at most {SECURITY_GROUP_RULES} networks, the rules of a security group, each "
        f"entry once and {_CIDR}",
        ["203.0.113.0/24"],
    ),
]

# Database

EngineVersion = Annotated[
    str,
    _text(r"1[4-8](?:\.[0-9]{1,2})?", "a major version from 14 to 18, or major.minor", "17"),
]
InstanceClass = Annotated[
    str,
    _text(
        r"db\.(?:serverless|[rtx][0-9][a-z]{0,5}\.(?:medium|large|[0-9]{0,2}xlarge))",
        "db.serverless or a class such as db.r7g.large",
        "db.serverless",
    ),
]


def _capacity(low: int) -> Any:
    extra: Any = {"errorMessage": f"{low} to 256 ACU in steps of 0.5"}
    return Field(strict=True, ge=low, le=256, multiple_of=0.5, json_schema_extra=extra)


MinCapacity = Annotated[float, _capacity(0)]
MaxCapacity = Annotated[float, _capacity(1)]
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = f"(?:{'|'.join(DAYS)})"
BackupWindow = Annotated[str, _text(rf"{_CLOCK}-{_CLOCK}", "hh:mm-hh:mm in UTC", "07:00-09:00")]
MaintenanceWindow = Annotated[
    str,
    _text(rf"{_DAY}:{_CLOCK}-{_DAY}:{_CLOCK}", "ddd:hh:mm-ddd:hh:mm in UTC", "sun:09:30-sun:10:30"),
]
Snapshot = Annotated[
    str,
    _text(
        r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"
        rf"|{_ARN}:rds:[a-z0-9-]+:[0-9]{{12}}:cluster-snapshot:\S+",
        "a cluster snapshot's name or ARN",
        "backstage-final-1",
        255,
    ),
]
DatabaseKind = Literal["aurora", "existing", "in-cluster"]
DatabaseName = Annotated[
    str,
    _text(r"[a-z_][a-z0-9_]{0,62}", "a database's name: a-z, 0-9 and '_', at most 63", "backstage"),
]
SecretArn = Annotated[
    str,
    _text(
        rf"{_ARN}:secretsmanager:[a-z0-9-]+:[0-9]{{12}}:secret:[A-Za-z0-9/_+=.@!-]+",
        "the ARN of a Secrets Manager secret",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-administrator-AbCdEf",
    ),
]
DatabaseResourceId = Annotated[
    str,
    _text(
        r"(?:cluster|db)-[A-Z0-9]{1,63}",
        "the resource id of a cluster or an instance",
        "cluster-ABCDEFGHIJKL01234MNOPQRSTU",
    ),
]
Title = Annotated[
    str, _text(r"[^\x00-\x1f\x7f$]+", "text of at most 100 characters, without '$'", "Acme", 100)
]

# Sign-in

SignInProvider = Annotated[
    str,
    Field(
        pattern=f"^(?:{'|'.join(PROVIDERS)})$",
        examples=["github"],
        json_schema_extra={"errorMessage": ", ".join(PROVIDERS), "enum": [*PROVIDERS]},
    ),
]
ResolverName = Annotated[
    str,
    _text(
        "[A-Za-z]+",
        "the name of a resolver, as docs/sign-in.md lists them",
        "emailMatchingUserEntityProfileEmail",
    ),
]
HttpsUrl = Annotated[
    str, _text(r"https://[^\s@]+", "an https URL", "https://login.example.com/logout", 2000)
]

# Secrets that are kept elsewhere

SECRET_KEYS = ("githubAppSecrets", "gitlabSecrets")  # whose files may come from there
_TARGET = (
    rf"[A-Za-z_][A-Za-z0-9_]*|APP_CONFIG_[A-Za-z0-9_-]+|(?:{'|'.join(SECRET_KEYS)})\.[A-Za-z]+"
)
SecretTarget = Annotated[
    str,
    _text(
        _TARGET,
        "a variable such as JIRA_TOKEN, or a file such as githubAppSecrets.privateKey",
        "JIRA_TOKEN",
        253,
    ),
]
# The names that JMESPath and gjson, the drivers' languages, read alike.
Property = Annotated[
    str,
    _text(
        r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*",
        "the name of a property, with dots for one inside another",
        "token",
        253,
    ),
]
ManagedSecret = Annotated[
    str,
    _text(
        r"[A-Za-z0-9/_+=.@-]{1,512}"
        rf"|{_ARN}:secretsmanager:[a-z0-9-]+:[0-9]{{12}}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{{6}}",
        "the name of a Secrets Manager secret, or its whole ARN with the six last characters",
        "backstage/jira",
    ),
]
_PARAMETER = r"(?:/[A-Za-z0-9_.-]+)+"
Parameter = Annotated[
    str,
    _text(
        rf"[A-Za-z0-9_.-]+|{_PARAMETER}"
        rf"|{_ARN}:ssm:[a-z0-9-]+:[0-9]{{12}}:parameter(?:/[A-Za-z0-9_.-]+)+",
        "the name of an SSM parameter, with a leading slash if it has any, or its ARN",
        "/backstage/session-secret",
    ),
]
SecretVersion = Annotated[
    str,
    Field(
        pattern=r"^(?:[A-Za-z0-9-]{32,64}|[1-9][0-9]{0,9})$",
        json_schema_extra={
            "errorMessage": "the version id of a Secrets Manager secret, or the number of a "
            "parameter's version",
            "type": ["string", "integer"],
        },
    ),
]
SecretKey = Annotated[
    str,
    _text(r"[A-Za-z0-9._-]+", "a key of that Secret", "token", 253),
]
ObjectName = Annotated[
    str,
    _text(
        rf"{LABEL}(?:\.{LABEL})*",
        "the name of a Kubernetes object: a-z, 0-9, '-' and '.'",
        "aws-secrets",
        253,
    ),
]


class SecretSource(Model, alias_generator=to_camel):
    """Where a secret is kept, and what of it the pods get."""

    secrets_manager: ManagedSecret | None = None
    parameter: Parameter | None = None
    keys: dict[SecretTarget, Property] = Field(default_factory=dict)
    target: SecretTarget | None = Field(None, alias="as")
    version: SecretVersion | None = None

    @property
    def name(self) -> str:
        """Name or ARN of the secret or parameter."""
        return self.secrets_manager or self.parameter or ""


SecretSources = Annotated[
    tuple[SecretSource, ...],
    _allowing(
        "a list of objects with secretsManager or parameter, and keys, or as for the whole value; "
        "optional version",
        [
            {
                "secretsManager": "backstage/jira",
                "keys": {"JIRA_TOKEN": "token"},
            }
        ],
    ),
]


class SecretStore(Model, alias_generator=to_camel):
    """A store of the External Secrets Operator."""

    name: ObjectName
    kind: Literal["ClusterSecretStore", "SecretStore"] = "ClusterSecretStore"


class ExistingSecret(Model, alias_generator=to_camel):
    """A Secret that somebody else fills."""

    name: ObjectName
    keys: Annotated[
        dict[SecretTarget, SecretKey],
        Field(min_length=1),
        _allowing("an object of at least one entry, variable: key", {"JIRA_TOKEN": "token"}),
    ]


# Files, read when the configuration is


def _file(load: Any, allowed: str, example: str) -> tuple[Any, Any]:
    def read(path: Any) -> Any:
        if not isinstance(path, str):
            raise ValueError("a path is text")
        return load(path)

    schema = {"type": "string", "errorMessage": allowed, "examples": [example]}
    return PlainValidator(read), WithJsonSchema(schema)


AppConfigFile = Annotated[
    AppConfig,
    *_file(
        AppConfig.load, "a file with a Backstage configuration", "assets/app-config.production.yaml"
    ),
]
PermissionsFile = Annotated[
    Permissions,
    *_file(
        Permissions.load, "a CSV file of roles, as docs/permissions.md", "assets/permissions.csv"
    ),
]
PermissionConditionsFile = Annotated[
    Conditions,
    *_file(
        Conditions.load,
        "a YAML file of conditional policies, as docs/permissions.md",
        "assets/permission-conditions.yaml",
    ),
]
PermissionName = Annotated[
    str,
    _text(
        r"[A-Za-z0-9][A-Za-z0-9_.:/-]*",
        "the name of a permission or a resource type",
        "jenkins.execute",
        200,
    ),
]
CaBundleFile = Annotated[
    CaBundle, *_file(CaBundle.load, "a file with PEM certificates", "assets/rds-ca-bundle.pem")
]
AppFolder = Annotated[
    BackstageApp,
    *_file(
        BackstageApp.load,
        "the folder of a Backstage app with yarn 4 and the new backend system, as "
        "`npx @backstage/create-app` makes it",
        "portal",
    ),
]
