"""S3 buckets, log groups, and topics.

Controls: AWS Security Hub's user guide, November 2026; CIS AWS Foundations Benchmark 3.0.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from policy.documents import for_anyone, statements
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import Level, Severity, holding, require, rule, some

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ACCOUNT_PUBLIC_ACCESS = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
TOPIC = "aws:sns/topic:Topic"
LOG_DAYS = 365  # CloudWatch.16's default
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

require(
    "log-retention", LOG_GROUP,
    at="retentionInDays", met=lambda node: (node.number or LOG_DAYS) >= LOG_DAYS,  # unset: forever
    controls=("CloudWatch.16",),
    what=f"logs are kept for {LOG_DAYS} days",
    says=f"retentionInDays is {{}}; {LOG_DAYS} at least",
    fix=f"retentionInDays: {LOG_DAYS}",
)  # fmt: skip
require(
    "sns-encrypted", TOPIC,
    at="kmsMasterKeyId", met=lambda node: node.text not in ("", "alias/aws/sns"),
    controls=("SNS.1",), level="disabled",
    what="messages are encrypted with a key of your own",
    says="kmsMasterKeyId is {}",
    fix="kmsMasterKeyId with a key whose policy allows cloudwatch.amazonaws.com to use it",
)  # fmt: skip


@rule(
    "s3-tls-only",
    BUCKET,
    controls=("S3.5", "CIS AWS 2.1.1"),
    whole=True,
    what="the bucket refuses requests without TLS",
    fix="an aws:s3:BucketPolicy that denies s3:* where aws:SecureTransport is false",
)
def tls_only(resource: Resource, plan: Plan) -> Iterator[str]:
    policies = [
        other.inputs.at("policy")
        for other in plan.referring(resource, BUCKET_POLICY, "bucket", "bucket")
    ]
    policies.append(resource.inputs.at("policy"))

    def denies(policy: Node) -> bool:
        denying = list(holding(statements(policy), _denies_plain_requests))
        arns = {arn for statement in denying for arn in statement.at("Resource").texts}
        return _whole({arn.rpartition(":")[2] for arn in arns})

    if not some(policies, denies):
        yield "no policy denies everyone's requests without TLS, for the bucket and all its objects"


def _whole(names: set[str]) -> bool:
    """Whether ARNs that end so are the bucket and all its objects."""
    objects = any(re.fullmatch(r"[^/]*\*|[^/]+/\*", name) for name in names)
    return objects and any("/" not in name for name in names)


def _denies_plain_requests(statement: Node) -> bool:
    conditions = [
        (operator.lower(), key.lower(), {text.lower() for text in values.texts})
        for operator, keys in statement.at("Condition").entries.items()
        for key, values in keys.entries.items()
    ]
    return (
        statement.at("Effect").text == "Deny"
        and for_anyone(statement)
        and bool(statement.at("Action").texts & {"*", "s3:*"})
        and len(conditions) == 1
        and conditions[0][0] in ("bool", "boolifexists")
        and conditions[0][1:] == ("aws:securetransport", {"false"})
    )


@rule(
    "s3-no-public-access",
    BUCKET,
    controls=("S3.2", "S3.3", "S3.8", "CIS AWS 2.1.4"),
    severity="high",
    whole=True,
    what="the bucket can't be made public",
    fix=f"an aws:s3:BucketPublicAccessBlock with {', '.join(_BLOCKS)}",
)
def no_public_access(resource: Resource, plan: Plan) -> Iterator[str]:
    blocks = plan.of(ACCOUNT_PUBLIC_ACCESS)
    blocks += plan.referring(resource, PUBLIC_ACCESS, "bucket", "bucket")
    on = {name for block in blocks for name in _BLOCKS if block.inputs.at(name).flag}
    missing = [name for name in _BLOCKS if name not in on]
    if missing:
        yield f"not blocked: {', '.join(missing)}"


def _bucket_has(
    name: str, type_: str, at: tuple[str, ...], inline: tuple[str, ...],
    met: Callable[[Node], bool], what: str, says: str, fix: str, *controls: str,
    severity: Severity = "medium", level: Level = "mandatory",
) -> None:  # fmt: skip
    """A rule that a resource about the bucket, or a property of its own, meets something."""

    @rule(name, BUCKET, controls=controls, what=what, fix=fix, whole=True, severity=severity,
          level=level)  # fmt: skip
    def check(resource: Resource, plan: Plan) -> Iterator[str]:
        others = plan.referring(resource, type_, "bucket", "bucket")
        found = [item for other in others for item in other.inputs.at(*at).items]
        found += [item for key in inline for item in resource.inputs.at(key).items]
        if not some(found, met):
            yield says


def _expires_versions(entry: Node) -> bool:
    on = entry.at("status").text == "Enabled" or entry.at("enabled").flag is True
    return on and bool(entry.at("noncurrentVersionExpiration").entries)


_bucket_has(
    "s3-no-acls", OWNERSHIP, ("rule",), (),
    lambda node: node.at("objectOwnership").text == "BucketOwnerEnforced",
    "objects have no access control lists",
    "access control lists can give an object to somebody else",
    "aws:s3:BucketOwnershipControls with objectOwnership BucketOwnerEnforced", "S3.12",
)  # fmt: skip
_bucket_has(
    "s3-versioning", VERSIONING, ("versioningConfiguration",), ("versioning", "versionings"),
    lambda node: node.at("status").text == "Enabled" or node.at("enabled").flag is True,
    "an overwritten object can be restored", "an overwritten or deleted object is lost",
    "aws:s3:BucketVersioning with status Enabled", "S3.14", severity="low",
)  # fmt: skip
_bucket_has(
    "s3-lifecycle", LIFECYCLE, ("rules",), ("lifecycleRules",), _expires_versions,
    "old versions expire", "versions stay, and cost, forever",
    "an aws:s3:BucketLifecycleConfiguration with noncurrentVersionExpiration", "S3.13",
    severity="low",
)  # fmt: skip
_bucket_has(
    "s3-access-logs", LOGGING, (), ("logging", "loggings"),
    lambda node: node.at("targetBucket").text != "",
    "requests to the bucket are logged", "nothing logs who reads the bucket",
    "an aws:s3:BucketLogging", "S3.9", level="disabled",
)  # fmt: skip
