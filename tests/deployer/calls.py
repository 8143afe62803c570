"""Recorded calls of AWS's API as requests that IAM decides about.

A call is an object with phase, stack, service, operation, parameters, region and account. Most
operations are an action of the same name on one resource; the tables list the others. What a
service does with the caller's rights, such as passing a role, is a request of its own.

Source: Service Authorization Reference, actions with their resource types and dependent actions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Call = Mapping[str, Any]
Tags = dict[str, str]

# Allowed to everybody, or refused without consequence: with skipCredentialsValidation the provider
# asks for its own user, and STS if that is refused.
WITHOUT_RIGHTS = {("sts", "GetCallerIdentity"), ("iam", "GetUser")}

# Operations of S3 whose actions have other names. Source: Amazon S3 API operations and permissions.
_S3 = {
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
# Actions without resources.
_ANY = re.compile(
    r"acm:RequestCertificate|ec2:Describe\w+|ecr:GetAuthorizationToken|elasticloadbalancing:\w+|"
    r"iam:ListOpenIDConnectProviders|logs:DescribeLogGroups|route53:ListHostedZones"
)
# RDS: the resource type in the name of an operation, and the parameter with its name.
_RDS = {
    "DBClusterParameter": ("cluster-pg", "DBClusterParameterGroupName"),
    "DBSubnetGroup": ("subgrp", "DBSubnetGroupName"),
    "DBInstance": ("db", "DBInstanceIdentifier"),
    "DBCluster": ("cluster", "DBClusterIdentifier"),
}
_NEW_TAGS = re.compile(r"Create(?!Tags)|Restore|Request|Authorize|PutMetricAlarm")
_KEY = "arn:aws:kms:{region}:{account}:key/00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Request:
    """An action on a resource with the context that IAM gets."""

    action: str
    resource: str
    context: Mapping[str, str | list[str]]


class Replay:
    """Turns calls into requests in the order in which they were made, and remembers tags.

    secrets_key: alias of the key behind the state's secrets.
    """

    def __init__(self, secrets_key: str) -> None:
        self._tags: dict[str, Tags] = {}
        self._boundaries: dict[str, str] = {}  # by the role's ARN
        self._secrets_key = secrets_key

    def requests(self, call: Call) -> list[Request]:
        """What IAM decides for a call. Raises KeyError for an operation that isn't known here."""
        service, operation = call["service"], call["operation"]
        if (service, operation) in WITHOUT_RIGHTS:
            return []
        found = list(self._of(call))
        self._remember(call)
        return found

    def _of(self, call: Call) -> Iterator[Request]:
        service, operation, given = call["service"], call["operation"], call["parameters"]
        action = f"{service}:{_S3.get(operation, operation) if service == 's3' else operation}"
        if operation == "CopyObject":
            yield self._request(call, "s3:GetObject", f"arn:aws:s3:::{given['CopySource']}")
            action = "s3:PutObject"
        for arn in self._arns(call, action):
            yield self._request(call, action, arn)
        yield from self._with_the_callers_rights(call)

    def _request(self, call: Call, action: str, arn: str) -> Request:
        known = {f"aws:RequestTag/{key}": value for key, value in _given_tags(call).items()}
        kept = self._tags.get(_kept(arn), {})
        known |= {f"aws:ResourceTag/{key}": value for key, value in kept.items()}
        if action in _BOUNDED and arn in self._boundaries:
            known["iam:PermissionsBoundary"] = self._boundaries[arn]
        return Request(action, arn, {**known, **_context(call, self._secrets_key)})

    def _arns(self, call: Call, action: str) -> list[str]:
        """The resources of an operation."""
        if _ANY.fullmatch(action):
            return ["*"]
        find: Callable[[Call], list[str]] = _SERVICES[call["service"]]
        return find(call)

    def _with_the_callers_rights(self, call: Call) -> Iterator[Request]:
        """Requests that a service makes with the rights of whoever called it."""
        service, operation, given = call["service"], call["operation"], call["parameters"]
        tags = _given_tags(call)
        if tags and operation in _TAGGED:
            action, pattern = _TAGGED[operation]
            arns = [_arn(call, pattern)] if pattern else self._arns(call, f"{service}:{operation}")
            # What is being created has no tags yet.
            context = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
            if service == "ec2":
                context["ec2:CreateAction"] = operation
            yield Request(action, arns[0], context)
        for parameter, to in _PASSED.items():
            if parameter in given and service in ("rds", "eks"):
                context = {"iam:PassedToService": to}
                yield Request("iam:PassRole", given[parameter], context)
        for key, actions in _keys(call):
            context = {"kms:ViaService": f"{service}.{call['region']}.amazonaws.com"}
            for action in actions:
                grant = {"kms:GrantIsForAWSResource": "true"} if action == "CreateGrant" else {}
                yield Request(f"kms:{action}", key, {**context, **grant})
        if operation == "CreateDBCluster":
            name = "role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"
            yield Request(
                "iam:CreateServiceLinkedRole", f"arn:aws:iam::{call['account']}:{name}",
                {"iam:AWSServiceName": "rds.amazonaws.com"},
            )  # fmt: skip
        if operation == "DeleteDBCluster" and "FinalDBSnapshotIdentifier" in given:
            (cluster, snapshot) = _rds(call)
            yield self._request(call, "rds:CreateDBClusterSnapshot", cluster)
            yield self._request(call, "rds:CreateDBClusterSnapshot", snapshot)
            tags = self._tags[_kept(cluster)]
            context = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
            yield Request("rds:AddTagsToResource", snapshot, context)

    def _remember(self, call: Call) -> None:
        """Keeps the tags of what a call created or tagged, and a role's boundary."""
        service, operation, tags = call["service"], call["operation"], _given_tags(call)
        if boundary := call["parameters"].get("PermissionsBoundary"):
            self._boundaries[_iam(call)[0]] = boundary
        if not tags:
            return
        if _NEW_TAGS.match(operation):
            arns = self._arns(call, f"{service}:{operation}")
            created = _TAGGED.get(operation, ("", ""))[1]
            arn = _arn(call, created) if created else arns[0]
            self._tags[_kept(arn)] = tags
            if service == "rds" and _rds_type(operation)[0] == "cluster":
                # CopyTagsToSnapshot is on.
                self._tags[_kept(_arn(call, "cluster-snapshot:any"))] = tags
        else:
            for arn in self._arns(call, f"{service}:{operation}"):
                self._tags.setdefault(_kept(arn), {}).update(tags)


# Tags at creation: the action, and the ARN where it isn't the operation's own.
_TAGGED = {
    "CreateDBCluster": ("rds:AddTagsToResource", ""),
    "RestoreDBClusterFromSnapshot": ("rds:AddTagsToResource", ""),
    "CreateDBInstance": ("rds:AddTagsToResource", ""),
    "CreateDBSubnetGroup": ("rds:AddTagsToResource", ""),
    "CreateDBClusterParameterGroup": ("rds:AddTagsToResource", ""),
    "CreateSecurityGroup": ("ec2:CreateTags", ""),
    "AuthorizeSecurityGroupIngress": ("ec2:CreateTags", "security-group-rule/sgr-0"),
    "CreateRepository": ("ecr:TagResource", ""),
    "CreateLogGroup": ("logs:TagResource", ""),
    "CreateSecret": ("secretsmanager:TagResource", ""),
    "CreateRole": ("iam:TagRole", ""),
    "CreatePolicy": ("iam:TagPolicy", ""),
    "RequestCertificate": ("acm:AddTagsToCertificate", "certificate/new"),
    "CreatePodIdentityAssociation": ("eks:TagResource", "podidentityassociation/{clusterName}/a-0"),
    "CreateBucket": ("s3:TagResource", ""),
    "CreateTopic": ("sns:TagResource", ""),
    "PutMetricAlarm": ("cloudwatch:TagResource", ""),
}
# What IAM decides by the boundary that the role has.
_BOUNDED = {f"iam:{operation}RolePolicy" for operation in ("Attach", "Delete", "Detach", "Put")}
_PASSED = {
    "MonitoringRoleArn": "monitoring.rds.amazonaws.com",
    "roleArn": "pods.eks.amazonaws.com",
}


# What a service does with a KMS key in the caller's name, by operation and the key's parameter.
# Sources: Encrypting Amazon Aurora resources; ECR, Encryption at rest; Secrets Manager, Secret
# encryption and decryption.
_KEYS = {
    "CreateDBCluster": ("KmsKeyId", ("CreateGrant", "DescribeKey")),
    "RestoreDBClusterFromSnapshot": ("KmsKeyId", ("CreateGrant", "DescribeKey")),
    "CreateDBInstance": ("PerformanceInsightsKMSKeyId", ("CreateGrant", "DescribeKey")),
    "CreateRepository": ("encryptionConfiguration", ("CreateGrant", "DescribeKey", "RetireGrant")),
    "CreateSecret": ("KmsKeyId", ("Decrypt", "GenerateDataKey")),
}


def _keys(call: Call) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The KMS key that a call names, if it does, and what the caller has to be allowed with it."""
    parameter, actions = _KEYS.get(call["operation"], ("", ()))
    found = call["parameters"].get(parameter)
    if key := found.get("kmsKey") if isinstance(found, dict) else found:
        yield key, actions


def _arn(call: Call, resource: str) -> str:
    service = call["service"]
    region = "" if service in ("iam", "route53", "s3") else call["region"]
    account = "" if service in ("route53", "s3") else call["account"]
    return f"arn:aws:{service}:{region}:{account}:{resource.format(**_text(call['parameters']))}"


def _text(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in values.items() if isinstance(value, str)}


def _kept(arn: str) -> str:
    """Under what the tags of a resource are kept: its ARN, or its type where AWS makes the id. The
    provider knows no other ids than those of the stack's own resources.
    """
    match = re.match(r".*:(security-group(?:-rule)?|certificate|podidentityassociation)/", arn)
    if match:
        return match[1]
    return "cluster-snapshot" if ":cluster-snapshot:" in arn else re.sub(
        r"(:secret:.*)-\w{6}$", r"\1", re.sub(r":\*$", "", arn))  # fmt: skip


def _given_tags(call: Call) -> Tags:
    """The tags in a call's parameters, in whichever shape the service has them."""
    given = call["parameters"]
    (specification,) = given.get("TagSpecifications", [{}])
    tags = given.get("Tags") or given.get("tags") or specification.get("Tags") or {}
    return {each["Key"]: each["Value"] for each in tags} if isinstance(tags, list) else tags


def _context(call: Call, secrets_key: str) -> dict[str, str | list[str]]:
    given = call["parameters"]
    if call["operation"] in ("AttachRolePolicy", "DetachRolePolicy"):
        return {"iam:PolicyARN": given["PolicyArn"]}
    if "PermissionsBoundary" in given:
        return {"iam:PermissionsBoundary": given["PermissionsBoundary"]}
    if call["operation"] == "ChangeResourceRecordSets":
        prefix = "route53:ChangeResourceRecordSets"
        changes = given["ChangeBatch"]["Changes"]
        records = [each["ResourceRecordSet"] for each in changes]
        return {
            f"{prefix}NormalizedRecordNames": sorted(
                {each["Name"].rstrip(".") for each in records}
            ),
            f"{prefix}RecordTypes": sorted({each["Type"] for each in records}),
            f"{prefix}Actions": sorted({each["Action"] for each in changes}),
        }
    if call["service"] == "kms":
        return {"kms:ResourceAliases": [secrets_key]}
    return {}


def _rds_type(operation: str) -> tuple[str, str]:
    return next(found for part, found in _RDS.items() if part in operation)


def _rds(call: Call) -> list[str]:
    operation, given = call["operation"], call["parameters"]
    if "ResourceName" in given:
        return [given["ResourceName"]]
    if operation == "DescribeGlobalClusters":
        return [f"arn:aws:rds::{call['account']}:global-cluster:*"]
    kind, parameter = _rds_type(operation)
    arns = [_arn(call, f"{kind}:{given.get(parameter, '*')}")]
    if operation.startswith(("Create", "Restore", "Modify")):
        # What the new or changed one refers to is a resource of the same request.
        for _, (other, name) in _RDS.items():
            if name in given and name != parameter and not (kind == "db" and operation[0] == "M"):
                arns.append(_arn(call, f"{other}:{given[name]}"))
    if kind == "cluster" and operation.startswith(("Create", "Restore")):
        arns.append(_arn(call, "og:default:aurora-postgresql-17"))
    if kind == "db" and operation.startswith("Create"):
        arns.append(_arn(call, "og:default:aurora-postgresql-17"))
        arns.append(_arn(call, "pg:default.aurora-postgresql17"))
    for name in ("SnapshotIdentifier", "FinalDBSnapshotIdentifier"):
        if name in given:
            arns.append(_arn(call, f"cluster-snapshot:{given[name]}"))
    return arns


def _ec2(call: Call) -> list[str]:
    operation, given = call["operation"], call["parameters"]
    if operation == "CreateSecurityGroup":
        return [_arn(call, "security-group/sg-0"), _arn(call, "vpc/{VpcId}")]
    if operation in ("CreateTags", "DeleteTags"):
        kinds = {"sg": "security-group", "sgr": "security-group-rule"}
        return [_arn(call, f"{kinds[each.split('-')[0]]}/{each}") for each in given["Resources"]]
    arns = [_arn(call, "security-group/{GroupId}")]
    if operation in ("AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules"):
        arns.append(_arn(call, "security-group-rule/sgr-0"))
    return arns


def _iam(call: Call) -> list[str]:
    given = call["parameters"]
    if "RoleName" in given:
        return [_arn(call, "role/{RoleName}")]
    if "PolicyName" in given:
        return [_arn(call, "policy/{PolicyName}")]
    return [given.get("PolicyArn") or given["OpenIDConnectProviderArn"]]


def _eks(call: Call) -> list[str]:
    given = call["parameters"]
    if "associationId" in given:
        return [_arn(call, "podidentityassociation/{clusterName}/{associationId}")]
    cluster = given.get("clusterName") or given.get("name")
    return [given.get("resourceArn") or _arn(call, f"cluster/{cluster}")]


def _logs(call: Call) -> list[str]:
    given = call["parameters"]
    return [given.get("resourceArn") or _arn(call, "log-group:{logGroupName}")]


def _ecr(call: Call) -> list[str]:
    given = call["parameters"]
    names = given.get("repositoryNames") or [given.get("repositoryName")]
    return [given.get("resourceArn") or _arn(call, f"repository/{name}") for name in names]


def _secret(call: Call) -> list[str]:
    given = call["parameters"]
    return [given.get("SecretId") or _arn(call, "secret:{Name}-AbCdEf")]


def _route53(call: Call) -> list[str]:
    given = call["parameters"]
    if call["operation"] == "GetChange":
        return [_arn(call, "change/{Id}")]
    return [
        _arn(
            call,
            f"hostedzone/{given.get('Id') or given.get('HostedZoneId') or given['ResourceId']}",
        )
    ]


def _cloudwatch(call: Call) -> list[str]:
    given = call["parameters"]
    if "ResourceARN" in given:
        return [given["ResourceARN"]]
    names = given.get("DashboardNames") or [given.get("DashboardName")]
    if names != [None]:
        return [f"arn:aws:cloudwatch::{call['account']}:dashboard/{name}" for name in names]
    return [_arn(call, f"alarm:{name}") for name in given.get("AlarmNames") or [given["AlarmName"]]]


def _sns(call: Call) -> list[str]:
    given = call["parameters"]
    return [given.get("TopicArn") or given.get("ResourceArn") or _arn(call, given["Name"])]


def _s3(call: Call) -> list[str]:
    given = call["parameters"]
    return [_arn(call, "{Bucket}/{Key}" if "Key" in given else "{Bucket}")]


_SERVICES: dict[str, Callable[[Call], list[str]]] = {
    "acm": lambda call: [call["parameters"]["CertificateArn"]],
    "cloudwatch": _cloudwatch,
    "ec2": _ec2,
    "ecr": _ecr,
    "eks": _eks,
    "iam": _iam,
    "kms": lambda call: [_KEY.format(**call)],
    "logs": _logs,
    "rds": _rds,
    "route53": _route53,
    "s3": _s3,
    "secretsmanager": _secret,
    "sns": _sns,
}
