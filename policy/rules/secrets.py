"""Secrets Manager, KMS, and how pods read secrets."""

from __future__ import annotations

from collections.abc import Iterator

from policy.kubernetes import WORKLOADS, containers
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, require, rule

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
ROTATION_DAYS = 90  # SecretsManager.4's default
KEY = "aws:kms/key:Key"

require(
    "secret-recovery", SECRET,
    at="recoveryWindowInDays", met=lambda node: node.number != 0,
    what="a deleted secret can be restored for a week or more",
    says="recoveryWindowInDays is {}: deleting the secret is final",
    fix="recoveryWindowInDays: 30; in this project databaseSkipFinalSnapshot: false",
)  # fmt: skip


@rule(
    "kms-rotation",
    KEY,
    controls=("KMS.4", "CIS AWS 3.6"),
    what="the key's material rotates",
    fix="enableKeyRotation: true",
)
def key_rotation(resource: Resource, _: Plan) -> Iterator[str]:
    kinds = {resource.inputs.at(name).text for name in ("customerMasterKeySpec", "keyUsage")}
    rotates = kinds <= {"", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"}  # AWS can rotate no others
    given = resource.inputs.at("enableKeyRotation")
    if rotates and given.flag is not True:
        shown = given.text.lower() or "unset"
        yield f"enableKeyRotation is {shown}: what leaks once stays readable"


@rule(
    "secret-rotation",
    SECRET,
    controls=("SecretsManager.1", "SecretsManager.4"),
    level="disabled",
    whole=True,
    what="AWS rotates the secret on a schedule",
    fix="an aws:secretsmanager:SecretRotation, or a password that RDS manages",
)
def rotation(resource: Resource, plan: Plan) -> Iterator[str]:
    rules = [
        each.inputs.at("rotationRules") for each in plan.referring(resource, ROTATION, "secretId")
    ]
    if not rules:
        yield "no rotation is scheduled"
    for each_rule in rules:
        days = each_rule.at("automaticallyAfterDays").number
        if days is not None and days > ROTATION_DAYS:
            yield f"rotates every {days:g} days; every {ROTATION_DAYS} at least"


@rule(
    "secret-files",
    *WORKLOADS,
    controls=("CIS K8s 5.4.1",),
    level="disabled",
    what="pods read secrets from files",
    fix="a volume of the Secret, and a program that reads files",
)
def secret_files(resource: Resource, _: Plan) -> Iterator[str]:
    def check(container: Node) -> str | None:
        sources = [one.at("secretRef") for one in container.at("envFrom").items]
        sources += [one.at("valueFrom", "secretKeyRef") for one in container.at("env").items]
        found = any(source.entries for source in sources)
        return f"{container.path}: variables from a Secret" if found else None

    yield from each(containers(resource), check)
