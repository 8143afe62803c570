"""Controls of AWS Security Hub that a plan answers, for what the program creates.

Those of Foundational Security Best Practices, and RDS.50, ECR.5, ELB.16, ELB.21, ELB.22 and
CloudWatch.16. Security Hub itself needs an account. Left out: what the settings refuse in a look-up
(RDS.46, ELB.13), and what only time shows (SecretsManager.2, ACM.1).
Source: the controls reference of AWS Security Hub's user guide, November 2026.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from tools.preview.monitor import Recording, Resource
from tools.scan.terraform import terraform_type

_CLUSTER = "aws:rds/cluster:Cluster"
_INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
_SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105
_REPOSITORY = "aws:ecr/repository:Repository"
_BUCKET = "aws:s3/bucket:Bucket"
_INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
_POLICIES = ("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy")
_ALB = "alb.ingress.kubernetes.io/"
_STRONG_TLS = ("TLS13-1-3-", "TLS13-1-2-Res-")

Inputs = dict[str, Any]
Plan = dict[str, list[Inputs]]
Met = Callable[[Inputs, Plan], bool]


def _is(key: str, *values: object) -> Met:
    return lambda inputs, _: inputs.get(key) in values


def _least(key: str, value: int) -> Met:
    return lambda inputs, _: inputs.get(key, 0) >= value


def _has(type_: str, count: int = 1) -> Met:
    return lambda _, plan: len(plan[type_]) >= count


def _annotation(name: str, *parts: str) -> Met:

    def met(inputs: Inputs, _: Plan) -> bool:
        annotations = inputs["metadata"].get("annotations", {})
        other = not any(each.startswith(_ALB) for each in annotations)  # of another controller
        return other or any(part in annotations.get(_ALB + name, "") for part in parts)

    return met


def _actions(inputs: Inputs) -> Iterator[str]:
    for statement in json.loads(inputs["policy"])["Statement"]:
        if statement["Effect"] == "Allow":
            actions = statement["Action"]
            yield from [actions] if isinstance(actions, str) else actions


_LOGS = "aws:s3/bucketLogging:BucketLogging"
_EVENTS = "aws:rds/eventSubscription:EventSubscription"
_ATTRIBUTES = "load-balancer-attributes"
CONTROLS: list[tuple[str, str, Met]] = [
    ("RDS.2", _INSTANCE, _is("publiclyAccessible", False)),
    ("RDS.6", _INSTANCE, _least("monitoringInterval", 1)),
    ("RDS.7", _CLUSTER, _is("deletionProtection", True)),
    ("RDS.12", _CLUSTER, _is("iamDatabaseAuthenticationEnabled", True)),
    ("RDS.13", _INSTANCE, _is("autoMinorVersionUpgrade", True)),
    ("RDS.15", _CLUSTER, _has(_INSTANCE, 2)),
    ("RDS.16", _CLUSTER, _is("copyTagsToSnapshot", True)),
    ("RDS.19", _CLUSTER, _has(_EVENTS)),
    ("RDS.20", _INSTANCE, _has(_EVENTS)),
    ("RDS.21", _CLUSTER, _has(_EVENTS)),
    ("RDS.22", _CLUSTER, _has(_EVENTS)),
    ("RDS.23", _CLUSTER, lambda inputs, _: inputs.get("port", 5432) != 5432),
    ("RDS.24", _CLUSTER, lambda inputs, _: inputs["masterUsername"] not in ("postgres", "admin")),
    ("RDS.27", _CLUSTER, _is("storageEncrypted", True)),
    ("RDS.35", _CLUSTER, _is("autoMinorVersionUpgrade", True)),
    ("RDS.37", _CLUSTER, _is("enabledCloudwatchLogsExports", ["postgresql"])),
    ("RDS.50", _CLUSTER, _least("backupRetentionPeriod", 7)),
    ("SecretsManager.1", _SECRET, _has("aws:secretsmanager/secretRotation:SecretRotation")),
    # Nothing that the program creates reads a secret, or changes one within 90 days.
    ("SecretsManager.3", _SECRET, lambda *_: False),
    ("SecretsManager.4", _SECRET, _has("aws:secretsmanager/secretRotation:SecretRotation")),
    ("CloudWatch.16", "aws:cloudwatch/logGroup:LogGroup", _least("retentionInDays", 365)),
    ("ECR.1", _REPOSITORY, _is("imageScanningConfiguration", {"scanOnPush": True})),
    ("ECR.2", _REPOSITORY, _is("imageTagMutability", "IMMUTABLE")),
    ("ECR.3", _REPOSITORY, _has("aws:ecr/lifecyclePolicy:LifecyclePolicy")),
    (
        "ECR.5",
        _REPOSITORY,
        lambda inputs, _: any(
            "kmsKey" in each for each in inputs.get("encryptionConfigurations", [])
        ),
    ),
    ("ELB.1", _INGRESS, _annotation("listen-ports", '[{"HTTPS":443}]')),
    ("ELB.4", _INGRESS, _annotation(_ATTRIBUTES, "drop_invalid_header_fields.enabled=true")),
    ("ELB.5", _INGRESS, _annotation(_ATTRIBUTES, "access_logs.s3.enabled=true")),
    ("ELB.6", _INGRESS, _annotation(_ATTRIBUTES, "deletion_protection.enabled=true")),
    ("ELB.12", _INGRESS, _annotation(_ATTRIBUTES, "mitigation_mode=defensive", "mode=strictest")),
    ("ELB.16", _INGRESS, _annotation("wafv2-acl-arn", "arn:")),
    ("ELB.17", _INGRESS, _annotation("ssl-policy", *_STRONG_TLS)),
    ("ELB.18", _INGRESS, _annotation("listen-ports", '[{"HTTPS":443}]')),
    ("ELB.21", _INGRESS, _annotation("healthcheck-protocol", "HTTPS")),
    ("ELB.22", _INGRESS, _annotation("backend-protocol", "HTTPS")),
    ("S3.5", _BUCKET, _has("aws:s3/bucketPolicy:BucketPolicy")),
    ("S3.8", _BUCKET, _has("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")),
    ("S3.9", _BUCKET, _has(_LOGS)),
    ("S3.12", _BUCKET, _has("aws:s3/bucketOwnershipControls:BucketOwnershipControls")),
    ("S3.13", _BUCKET, _has("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")),
    *(("IAM.1", type_, lambda inputs, _: "*" not in _actions(inputs)) for type_ in _POLICIES),
    *(
        ("IAM.21", type_, lambda inputs, _: not any(a.endswith(":*") for a in _actions(inputs)))
        for type_ in _POLICIES
    ),
]


def unmet(created: Recording) -> Iterator[tuple[str, str]]:
    """Each control that a resource of a stack doesn't meet, and the resource as `type.name`.

    created: a run with stand-ins, because policies are read.
    """
    plan: Plan = defaultdict(list)
    for resource in created.resources.values():
        plan[resource.type].append(resource.inputs)
    for control, type_, met in CONTROLS:
        for resource in created.resources.values():
            if resource.type == type_ and not met(resource.inputs, plan):
                yield control, _name(resource)


def _name(resource: Resource) -> str:
    if resource.type.startswith("aws:"):
        return f"{terraform_type(resource.urn)}.{resource.name}"
    return f"{resource.inputs['kind']}.{resource.inputs['metadata']['name']}"
