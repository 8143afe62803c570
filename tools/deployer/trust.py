"""Trust policies for roles that jobs of GitHub Actions assume."""

from __future__ import annotations

from typing import Any

from tools.deployer.plan import Plan
from tools.deployer.statements import policy

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


def trust_policy(plan: Plan, prefixes: list[str], environment: str) -> dict[str, Any]:
    """Admits jobs of one environment of one repository.

    prefixes: what the subject of its tokens begins with, such as `repo:OWNER/REPO`. GitHub has two
    formats: repositories created, renamed or moved since 18 June 2026 have numeric ids in it.
    """
    subjects = [f"{prefix}:environment:{environment}" for prefix in prefixes]
    statement = {
        "Sid": "GitHubActions",
        "Effect": "Allow",
        "Principal": {
            "Federated": f"arn:{plan.partition}:iam::{plan.account}:oidc-provider/{ISSUER}"
        },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": sorted(subjects)}
        },
    }
    return policy([statement])
