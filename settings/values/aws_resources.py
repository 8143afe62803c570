"""Types of what exists in an AWS account: cluster, network, ARNs, buckets, topics."""

from __future__ import annotations

import re
import shlex
from typing import Annotated

import pulumi
from pydantic import AfterValidator, BeforeValidator, Field

from settings.problem import Printed, StandsFor
from settings.values.aws import ARN
from settings.values.common import LABEL, NAME, UNIQUE, allowing, matching

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
