"""TechDocs: the bucket, and how the portal reads it."""

from __future__ import annotations

import pytest

from tests.programs import CREATING, STACKS, previewed
from tests.stacks.pods import MIGRATION_JOB, PORTAL, templates, variables
from tests.tokens import ASSOCIATION, BUCKET, DEPLOYMENT, SERVICE_ACCOUNT

PUBLISHER = "APP_CONFIG_techdocs_publisher"
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"


@pytest.mark.parametrize("stack", STACKS)
def test_bucket_is_created_on_request_only(stack: str) -> None:
    program = previewed(stack)
    assert len(program.all(BUCKET)) == (stack in CREATING)
    assert ("techdocsBucketName" in program.outputs) == (stack in (*CREATING, "irsa"))


@pytest.mark.parametrize(
    ("stack", "bucket", "region"),
    [("dev", "backstage-techdocs", "us-east-1"), ("irsa", "platform-docs", "eu-central-1")],
)
@pytest.mark.parametrize("workload", [PORTAL, MIGRATION_JOB])
def test_pods_read_the_bucket(stack: str, bucket: str, region: str, workload: str) -> None:
    program = previewed(stack, creates=True)
    found = variables(templates(program)[workload])
    assert found["TECHDOCS_PUBLISHER"] == "awsS3"
    assert found["TECHDOCS_BUCKET"] == bucket
    assert found[f"{PUBLISHER}_awsS3_bucketName"] == bucket
    assert found[f"{PUBLISHER}_awsS3_region"] == region
    # The schema of a publisher takes one type only.
    assert f"{PUBLISHER}_local_publishDirectory" not in found
    assert program.outputs["techdocsBucketName"] == bucket


def test_pod_identity_exists_before_the_pods() -> None:
    """Its agent injects credentials when a pod is created."""
    program = previewed("dev")
    [association] = [each for each in program.all(ASSOCIATION) if "techdocs" in each.name]
    assert association.urn in program.one(DEPLOYMENT).dependencies
    for account in program.all(SERVICE_ACCOUNT):
        assert "annotations" not in account.inputs["metadata"]


def test_irsa_annotates_the_service_account() -> None:
    program = previewed("irsa", creates=True)
    annotations = {
        each.name: each.inputs["metadata"].get("annotations", {})
        for each in program.all(SERVICE_ACCOUNT)
    }
    roles = annotations.pop("backstage-service-account")
    assert not any(annotations.values())
    assert roles[ROLE_ANNOTATION].endswith("backstage-techdocs-role")
