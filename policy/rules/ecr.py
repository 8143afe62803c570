"""ECR repositories.

Controls: AWS Security Hub's user guide, November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.plan import Plan, Resource
from policy.rule import require, rule, some

REPOSITORY = "aws:ecr/repository:Repository"
REPOSITORY_LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"

require(
    "ecr-scan", REPOSITORY,
    at="imageScanningConfiguration.scanOnPush", met=lambda node: node.flag is True,
    controls=("ECR.1",), severity="high",
    what="images are scanned when they are pushed",
    says="scanOnPush is {}: nobody hears of a vulnerable image",
    fix="imageScanningConfiguration: {scanOnPush: true}",
)  # fmt: skip


@rule(
    "ecr-immutable-tags",
    REPOSITORY,
    controls=("ECR.2",),
    what="a tag always names the same image",
    fix="imageTagMutability: IMMUTABLE",
)
def immutable_tags(resource: Resource, _: Plan) -> Iterator[str]:
    given = resource.inputs.at("imageTagMutability").text
    excluded = resource.inputs.at("imageTagMutabilityExclusionFilters").items
    if given == "IMMUTABLE_WITH_EXCLUSION":
        if some(excluded, lambda each: each.at("filter").text.startswith("*")):
            yield "an exclusion begins with *: a push can change what runs under a tag"
    elif given != "IMMUTABLE":
        yield f"imageTagMutability is {given or 'unset'}: a push can change what runs under a tag"


@rule(
    "ecr-lifecycle",
    REPOSITORY,
    controls=("ECR.3",),
    whole=True,
    what="old images expire",
    fix="an aws:ecr:LifecyclePolicy",
)
def repository_lifecycle(resource: Resource, plan: Plan) -> Iterator[str]:
    policies = plan.referring(resource, REPOSITORY_LIFECYCLE, "repository")
    if not any(policy.inputs.at("policy").json.at("rules").items for policy in policies):
        yield "no lifecycle policy: images stay, and cost, forever"


@rule(
    "ecr-own-key",
    REPOSITORY,
    controls=("ECR.5",),
    level="disabled",
    what="images are encrypted with a key of your own",
    fix="encryptionConfigurations: [{encryptionType: KMS, kmsKey: ARN}]; in this project kmsKeyArn",
)
def repository_key(resource: Resource, _: Plan) -> Iterator[str]:
    configurations = resource.inputs.at("encryptionConfigurations").items
    if not any(configuration.at("kmsKey").text for configuration in configurations):
        yield "images are encrypted with a key of AWS's"
