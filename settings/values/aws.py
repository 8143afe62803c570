"""Types of AWS's provider, and of tags."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.alias_generators import to_camel

from settings.nearest import did_you_mean, nearest
from settings.problem import Misspelt
from settings.values.common import NAME, Model, allowing, matching, scalar

# By its parts, because AWS opens new ones: a partition or continent, a direction, a number.
_REGION = (
    r"(?:af|ap|ca|cn|eu|eusc-de|il|me|mx|sa|us)(?:-gov|-iso[a-z]?)?"
    r"-(?:central|(?:north|south)(?:east|west)?|east|west)-[0-9]"
)


def _region(name: str) -> str:
    if not re.fullmatch(_REGION, name):
        import pulumi_aws as aws

        near = nearest(name, [each.value for each in aws.Region])
        raise Misspelt(near) if near else ValueError
    return name


Region = Annotated[
    str,
    AfterValidator(_region),
    Field(
        examples=["us-east-1"],
        json_schema_extra={"errorMessage": "an AWS region", "pattern": f"^(?:{_REGION})$"},
    ),
]
AccountId = Annotated[str, matching(r"[0-9]{12}", "an account id of 12 digits", "123456789012")]
Profile = Annotated[str, matching(r"[^\x00-\x1f]+", "the name of a profile", "platform"), NAME]
ARN = r"arn:aws[a-z-]*"
RoleArn = Annotated[
    str,
    matching(
        rf"{ARN}:iam::[0-9]{{12}}:role/[A-Za-z0-9+=,.@_/-]+",
        "the ARN of an IAM role",
        "arn:aws:iam::123456789012:role/deploy",
    ),
]


class AssumeRole(Model, alias_generator=to_camel):
    """One of the AWS provider's `assumeRoles`; attributes as `aws.ProviderAssumeRoleArgs`."""

    role_arn: RoleArn
    duration: str | None = None
    external_id: str | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] | None = None
    session_name: str | None = None
    source_identity: str | None = None
    tags: dict[str, str] | None = None
    transitive_tag_keys: tuple[str, ...] | None = None


AssumeRoles = Annotated[
    tuple[AssumeRole, ...],
    allowing(
        "a list of objects with roleArn", [{"roleArn": "arn:aws:iam::123456789012:role/deploy"}]
    ),
]


def _services(entries: tuple[dict[str, str], ...]) -> tuple[dict[str, str], ...]:
    import inspect

    import pulumi_aws as aws

    names = {to_camel(name) for name in inspect.signature(aws.ProviderEndpointArgs).parameters}
    for name in (name for entry in entries for name in entry if name not in names):
        raise ValueError(f"{name!r} is unknown{did_you_mean(name, names)}")
    return entries


Url = Annotated[str, matching(r"https?://\S+", "a URL", "https://rds.example.com")]
Endpoints = Annotated[
    tuple[dict[str, Url], ...],
    AfterValidator(_services),
    allowing(
        "a list of objects that map the provider's service names to URLs",
        [{"rds": "https://rds.example.com"}],
    ),
]


def _not_reserved(name: str) -> str:
    if name.lower().startswith("aws:"):
        raise ValueError
    return name


TagName = Annotated[
    str,
    matching(
        r"[\w .:/=+@-]+",
        "1 to 128 letters, digits, spaces and . : / = + @ _ -, not starting with aws:",
        "team",
        128,
    ),
    AfterValidator(_not_reserved),
]
TagValue = Annotated[
    str,
    BeforeValidator(scalar),
    matching(r"[\w .:/=+@-]*", "at most 256 of the same characters", "platform", 256),
]
