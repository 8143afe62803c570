"""S3 buckets, ECR repositories, log groups, and topics.

Controls: AWS Security Hub's user guide, November 2026; CIS AWS Foundations Benchmark 3.0.0.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import require, rule, some

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
REPOSITORY = "aws:ecr/repository:Repository"
REPOSITORY_LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
TOPIC = "aws:sns/topic:Topic"
LOG_DAYS = 365  # CloudWatch.16's default
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

require(
    "ecr-scan", REPOSITORY,
    at="imageScanningConfiguration.scanOnPush", met=lambda node: node.value is True,
    controls=("ECR.1",), severity="high",
    what="images are scanned when they are pushed",
    says="scanOnPush is {}: nobody hears of a vulnerable image",
    fix="imageScanningConfiguration: {scanOnPush: true}",
)  # fmt: skip
require(
    "ecr-immutable-tags", REPOSITORY,
    at="imageTagMutability",
    met=lambda node: node.text in ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"),
    controls=("ECR.2",),
    what="a tag names the same image for ever",
    says="imageTagMutability is {}: a push can change what runs under a tag",
    fix="imageTagMutability: IMMUTABLE",
)  # fmt: skip
require(
    "log-retention", LOG_GROUP,
    at="retentionInDays", met=lambda node: (node.number or LOG_DAYS) >= LOG_DAYS,  # unset: for ever
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
    "ecr-lifecycle",
    REPOSITORY,
    controls=("ECR.3",),
    whole=True,
    what="old images expire",
    fix="an aws:ecr:LifecyclePolicy",
)
def repository_lifecycle(resource: Resource, plan: Plan) -> Iterator[str]:
    policies = plan.referring(resource, REPOSITORY_LIFECYCLE, "repository")
    if not any(policy.inputs.at("policy").json.at("rules").items for policy in policies):
        yield "no lifecycle policy: images stay, and cost, for ever"


@rule(
    "ecr-own-key",
    REPOSITORY,
    controls=("ECR.5",),
    level="disabled",
    what="images are encrypted with a key of your own",
    fix="encryptionConfigurations: [{encryptionType: KMS, kmsKey: ARN}]; in this project kmsKeyArn",
)
def repository_key(resource: Resource, _: Plan) -> Iterator[str]:
    configurations = resource.inputs.at("encryptionConfigurations").items
    if not any(configuration.at("kmsKey").text for configuration in configurations):
        yield "images are encrypted with a key of AWS's"


@rule(
    "s3-tls-only",
    BUCKET,
    controls=("S3.5", "CIS AWS 2.1.1"),
    whole=True,
    what="the bucket refuses requests without TLS",
    fix="an aws:s3:BucketPolicy that denies s3:* where aws:SecureTransport is false",
)
def tls_only(resource: Resource, plan: Plan) -> Iterator[str]:
    def denies(policy: Resource) -> bool:
        statements = policy.inputs.at("policy").json.at("Statement").items
        return some(statements, _denies_plain_requests)

    if not some(plan.referring(resource, BUCKET_POLICY, "bucket", "bucket"), denies):
        yield "no policy of the bucket denies requests without TLS"


def _denies_plain_requests(statement: Node) -> bool:
    wanted = statement.at("Condition", "Bool", "aws:SecureTransport").value
    every = {each.text for each in statement.at("Action").items} & {"*", "s3:*"}
    return statement.at("Effect").text == "Deny" and str(wanted).lower() == "false" and bool(every)


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
    blocks = list(plan.referring(resource, PUBLIC_ACCESS, "bucket", "bucket"))
    missing = [
        name for name in _BLOCKS if not any(each.inputs.at(name).value is True for each in blocks)
    ]
    if missing:
        yield f"not blocked: {', '.join(missing)}"


def _bucket_has(
    name: str, type_: str, at: str, value: str, what: str, says: str, fix: str, *controls: str,
    severity: str = "medium", level: str = "mandatory",
) -> None:  # fmt: skip
    """A rule that a resource about the bucket exists, in which `at` is `value`, if given."""

    @rule(
        name, BUCKET, controls=controls, what=what, fix=fix, whole=True,
        severity=severity, level=level,  # type: ignore[arg-type]
    )  # fmt: skip
    def check(resource: Resource, plan: Plan) -> Iterator[str]:
        found = [
            other.inputs.at(*at.split("."))
            for other in plan.referring(resource, type_, "bucket", "bucket")
        ]
        if not any(node.text == value if value else node.text for node in found):
            yield says


_bucket_has(
    "s3-no-acls", OWNERSHIP, "rule.objectOwnership", "BucketOwnerEnforced",
    "objects have no access control lists",
    "access control lists can give an object to somebody else",
    "aws:s3:BucketOwnershipControls with objectOwnership BucketOwnerEnforced", "S3.12",
)  # fmt: skip
_bucket_has(
    "s3-versioning", VERSIONING, "versioningConfiguration.status", "Enabled",
    "an overwritten object can be restored", "an overwritten or deleted object is lost",
    "aws:s3:BucketVersioning with status Enabled", "S3.14", severity="low",
)  # fmt: skip
_bucket_has(
    "s3-lifecycle", LIFECYCLE, "rules", "",
    "old versions expire", "versions stay, and cost, for ever",
    "an aws:s3:BucketLifecycleConfiguration", "S3.13", severity="low",
)  # fmt: skip
_bucket_has(
    "s3-access-logs", LOGGING, "targetBucket", "",
    "requests to the bucket are logged", "nothing logs who reads the bucket",
    "an aws:s3:BucketLogging", "S3.9", level="disabled",
)  # fmt: skip
