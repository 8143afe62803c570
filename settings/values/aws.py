"""Types of values of AWS."""

from __future__ import annotations

import re
import shlex
from typing import Annotated

import pulumi
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.alias_generators import to_camel

from settings.nearest import nearest
from settings.problem import Misspelt, Printed, StandsFor
from settings.values.common import LABEL, NAME, UNIQUE, Model, allowing, matching, scalar

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
AccountId = Annotated[str, matching(r"[0-9]{12}", "an account id of 12 digits", "123456789012")]
Profile = Annotated[str, matching(r"[^\x00-\x1f]+", "the name of a profile", "platform"), NAME]
ClusterName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}",
        "the name of an EKS cluster: letters, digits, '-' and '_', at most 100",
        "platform-prod",
    ),
    NAME,
]
SecurityGroup = Annotated[
    str, matching(r"sg-[0-9a-f]{8,17}", "a security group id", "sg-0123456789abcdef0")
]
Subnet = Annotated[
    str, matching(r"subnet-[0-9a-f]{8,17}", "a subnet id", "subnet-0123456789abcdef0")
]
Subnets = Annotated[
    tuple[Subnet, ...],
    Field(min_length=2),
    UNIQUE,
    allowing(
        "a list of two subnets or more, each entry once and a subnet id, in different zones; or "
        "unset: the cluster's private subnets",
        ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    ),
]
ARN = r"arn:aws[a-z-]*"
CertificateArn = Annotated[
    str,
    matching(
        rf"{ARN}:acm:[a-z0-9-]+:[0-9]{{12}}:certificate/[A-Za-z0-9-]+",
        "the ARN of an ACM certificate",
        "arn:aws:acm:us-east-1:123456789012:certificate/8f7e6d5c-4b3a-4291-8807-f6e5d4c3b2a1",
    ),
]
WebAclArn = Annotated[
    str,
    matching(
        rf"{ARN}:wafv2:[a-z0-9-]+:[0-9]{{12}}:regional/webacl/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+",
        "the ARN of a regional WAFv2 web ACL",
        "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/portal/"
        "1b2c3d4e-0000-4000-8000-5f6a7b8c9d0e",
    ),
]
RoleArn = Annotated[
    str,
    matching(
        rf"{ARN}:iam::[0-9]{{12}}:role/[A-Za-z0-9+=,.@_/-]+",
        "the ARN of an IAM role",
        "arn:aws:iam::123456789012:role/deploy",
    ),
]
BoundaryArn = Annotated[
    str,
    matching(
        rf"{ARN}:iam::(?:[0-9]{{12}}|aws):policy/[A-Za-z0-9+=,.@_/-]+",
        "the ARN of an IAM policy",
        "arn:aws:iam::123456789012:policy/boundary",
    ),
]
# What else `aws kms describe-key` knows a key by: an alias, its ARN, a bare id.
_KEY_ID = re.compile(
    rf"(?:{ARN}:kms:(?P<region>[a-z0-9-]+):[0-9]{{12}}:)?alias/[A-Za-z0-9/_-]+"
    r"|(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-|mrk-[0-9a-f]{20})[0-9a-f]{12}"
)


def _kms_key(value: object) -> object:
    if found := _KEY_ID.fullmatch(str(value)):
        if "alias/aws/" in found[0]:  # a service's, of no use to the others
            raise StandsFor(None, said="AWS's own keys are the default")
        region = found["region"] or pulumi.Config("aws").get("region")
        there = f" --region {shlex.quote(region)}" if region else ""
        command = f"aws kms describe-key --key-id {found[0]}{there} --query KeyMetadata.Arn"
        raise StandsFor(Printed(f"{command} --output text"))
    return value


KmsKeyArn = Annotated[
    str,
    matching(
        rf"{ARN}:kms:[a-z0-9-]+:[0-9]{{12}}:key/[A-Za-z0-9-]+",
        "the ARN of a KMS key, not of an alias",
        "arn:aws:kms:us-east-1:123456789012:key/1b2c3d4e-0000-4000-8000-5f6a7b8c9d0e",
    ),
    BeforeValidator(_kms_key),
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
    allowing(
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


Url = Annotated[str, matching(r"https?://\S+", "a URL", "https://rds.example.com")]
Endpoints = Annotated[
    tuple[dict[str, Url], ...],
    AfterValidator(_services),
    allowing(
        "a list of objects that map the provider's service names to URLs",
        [{"rds": "https://rds.example.com"}],
    ),
]


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
    matching(_BUCKET, "the name of an S3 bucket", "platform-alb-logs"),
    NAME,
    AfterValidator(_bucket_name),
]


def _topic(value: object) -> object:
    address = str(value)
    protocol = (
        "email" if re.fullmatch(r"[^\s@:]+@[^\s@:]+", address) else address.partition("://")[0]
    )
    if protocol in ("email", "https"):
        stack = pulumi.get_stack()
        raise StandsFor(
            "create",
            "After pulumi up, subscribe the address: aws sns subscribe --topic-arn "
            f'"$(pulumi stack output --stack {stack} alarmTopicArn)" --protocol {protocol} '
            f"--notification-endpoint {shlex.quote(address)}",
        )
    return value


AlarmTopic = Annotated[
    str,
    matching(
        rf"create|{ARN}:sns:[a-z0-9-]+:[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}",
        "create, or the ARN of an SNS topic (not a FIFO one, which takes no alarms)",
        "create",
    ),
    BeforeValidator(_topic),
]
TechdocsBucket = Annotated[
    str,
    matching(_BUCKET, "create, or the name of an S3 bucket", "create"),
    NAME,
    AfterValidator(_bucket_name),
]


def _not_reserved(name: str) -> str:
    if name.lower().startswith("aws:"):
        raise ValueError
    return name


TagName = Annotated[
    str,
    matching(
        r"[\w .:/=+@-]+",
        "1 to 128 letters, digits, spaces and . : / = + @ _ -, not starting with aws:",
        "team",
        128,
    ),
    AfterValidator(_not_reserved),
]
TagValue = Annotated[
    str,
    BeforeValidator(scalar),
    matching(r"[\w .:/=+@-]*", "at most 256 of the same characters", "platform", 256),
]
