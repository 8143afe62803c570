"""What `make deployer` needs besides a stack file."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from tools.deployer.plan import DeployerError

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
    """What its tokens' subjects begin with if they have numeric ids."""


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
    "subject": (
        r"repo:[\w.-]+(@\w+)?/[\w.-]+(@\w+)?",
        "what a token's subject begins with, repo:OWNER@OWNER_ID/REPO@REPO_ID or repo:OWNER/REPO",
    ),
}


def check(around: Surroundings) -> None:
    """Raises DeployerError with every value that can't be what its variable names."""
    faults = [
        f"{name.upper()}={value}: {allowed}"
        for name, value in asdict(around).items()
        for pattern, allowed in [_ALLOWED[name]]
        if not re.fullmatch(pattern, value)
    ]
    if faults:
        raise DeployerError("\n".join(faults))
