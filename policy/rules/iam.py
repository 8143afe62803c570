"""IAM policies and trust, and policies of resources.

Controls: AWS Security Hub's user guide, November 2026; CIS AWS Foundations Benchmark 3.0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, rule

ROLE = "aws:iam/role:Role"
POLICIES = tuple(
    f"aws:iam/{kind}:{kind[:1].upper()}{kind[1:]}"
    for kind in ("policy", "rolePolicy", "userPolicy", "groupPolicy")
)
ATTACHMENTS = tuple(
    f"aws:iam/{kind}PolicyAttachment:{kind[:1].upper()}{kind[1:]}PolicyAttachment"
    for kind in ("role", "user", "group")
)
RESOURCE_POLICIES = (
    "aws:ecr/repositoryPolicy:RepositoryPolicy",
    "aws:kms/key:Key",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:secretsmanager/secretPolicy:SecretPolicy",
    "aws:sns/topicPolicy:TopicPolicy",
)
_DECRYPTING = {"kms:decrypt", "kms:reencryptfrom", "kms:reencrypt*", "kms:*", "*"}


def _allowing(policy: Node, check: Callable[[Node], str | None]) -> Iterator[str]:
    """What a check says of each statement of a policy that allows something."""

    def allowed(statement: Node) -> str | None:
        return check(statement) if statement.at("Effect").text == "Allow" else None

    yield from each(policy.json.at("Statement").items, allowed)


def _for_anyone(statement: Node) -> bool:
    principal = statement.at("Principal")
    named = [principal, *principal.entries.values()]
    return any("*" in each.texts for each in named if not isinstance(each.raw, dict))


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
        return "a statement allows every action" if "*" in statement.at("Action").texts else None

    if resource.type in ATTACHMENTS:
        if resource.inputs.at("policyArn").text.endswith(":policy/AdministratorAccess"):
            yield "attaches AdministratorAccess"
    else:
        yield from _allowing(resource.inputs.at("policy"), check)


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
        whole = sorted(a for a in statement.at("Action").texts if a.endswith(":*"))
        return f"a statement allows {', '.join(whole)}" if whole else None

    yield from _allowing(resource.inputs.at("policy"), check)


@rule(
    "iam-kms-decrypt",
    *POLICIES,
    controls=("KMS.1", "KMS.2"),
    what="no policy decrypts with every key",
    fix="the ARNs of the keys",
)
def kms_decrypt(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        if not {action.lower() for action in statement.at("Action").texts} & _DECRYPTING:
            return None
        everywhere = {r for r in statement.at("Resource").texts if r == "*" or r.endswith("key/*")}
        return "a statement decrypts with every key" if everywhere else None

    yield from _allowing(resource.inputs.at("policy"), check)


@rule(
    "iam-trust",
    ROLE,
    severity="critical",
    what="a role names who may assume it",
    fix="the service, the account, or the identities of a provider by a Condition on `sub`",
)
def trust(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        if _for_anyone(statement):
            return "any AWS account may assume the role"
        if (
            statement.at("Principal", "Federated").raw is not None
            and not statement.at("Condition").entries
        ):
            return "every identity of the provider may assume the role"
        return None

    yield from _allowing(resource.inputs.at("assumeRolePolicy"), check)


@rule(
    "policy-principals",
    *RESOURCE_POLICIES,
    controls=("S3.2", "S3.3", "SNS.4"),
    severity="critical",
    what="the policy of a resource names whom it admits",
    fix="the account or the role as principal, or a Condition",
)
def principals(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        open_ = _for_anyone(statement) and not statement.at("Condition").entries
        return "a statement admits everyone" if open_ else None

    yield from _allowing(resource.inputs.at("policy"), check)
