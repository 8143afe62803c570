"""AWS resources of a preview in Terraform's language: checkov reads no Pulumi program.

pulumi-aws wraps Terraform's AWS provider, so that only the spelling differs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tools.preview.recording import COMPUTED, Recording, Resource

# Pulumi's module and name: Terraform's type.
_TYPES = {
    "acm/certificate": "aws_acm_certificate",
    "acm/certificateValidation": "aws_acm_certificate_validation",
    "cloudwatch/dashboard": "aws_cloudwatch_dashboard",
    "cloudwatch/logGroup": "aws_cloudwatch_log_group",
    "cloudwatch/metricAlarm": "aws_cloudwatch_metric_alarm",
    "ec2/securityGroup": "aws_security_group",
    "ecr/lifecyclePolicy": "aws_ecr_lifecycle_policy",
    "ecr/repository": "aws_ecr_repository",
    "eks/podIdentityAssociation": "aws_eks_pod_identity_association",
    "iam/policy": "aws_iam_policy",
    "iam/role": "aws_iam_role",
    "iam/rolePolicy": "aws_iam_role_policy",
    "iam/rolePolicyAttachment": "aws_iam_role_policy_attachment",
    "rds/cluster": "aws_rds_cluster",
    "rds/clusterInstance": "aws_rds_cluster_instance",
    "rds/clusterParameterGroup": "aws_rds_cluster_parameter_group",
    "rds/subnetGroup": "aws_db_subnet_group",
    "route53/record": "aws_route53_record",
    "s3/bucket": "aws_s3_bucket",
    "s3/bucketLifecycleConfiguration": "aws_s3_bucket_lifecycle_configuration",
    "s3/bucketOwnershipControls": "aws_s3_bucket_ownership_controls",
    "s3/bucketPolicy": "aws_s3_bucket_policy",
    "s3/bucketPublicAccessBlock": "aws_s3_bucket_public_access_block",
    "s3/bucketServerSideEncryptionConfiguration": (
        "aws_s3_bucket_server_side_encryption_configuration"
    ),
    "s3/bucketVersioning": "aws_s3_bucket_versioning",
    "secretsmanager/secret": "aws_secretsmanager_secret",
    "secretsmanager/secretVersion": "aws_secretsmanager_secret_version",
    "sns/topic": "aws_sns_topic",
    "vpc/securityGroupIngressRule": "aws_vpc_security_group_ingress_rule",
}
# Blocks that Terraform repeats and Pulumi gathers in a list.
_BLOCKS = {
    "aliases": "alias",
    "encryptionConfigurations": "encryption_configuration",
    "metricQueries": "metric_query",
    "parameters": "parameter",
    "rules": "rule",
}


def terraform(planned: Recording, created: Recording) -> str:
    """The text of a `.tf` file with every AWS resource of a stack; empty if it has none.

    planned: a preview. What is unknown there becomes a reference to the resource it comes from.
    created: the same with stand-ins, for policies, which checkov has to read. Raises KeyError for a
    type that has no name here.
    """
    lines: list[str] = []
    for urn, resource in sorted(planned.resources.items()):
        if resource.type.startswith("aws:"):
            body = {
                _BLOCKS.get(key) or _snake(key): _value(key, value, resource, created)
                for key, value in resource.inputs.items()
            }
            # Pulumi creates a replacement before it deletes what it replaces.
            body["lifecycle"] = {"create_before_destroy": True}
            lines += [f'resource "{terraform_type(urn)}" "{resource.name}" {{', *_lines(body), "}"]
    return "\n".join(lines)


def _lines(body: dict[str, Any]) -> Iterator[str]:
    for key, value in body.items():
        blocks = value if isinstance(value, list) else [value]
        if key == "tags" or not all(isinstance(block, dict) for block in blocks):
            yield f"{key} = {json.dumps(value)}"
        else:
            for block in blocks:
                yield from (f"{key} {{", *_lines(block), "}")


def terraform_type(urn: str) -> str:
    """Terraform's type of an AWS resource. Raises KeyError for one that has no name here."""
    name = urn.split("::")[2].rpartition("aws:")[2].partition(":")[0]
    if name not in _TYPES:
        raise KeyError(f"{name}: add Terraform's type to tools/scan/terraform.py")
    return _TYPES[name]


def _value(key: str, value: Any, resource: Resource, created: Recording) -> Any:
    if "policy" in key.lower() and value == COMPUTED:
        return created.resources[resource.urn].inputs[key]
    sources = [
        urn for urn in resource.property_dependencies.get(key, ()) if "aws:" in urn.split("::")[2]
    ]
    reference = (
        f"${{{terraform_type(sources[0])}.{sources[0].split('::')[3]}.id}}" if sources else COMPUTED
    )
    return _renamed(value, reference)


def _renamed(value: Any, reference: str) -> Any:
    if isinstance(value, dict):
        return {_snake(key): _renamed(entry, reference) for key, entry in value.items()}
    if isinstance(value, list):
        return [_renamed(entry, reference) for entry in value]
    if isinstance(value, str):
        return reference if value == COMPUTED else value.replace("${", "$${")
    return value


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()
