"""The documentation site's bucket, and what the portal's pods may do with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ROOT_STACK_RESOURCE, Alias, Input, Output, ResourceOptions

from components.cluster.cluster import ClusterFacts
from components.cluster.pod_role import PodRole, PodRoleArgs, allow

CREATE = "create"
NONCURRENT_DAYS = 30
ABORT_DAYS = 7  # of uploads that never completed


@dataclass(frozen=True)
class TechDocsArgs:
    bucket: str
    """`create`, or the name of an existing bucket."""
    cluster: ClusterFacts
    workload_identity: str
    """`pod-identity` or `irsa`."""
    namespace: str
    service_account: str
    """Whose pods read the bucket."""


class TechDocs(pulumi.ComponentResource):
    """Creates a private, encrypted, versioned bucket that is reached over TLS only, and a role
    that may list and read it. Publishing is CI's, with a role of its own.

    An existing bucket stays as it is; only the role is created.
    """

    bucket_name: Output[str]
    pod_role: PodRole
    """Of the portal's pods. Its alias is the role of a portal without TechDocs: a service account
    can't have a second association, so the role has to move when the bucket comes or goes."""
    variables: Mapping[str, Input[str]]
    """Variables of the portal that point it at the bucket."""

    def __init__(self, name: str, args: TechDocsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("backstage:techdocs:TechDocs", name, None, opts)
        if args.bucket == CREATE:
            self.bucket_name = self._bucket(name, args)
        else:
            self.bucket_name = Output.from_input(args.bucket)
        self.pod_role = PodRole(
            f"{name}-techdocs",
            PodRoleArgs(
                cluster=args.cluster,
                workload_identity=args.workload_identity,
                namespace=args.namespace,
                service_account=args.service_account,
                description="Backstage portal: reads its documentation",
            ),
            ResourceOptions(parent=self, aliases=[Alias(name=name, parent=ROOT_STACK_RESOURCE)]),
        )
        publisher = "APP_CONFIG_techdocs_publisher_awsS3"
        self.variables = {
            "TECHDOCS_PUBLISHER": "awsS3",
            "TECHDOCS_BUCKET": self.bucket_name,
            f"{publisher}_bucketName": self.bucket_name,
            f"{publisher}_region": args.cluster.region,
        }
        arn = _bucket_arn(args, self.bucket_name)
        objects = Output.format("{0}/*", arn)
        # What the read path calls: HeadBucket, ListObjectsV2, HeadObject, GetObject.
        read: list[dict[str, Any]] = [
            {"Action": ["s3:ListBucket"], "Resource": arn},
            {"Action": ["s3:GetObject"], "Resource": objects},
        ]
        if args.cluster.kms_key_arn:
            # S3 puts the bucket's ARN into the context, or the object's without a bucket key.
            context = {"kms:EncryptionContext:aws:s3:arn": [arn, objects]}
            read.append(
                {
                    "Action": ["kms:Decrypt"],
                    "Resource": args.cluster.kms_key_arn,
                    "Condition": {"StringLike": context},
                }
            )
        allow(f"{name}-techdocs-read", self.pod_role, read, ResourceOptions(parent=self))
        self.register_outputs({"bucketName": self.bucket_name})

    def _bucket(self, name: str, args: TechDocsArgs) -> Output[str]:
        child = ResourceOptions(parent=self)
        bucket = aws.s3.Bucket(f"{name}-techdocs", opts=child)
        blocked = aws.s3.BucketPublicAccessBlock(
            f"{name}-techdocs-public-access",
            aws.s3.BucketPublicAccessBlockArgs(
                bucket=bucket.id,
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
            ),
            opts=child,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-techdocs-ownership",
            aws.s3.BucketOwnershipControlsArgs(
                bucket=bucket.id,
                rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            ),
            opts=child,
        )
        key = args.cluster.kms_key_arn
        # Keyword arguments: the Args classes of these names are those of the bucket's own fields.
        by_default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(  # noqa: E501
            sse_algorithm="aws:kms" if key else "AES256", kms_master_key_id=key
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-techdocs-encryption",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=by_default,
                    bucket_key_enabled=True if key else None,  # one request to KMS for many objects
                )
            ],
            opts=child,
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-techdocs-versioning",
            bucket=bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(
                status="Enabled"
            ),
            opts=child,
        )
        expiry = aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=NONCURRENT_DAYS
        )
        abort = aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=ABORT_DAYS
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-techdocs-lifecycle",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="expire-earlier-versions",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    noncurrent_version_expiration=expiry,
                    abort_incomplete_multipart_upload=abort,  # CKV_AWS_300
                )
            ],
            opts=ResourceOptions(parent=self, depends_on=[versioning]),
        )
        arn = _bucket_arn(args, bucket.id)
        aws.s3.BucketPolicy(
            f"{name}-techdocs-tls-only",
            aws.s3.BucketPolicyArgs(bucket=bucket.id, policy=arn.apply(_tls_only)),
            # Concurrent changes of a bucket's policy fail with OperationAborted.
            opts=ResourceOptions(parent=self, depends_on=[blocked]),
        )
        return bucket.id


def _bucket_arn(args: TechDocsArgs, bucket: Output[str]) -> Output[str]:
    return Output.format("arn:{0}:s3:::{1}", args.cluster.partition, bucket)


def _tls_only(arn: str) -> str:
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
