"""Rights to the stack's state, in a bucket of S3 with a key of KMS."""

from __future__ import annotations

from dataclasses import dataclass

from tools.deployer.plan import Plan
from tools.deployer.statements import Condition, Statements

# Where Pulumi keeps a stack's files in a bucket, by what it does with them.
_READ = (".pulumi/meta.yaml", ".pulumi/stacks/{project}/{stack}.*")
_WRITTEN = (
    *_READ,
    ".pulumi/backups/{project}/{stack}/*",
    ".pulumi/history/{project}/{stack}/*",
    ".pulumi/locks/organization/{project}/{stack}/*",
)


@dataclass(frozen=True)
class State:
    bucket: str
    """Name of the bucket."""
    key: str
    """The secrets provider's key: `alias/NAME`, or a key's ARN; empty with a passphrase."""
    project: str
    stack: str


def add_state(found: Statements, plan: Plan, state: State, write: bool) -> None:
    """Adds the right to read the stack's state and its secrets, and to write them."""
    bucket = f"arn:{plan.partition}:s3:::{state.bucket}"
    names = {"project": state.project, "stack": state.stack}
    # Without the right to list, S3 refuses to say that an object doesn't exist.
    found.add("StateList", ["s3:ListBucket"], [bucket], {})
    files = [f"{bucket}/{path.format(**names)}" for path in (_WRITTEN if write else _READ)]
    found.add("State", ["s3:GetObject"], files, {})
    if write:
        found.add("State", ["s3:DeleteObject", "s3:PutObject"], files, {})
    if state.key:
        key, condition = _key(plan, state.key)
        found.add("StateKey", ["kms:Decrypt"], [key], condition)
        if write:  # `pulumi stack init` encrypts the stack's own key
            found.add("StateKey", ["kms:Encrypt"], [key], condition)


def _key(plan: Plan, key: str) -> tuple[str, Condition]:
    """The key's ARN. An alias can't be a policy's resource, so it becomes a condition."""
    if key.startswith("arn:"):
        return key, {}
    every = f"arn:{plan.partition}:kms:{plan.region}:{plan.account}:key/*"
    return every, {"ForAnyValue:StringEquals": {"kms:ResourceAliases": [key]}}
