"""Secrets Manager, KMS, and secrets that stand in plain variables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy.kubernetes import CONFIG_MAP, WORKLOADS, containers
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, require, rule

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
ROTATION_DAYS = 90  # SecretsManager.4's default
KEY = "aws:kms/key:Key"
_SENSITIVE = re.compile(r"(^|_)(PASSWORD|PASSWD|TOKEN|SECRET|(API|ACCESS|PRIVATE)_?KEY)$", re.I)

require(
    "secret-recovery", SECRET,
    at="recoveryWindowInDays", met=lambda node: node.number != 0,
    what="a deleted secret can be restored for a week or more",
    says="recoveryWindowInDays is {}: deleting the secret is final",
    fix="recoveryWindowInDays: 30; in this project databaseDeletionProtection: true",
)  # fmt: skip
require(
    "kms-rotation", KEY,
    at="enableKeyRotation", met=lambda node: node.value is True,
    controls=("KMS.4", "CIS AWS 3.6"),
    what="the key's material rotates",
    says="enableKeyRotation is {}: what leaks once stays readable",
    fix="enableKeyRotation: true",
)  # fmt: skip


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
    "plain-secret",
    *WORKLOADS,
    severity="high",
    what="no password, token or key is written into a pod",
    fix="valueFrom.secretKeyRef or envFrom.secretRef",
)
def plain_secret(resource: Resource, _: Plan) -> Iterator[str]:
    def check(variable: Node) -> str | None:
        name = variable.at("name").text
        if not _SENSITIVE.search(name) or not variable.at("value").text:
            return None
        return f"{variable.path}: {name} has its value in the pod: who may read pods, reads it"

    yield from each(containers(resource), lambda one: each(one.at("env").items, check))


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


@rule(
    "plain-secret-in-config",
    CONFIG_MAP,
    severity="high",
    what="no ConfigMap holds a password, token or key",
    fix="a Secret",
)
def plain_config(resource: Resource, _: Plan) -> Iterator[str]:
    def check(entry: Node) -> str | None:
        found = _SENSITIVE.search(entry.path.rpartition(".")[2]) and entry.text
        return f"{entry.path} is readable for whoever may read ConfigMaps" if found else None

    yield from each(resource.inputs.at("data").entries.values(), check)
