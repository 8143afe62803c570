"""What `make deployer` needs besides a stack file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.deployer.plan import DeployerError
from tools.deployer.subject import fault

NONE = "none"


@dataclass(frozen=True)
class Surroundings:
    """The variables of `make deployer`."""

    account: str
    """AWS account; empty for the only one that the stack allows, or the docs' example."""
    state_bucket: str
    """The bucket with Pulumi's state; `none` if it is elsewhere."""
    secrets_key: str
    """The secrets provider's key, as an alias or an ARN; `none` with a passphrase."""
    repository: str
    """The repository on GitHub whose jobs deploy."""
    subject: str
    """The subject of its tokens, or the repository's claim in it."""


_ARN = "arn:aws[a-z-]*"
# By variable: a pattern, and the same in words. Defaults in capitals, such as BUCKET, match too.
_ALLOWED = {
    "account": ("([0-9]{12})?", "an account id of 12 digits"),
    "state_bucket": ("[a-z0-9][a-z0-9.-]+|BUCKET", f"the name of an S3 bucket, or {NONE}"),
    "secrets_key": (
        f"alias/[A-Za-z0-9/_-]+|{_ARN}:kms:[a-z0-9-]+:[0-9]{{12}}:key/.+|{NONE}",
        f"alias/NAME, the ARN of a KMS key, or {NONE}",
    ),
    "repository": (r"[\w.-]+/[\w.-]+", "OWNER/REPO on GitHub"),
}


def check(around: Surroundings, stack: str) -> None:
    """Raises DeployerError with every value that can't be what its variable names.

    stack: its name, which the environment of GitHub has, too.
    """
    faults = [
        f"{name.upper()}={getattr(around, name)}: {allowed}"
        for name, (pattern, allowed) in _ALLOWED.items()
        if not re.fullmatch(pattern, getattr(around, name))
    ]
    if said := fault(around.subject, stack):
        faults.append(f"SUBJECT={around.subject} {said}")
    if faults:
        raise DeployerError("\n".join(faults))
