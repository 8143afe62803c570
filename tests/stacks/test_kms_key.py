"""kmsKeyArn: what it encrypts, who may use it, and its policy in the documentation."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pulumi_aws as aws
import pytest

from tests.programs import EKS_STACKS, ROOT, Program, changed, differing, previewed
from tests.settings.key_table import KEY
from tests.tokens import (
    AWS_SECRET,
    CLUSTER,
    ENCRYPTION,
    INSTANCE,
    LOG_GROUP,
    REPOSITORY,
    ROLE_POLICY,
    TOPIC,
)

# Where each type takes a key. Of no other does the program create data at rest.
PLACES = {
    CLUSTER: ("kmsKeyId",),
    INSTANCE: ("performanceInsightsKmsKeyId",),
    AWS_SECRET: ("kmsKeyId",),
    LOG_GROUP: ("kmsKeyId",),
    REPOSITORY: ("encryptionConfigurations", 0, "kmsKey"),
    ENCRYPTION: ("rules", 0, "applyServerSideEncryptionByDefault", "kmsMasterKeyId"),
    TOPIC: ("kmsMasterKeyId",),
}
# A second key of the cluster, with a managed master password (test_database_login.py), and one that
# the program doesn't use, for Performance Insights of a whole cluster.
OTHERS = {
    (CLUSTER, "master_user_secret_kms_key_id"),
    (CLUSTER, "performance_insights_kms_key_id"),
}
KEEPING = {CLUSTER: "kmsKeyId", INSTANCE: "performanceInsightsKmsKeyId",
           REPOSITORY: "encryptionConfigurations"}  # fmt: skip


def keyed(stack: str) -> Program:
    region = previewed(stack).inputs("pulumi:providers:aws")["region"]
    return changed(stack, {"kmsKeyArn": KEY.replace("us-east-1", region)}, creates=True)


def at(inputs: Any, place: tuple[str | int, ...]) -> Any:
    for step in place:
        inputs = inputs[step]
    return inputs


@pytest.mark.parametrize(
    "stack", ["dev", "prod", "iam", "snapshot-restore", "existing-environment"]
)
def test_everything_that_takes_a_key_has_it_and_nothing_else_changes(stack: str) -> None:
    program = keyed(stack)
    encrypted = {type_: program.all(type_) for type_ in PLACES}
    for type_, resources in encrypted.items():
        for resource in resources:
            assert at(resource.inputs, PLACES[type_]).endswith(KEY.rpartition(":")[2])
    policies = {each.name for each in program.all(ROLE_POLICY) if "kms:" in each.inputs["policy"]}
    names = {each.name for resources in encrypted.values() for each in resources}
    assert differing(previewed(stack, creates=True), program) == names | policies
    assert program.recording.warnings == previewed(stack, creates=True).recording.warnings


def test_no_other_resource_takes_a_key() -> None:
    types = {type_ for stack in EKS_STACKS for type_ in previewed(stack).types()}
    taking = set()
    for type_ in types:
        package, module, name = type_.split(":")
        if package == "aws":
            resource = getattr(getattr(aws, module.partition("/")[0]), name)
            taking |= {
                (type_, argument)
                for argument in inspect.signature(resource._internal_init).parameters
                if "kms" in argument
            }
    assert {type_ for type_, _ in taking - OTHERS} <= set(PLACES)
    assert taking >= OTHERS


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_what_keeps_its_key_for_life_ignores_a_change_of_it(stack: str) -> None:
    for type_, argument in KEEPING.items():
        for resource in previewed(stack).all(type_):
            assert argument in resource.ignore_changes


def test_pods_decrypt_the_documentation_and_nothing_else() -> None:
    program = changed("dev", {"kmsKeyArn": KEY}, creates=True)
    [policy] = [json.loads(each.inputs["policy"]) for each in program.all(ROLE_POLICY)]
    [decrypt] = [each for each in policy["Statement"] if "kms:Decrypt" in each["Action"]]
    bucket = "arn:aws:s3:::backstage-techdocs"
    assert decrypt == {
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": KEY,
        "Condition": {
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket, f"{bucket}/*"]},
        },
    }
    [rule] = program.inputs(ENCRYPTION)["rules"]
    assert rule["bucketKeyEnabled"] is True
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    # The publisher's policy in docs/portal.md: the same statement, with what uploads ask for.
    page = (ROOT / "docs" / "portal.md").read_text(encoding="utf-8")
    [text] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    *_, encrypt = json.loads(text.replace("arn:aws:s3:::BUCKET", bucket))["Statement"]
    assert {*encrypt["Action"]} == {f"kms:{action}" for action in BY_CALLER["s3"]}
    assert encrypt["Condition"] == decrypt["Condition"]


# The policy in the documentation.

PAGE = (ROOT / "docs" / "existing-environment.md").read_text(encoding="utf-8")
ACCOUNT = {"AWS": "arn:aws:iam::123456789012:root"}
LOGS = {"Service": "logs.us-east-1.amazonaws.com"}
ALARMS = {"Service": "cloudwatch.amazonaws.com"}
# What AWS's documentation says that each service asks of the key, on behalf of the caller.
BY_CALLER = {
    "rds": ("DescribeKey", "CreateGrant", "Decrypt", "GenerateDataKey"),
    "secretsmanager": ("Encrypt", "Decrypt", "GenerateDataKey"),
    "ecr": ("DescribeKey", "CreateGrant", "RetireGrant"),
    "s3": ("Decrypt", "GenerateDataKey"),
}
SERVICES = {CLUSTER: "rds", INSTANCE: "rds", AWS_SECRET: "secretsmanager", REPOSITORY: "ecr",
            ENCRYPTION: "s3"}  # fmt: skip
BY_LOGS = ("Encrypt", "Decrypt", "ReEncryptFrom", "GenerateDataKey", "DescribeKey")


def documented_policy() -> list[dict[str, Any]]:
    [text] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    statements: list[dict[str, Any]] = json.loads(text)["Statement"]
    return statements


def allowed(action: str, principal: Mapping[str, str], context: Mapping[str, str]) -> bool:
    """Whether the documented policy allows an action on the key.

    Every operator in it compares texts, some with `*`.
    """

    def values(of: Any) -> Iterator[str]:
        yield from [of] if isinstance(of, str) else of

    def met(statement: Mapping[str, Any]) -> bool:
        return all(
            any(fnmatchcase(context.get(key, ""), pattern) for pattern in values(patterns))
            for keys in statement.get("Condition", {}).values()
            for key, patterns in keys.items()
        )

    return any(
        statement["Principal"] == principal
        and any(fnmatchcase(f"kms:{action}", pattern) for pattern in values(statement["Action"]))
        and met(statement)
        for statement in documented_policy()
    )


@pytest.mark.parametrize("type_", sorted(SERVICES))
def test_documented_policy_allows_what_each_service_asks_for(type_: str) -> None:
    service = SERVICES[type_]
    through = {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}
    for action in BY_CALLER[service]:
        grant = {"kms:GrantIsForAWSResource": "true"} if action == "CreateGrant" else {}
        assert allowed(action, ACCOUNT, {**through, **grant}), action
    assert not allowed("CreateGrant", ACCOUNT, through)


def test_documented_policy_covers_every_encrypted_type() -> None:
    assert {*SERVICES, LOG_GROUP, TOPIC} == set(PLACES)


def test_alarms_of_the_account_publish_to_an_encrypted_topic() -> None:
    for action in ("Decrypt", "GenerateDataKey"):
        assert allowed(action, ALARMS, {"aws:SourceAccount": "123456789012"}), action
        assert not allowed(action, ALARMS, {"aws:SourceAccount": "210987654321"})


def test_nobody_uses_the_key_without_a_service() -> None:
    used = {action for actions in BY_CALLER.values() for action in actions} - {"DescribeKey"}
    assert [action for action in sorted(used) if allowed(action, ACCOUNT, {})] == []
    other = {"kms:ViaService": "lambda.us-east-1.amazonaws.com"}
    assert [action for action in sorted(used) if allowed(action, ACCOUNT, other)] == []


@pytest.mark.parametrize("generation", [1, 2])
def test_logs_use_the_key_for_the_database_of_prod_only(generation: int) -> None:
    program = changed(
        "prod", {"databaseGeneration": generation, "databaseDeletionProtection": False}
    )
    group = program.inputs(LOG_GROUP)["name"]
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}"
    for action in BY_LOGS:
        assert allowed(action, LOGS, {"kms:EncryptionContext:aws:logs:arn": arn}), action
        other = arn.replace("backstage-prod", "shop-prod")
        assert not allowed(action, LOGS, {"kms:EncryptionContext:aws:logs:arn": other})
