"""The documentation site's bucket and the role that reads it."""

from __future__ import annotations

import json

import pulumi
from pulumi import ResourceOptions

from components.portal.techdocs import TechDocs, TechDocsArgs
from tests.components.parts import MODES, facts, run, statement
from tests.programs import Program
from tests.tokens import BUCKET, ROLE_POLICY

ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


def techdocs(bucket: str, creates: bool, identity: str = "pod-identity") -> Program:
    def build(opts: ResourceOptions) -> None:
        docs = TechDocs("t", TechDocsArgs(bucket, facts(), identity, "ns", "sa"), opts)
        pulumi.export("variables", docs.variables)

    return run(build, creates)


@MODES
def test_created_bucket_is_private_encrypted_and_versioned(creates: bool) -> None:
    program = techdocs("create", creates)
    access = program.inputs(ACCESS)
    assert [value for key, value in access.items() if key != "bucket"] == [True] * 4
    assert program.inputs(VERSIONING)["versioningConfiguration"] == {"status": "Enabled"}
    assert program.types() >= {
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    }
    if creates:
        refused = statement(program.inputs("aws:s3/bucketPolicy:BucketPolicy")["policy"])
        assert refused["Effect"] == "Deny"
        assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@MODES
def test_uploads_that_never_completed_expire(creates: bool) -> None:
    rules = techdocs("create", creates).inputs(LIFECYCLE)["rules"]
    assert {"daysAfterInitiation": 7} in [
        rule.get("abortIncompleteMultipartUpload") for rule in rules
    ]


def test_created_bucket_is_read_only_to_the_pods() -> None:
    program = techdocs("create", creates=True)
    policy = json.loads(program.inputs(ROLE_POLICY)["policy"])
    assert [each["Action"] for each in policy["Statement"]] == [["s3:ListBucket"], ["s3:GetObject"]]


@MODES
def test_existing_bucket_gets_a_role_only(creates: bool) -> None:
    program = techdocs("docs", creates, identity="irsa")
    assert program.all(BUCKET) == []
    assert not [each for each in program.types() if each.startswith("aws:s3/")]
    policy = json.loads(program.inputs(ROLE_POLICY)["policy"])
    assert [each["Resource"] for each in policy["Statement"]] == [
        "arn:aws:s3:::docs",
        "arn:aws:s3:::docs/*",
    ]
    assert program.outputs["variables"] == {
        "TECHDOCS_PUBLISHER": "awsS3",
        "TECHDOCS_BUCKET": "docs",
        "APP_CONFIG_techdocs_publisher_awsS3_bucketName": "docs",
        "APP_CONFIG_techdocs_publisher_awsS3_region": "eu-west-1",
    }
