"""IAM roles. Nothing else creates one, so that none escapes the permissions boundary."""

from __future__ import annotations

import pulumi_aws as aws
from pulumi import Input, ResourceOptions

from components.cluster.cluster import ClusterFacts


def iam_role(
    name: str, cluster: ClusterFacts, description: str, trust: Input[str], opts: ResourceOptions
) -> aws.iam.Role:
    """Creates a role within the stack's permissions boundary, if it has one.

    trust: the trust policy, as JSON.
    """
    return aws.iam.Role(
        name,
        aws.iam.RoleArgs(
            description=description,
            assume_role_policy=trust,
            permissions_boundary=cluster.permissions_boundary_arn,
        ),
        opts=opts,
    )
