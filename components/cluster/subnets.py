"""Subnets of the cluster's VPC."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import Input, InvokeOutputOptions, Output

from components.cluster.cluster import ClusterFacts

PUBLIC_ROLE = "kubernetes.io/role/elb"
# Of the subnets in which the load balancer's controller puts one, by its scheme.
ROLES = {"internal": "kubernetes.io/role/internal-elb", "internet-facing": PUBLIC_ROLE}


def subnets(
    ids: Input[Sequence[str]], look_up: InvokeOutputOptions
) -> Output[list[aws.ec2.GetSubnetResult]]:
    """What AWS knows of some subnets."""

    def describe(known: Sequence[str]) -> Output[list[aws.ec2.GetSubnetResult]]:
        return Output.all(*[aws.ec2.get_subnet_output(id=each, opts=look_up) for each in known])

    found: Output[list[aws.ec2.GetSubnetResult]] = Output.from_input(ids).apply(describe)
    return found


def load_balancer_cidrs(
    cluster: ClusterFacts, scheme: str, look_up: InvokeOutputOptions
) -> Output[list[str]]:
    """IPv4 networks of every subnet in which the controller may put a load balancer of a scheme.

    Raises pulumi.RunError during the preview when no subnet has the scheme's tag. The controller
    itself then chooses by routes, which is a guess that differs from release to release. Source:
    AWS Load Balancer Controller v3.5, "Subnet Auto-Discovery".
    """
    tag = ROLES[scheme]
    filters = {"vpc-id": [cluster.vpc_id], f"tag:{tag}": ["", "1"]}
    tagged = aws.ec2.get_subnets_output(
        filters=[
            aws.ec2.GetSubnetsFilterArgs(name=name, values=values)
            for name, values in filters.items()
        ],
        opts=look_up,
    )
    found = Output.all(tagged.ids, cluster.vpc_id).apply(
        lambda known: known[0] or _refuse(cluster.name, known[1], tag)
    )
    return subnets(found, look_up).apply(lambda known: sorted({each.cidr_block for each in known}))


def _refuse(cluster: str, vpc: str, tag: str) -> list[str]:
    raise pulumi.RunError(
        f"No subnet of cluster {cluster}'s VPC, {vpc}, has the tag {tag}. The NetworkPolicy opens "
        "the portal's port to subnets with that tag only, and the load balancer is put there.\n"
        f"Fix: aws ec2 create-tags --tags Key={tag},Value=1 --resources SUBNET SUBNET, naming the "
        "load balancer's subnets, in two zones or more."
    )
