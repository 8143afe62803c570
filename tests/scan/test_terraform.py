"""The Terraform text that checkov reads: complete, with references instead of unknown values."""

from __future__ import annotations

import re

import pytest

from tests.programs import EKS_STACKS, previewed
from tools.scan.terraform import terraform


def text(stack: str) -> str:
    return terraform(previewed(stack).recording, previewed(stack, creates=True).recording)


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_every_aws_resource_is_there_and_every_reference_resolves(stack: str) -> None:
    resources = previewed(stack).recording.resources.values()
    blocks = re.findall(r'^resource "(\w+)" "([\w.-]+)" \{$', text(stack), re.M)
    assert sorted(name for _, name in blocks) == sorted(
        each.name for each in resources if each.type.startswith("aws:")
    )
    references = re.findall(r"(?<!\$)\$\{(\w+)\.([\w.-]+)\.id\}", text(stack))
    assert set(references) <= set(blocks)


def test_names_blocks_and_references_are_terraforms() -> None:
    lines = text("dev").splitlines()
    assert "iam_database_authentication_enabled = true" in lines
    assert 'vpc_security_group_ids = ["${aws_security_group.backstage-security-group.id}"]' in lines
    start = lines.index("serverlessv2_scaling_configuration {")
    assert lines[start + 1 : start + 4] == ["max_capacity = 2", "min_capacity = 0.5", "}"]
    assert lines.count("parameter {") == 3  # a list of blocks


def test_policies_are_written_out_and_secrets_are_not() -> None:
    policies = re.findall(r'^(?:assume_role_)?policy = "(.*)"$', text("dev"), re.M)
    assert len(policies) > 3
    assert all("Statement" in policy or "rules" in policy for policy in policies)
    assert "canary" not in text("internet-facing")
    assert 'master_password = "[secret]"' in text("dev").splitlines()


def test_an_unknown_type_is_an_error() -> None:
    created = previewed("dev", creates=True).recording
    resource = next(each for each in created.resources.values() if "s3/bucket:" in each.type)
    planned = previewed("dev").recording
    urn = resource.urn.replace("s3/bucket:Bucket", "sqs/queue:Queue")
    changed = type(planned)(resources={urn: resource})
    with pytest.raises(KeyError, match="sqs/queue"):
        terraform(changed, changed)
