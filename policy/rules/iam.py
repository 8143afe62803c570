"""IAM policies and trust, and policies of resources.

Controls: AWS Security Hub's user guide, November 2026; CIS AWS Foundations Benchmark 3.0.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase

from policy.documents import acts, allowing, for_anyone, identified, limited
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, rule, together

ROLE = "aws:iam/role:Role"
POLICIES = (
    *(f"aws:iam/{kind[:1].lower()}{kind[1:]}:{kind}" for kind in (
        "Policy", "RolePolicy", "UserPolicy", "GroupPolicy", "Role")),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy",
)  # fmt: skip
ATTACHMENTS = (
    *(f"aws:iam/{kind}:{kind[:1].upper()}{kind[1:]}" for kind in (
        "policyAttachment", "rolePolicyAttachment", "userPolicyAttachment",
        "groupPolicyAttachment", "rolePolicyAttachmentsExclusive",
        "userPolicyAttachmentsExclusive", "groupPolicyAttachmentsExclusive")),
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment",
)  # fmt: skip
# The property that holds the policy.
RESOURCE_POLICIES = {
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
    "aws:backup/vaultPolicy:VaultPolicy": "policy",
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": "policy",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "policyDocument",
    "aws:dynamodb/resourcePolicy:ResourcePolicy": "policy",
    "aws:ecr/registryPolicy:RegistryPolicy": "policy",
    "aws:efs/fileSystemPolicy:FileSystemPolicy": "policy",
    "aws:kms/externalKey:ExternalKey": "policy",
    "aws:kms/key:Key": "policy",
    "aws:kms/keyPolicy:KeyPolicy": "policy",
    "aws:kms/replicaKey:ReplicaKey": "policy",
    "aws:opensearch/domain:Domain": "accessPolicies",
    "aws:opensearch/domainPolicy:DomainPolicy": "accessPolicies",
    "aws:s3/accessPoint:AccessPoint": "policy",
    "aws:s3/bucket:Bucket": "policy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:s3control/accessPointPolicy:AccessPointPolicy": "policy",
    "aws:secretsmanager/secret:Secret": "policy",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
    "aws:sns/topic:Topic": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
    "aws:sqs/queue:Queue": "policy",
    "aws:sqs/queuePolicy:QueuePolicy": "policy",
}
# Actions and what they act on.
_DECRYPTING = dict.fromkeys(("kms:decrypt", "kms:reencryptfrom"), "kms:key/")
_READING = {
    "secretsmanager:getsecretvalue": "secretsmanager:secret:",
    **dict.fromkeys(
        ("ssm:getparameter", "ssm:getparameters", "ssm:getparametersbypath"), "ssm:parameter/"
    ),
}
# Those of AWS with which somebody becomes an administrator.
_ADMINISTRATING = re.compile(
    r"arn:[\w-]+:iam::aws:policy/(AdministratorAccess|IAMFullAccess|PowerUserAccess)"
)
_ATTACHED = ("policyArn", "policyArns", "managedPolicyArn", "managedPolicyArns")


def _granted(resource: Resource, check: Callable[[Node], str | None]) -> Iterator[str]:
    """What a check says of each allowing statement of a resource's policies."""
    inputs = resource.inputs
    documents = [inputs.at("policy"), inputs.at("inlinePolicy")]
    documents += [inline.at("policy") for inline in inputs.at("inlinePolicies").items]
    yield from each(documents, lambda document: allowing(document, check))


@rule(
    "iam-no-admin",
    *POLICIES,
    *ATTACHMENTS,
    controls=("IAM.1", "CIS AWS 1.16"),
    severity="high",
    what="no policy allows everything",
    fix="the actions that are needed, on the resources that need them",
)
def no_admin(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        if statement.at("NotAction").raw is not None:
            return "a statement allows every action but those of NotAction"
        every = any(set(action) <= set("*:") for action in statement.at("Action").texts)
        return "a statement allows every action" if every else None

    def attached(arn: Node) -> str | None:
        found = _ADMINISTRATING.fullmatch(arn.text)
        return f"attaches {found.group(1)}" if found else None

    arns = [arn for name in _ATTACHED for arn in resource.inputs.at(name).items]
    yield from together(each(arns, attached), _granted(resource, check))


@rule(
    "iam-no-wildcard-actions",
    *POLICIES,
    controls=("IAM.21",),
    severity="low",
    what="no policy allows all actions of a service",
    fix="the actions that are needed",
)
def no_wildcards(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        actions = statement.at("Action").texts
        whole = sorted(each for each in actions if re.fullmatch(r"[\w-]+:\*+", each))
        return f"a statement allows {', '.join(whole)}" if whole else None

    yield from _granted(resource, check)


def _every(arn: str, kind: str) -> bool:
    """Whether an ARN stands for all resources of a kind, such as `kms:key/`."""
    service, _, prefix = kind.partition(":")
    parts = arn.split(":", 5)
    return fnmatchcase(service, parts[min(2, len(parts) - 1)]) and fnmatchcase(
        f"{prefix}0", parts[-1]
    )


def _unlimited(resource: Resource, says: str, kinds: Mapping[str, str]) -> Iterator[str]:
    """`says` for each statement that allows an action on all resources of its kind."""

    def check(statement: Node) -> str | None:
        found = {kind for action, kind in kinds.items() if acts(statement, action)}
        everywhere = found and (
            statement.at("NotResource").raw is not None
            or any(_every(arn, kind) for kind in found for arn in statement.at("Resource").texts)
        )
        return says if everywhere else None

    yield from _granted(resource, check)


@rule(
    "iam-kms-decrypt",
    *POLICIES,
    controls=("KMS.1", "KMS.2"),
    what="no policy decrypts with every key",
    fix="the ARNs of the keys",
)
def kms_decrypt(resource: Resource, _: Plan) -> Iterator[str]:
    yield from _unlimited(resource, "a statement decrypts with every key", _DECRYPTING)


@rule(
    "iam-read-secrets",
    *POLICIES,
    severity="high",
    what="no policy reads every secret or parameter",
    fix="the ARNs of the secrets and parameters",
)
def read_secrets(resource: Resource, _: Plan) -> Iterator[str]:
    yield from _unlimited(resource, "a statement reads every secret or parameter", _READING)


@rule(
    "iam-trust",
    ROLE,
    severity="critical",
    what="a role names who may assume it",
    fix="the service, the account, or the identities of a provider by a Condition on `sub`",
)
def trust(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        if for_anyone(statement) and not limited(statement):
            return "any AWS account may assume the role"
        if statement.at("Principal", "Federated").raw is not None and not identified(statement):
            return "every identity of the provider may assume the role"
        return None

    yield from allowing(resource.inputs.at("assumeRolePolicy"), check)


@rule(
    "policy-principals",
    *RESOURCE_POLICIES,
    controls=("S3.2", "S3.3", "SNS.4"),
    severity="critical",
    what="the policy of a resource names whom it admits",
    fix="the account or the role as principal, or a Condition that names the callers",
)
def principals(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        open_ = for_anyone(statement) and not limited(statement)
        return "a statement admits everyone" if open_ else None

    yield from allowing(resource.inputs.at(RESOURCE_POLICIES[resource.type]), check)
