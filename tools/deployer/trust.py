"""Trust policies for roles that jobs of GitHub Actions assume."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tools.deployer.plan import Plan
from tools.deployer.statements import policy

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


def trust_policy(plan: Plan, subjects: Iterable[str]) -> dict[str, Any]:
    """Admits jobs whose tokens have one of these subjects."""
    statement = {
        "Sid": "GitHubActions",
        "Effect": "Allow",
        "Principal": {
            "Federated": f"arn:{plan.partition}:iam::{plan.account}:oidc-provider/{ISSUER}"
        },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": sorted({*subjects})}
        },
    }
    return policy([statement])
