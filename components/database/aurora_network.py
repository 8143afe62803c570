"""Where the Aurora database lives in the VPC, and who may connect to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, InvokeOutputOptions, Output, ResourceOptions

from components.cluster.cluster import ClusterFacts
from components.cluster.subnets import PUBLIC_ROLE, subnets
from components.database.database import POSTGRES_PORT
from settings.keys import DatabaseSettings


@dataclass(frozen=True)
class AuroraNetworkArgs:
    cluster: ClusterFacts
    """Whose security group may connect, and whose private subnets are used by default."""
    settings: DatabaseSettings


class AuroraNetwork(pulumi.ComponentResource):
    """Creates the subnet group, the security group and one ingress rule for each source.

    The security group has no egress rule: the database opens no connections.

    Raises pulumi.RunError during the preview when the subnets lie in fewer than the two zones
    that Aurora requires.
    """

    subnet_group_name: Output[str]
    security_group_id: Output[str]
    cidrs: Output[Sequence[str]]
    """IPv4 networks of the database's subnets."""

    def __init__(
        self, name: str, args: AuroraNetworkArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:AuroraNetwork", name, None, opts)
        chosen = self._subnets(args)
        self.cidrs = chosen.apply(lambda known: sorted({each.cidr_block for each in known}))
        subnet_group = aws.rds.SubnetGroup(
            f"{name}-subnet-group",
            aws.rds.SubnetGroupArgs(
                description="Subnets of the Backstage database",
                subnet_ids=chosen.apply(lambda known: [each.id for each in known]),
            ),
            opts=ResourceOptions(parent=self),
        )
        self.subnet_group_name = subnet_group.name
        self.security_group_id = self._security_group(name, args).id
        self.register_outputs(
            {"subnetGroupName": self.subnet_group_name, "securityGroupId": self.security_group_id}
        )

    def _subnets(self, args: AuroraNetworkArgs) -> Output[Sequence[aws.ec2.GetSubnetResult]]:
        candidates = args.settings.subnet_ids or args.cluster.subnet_ids
        found = subnets(candidates, InvokeOutputOptions(parent=self))
        return found.apply(lambda known: _suitable(args, known))

    def _security_group(self, name: str, args: AuroraNetworkArgs) -> aws.ec2.SecurityGroup:
        group = aws.ec2.SecurityGroup(
            f"{name}-security-group",
            aws.ec2.SecurityGroupArgs(
                description="Backstage database: PostgreSQL from the named sources only",
                vpc_id=args.cluster.vpc_id,
            ),
            opts=ResourceOptions(parent=self),
        )
        sources: list[tuple[str, str, Input[str] | None, str | None]] = [
            ("cluster", "the EKS cluster security group", args.cluster.security_group_id, None),
            *[(each, each, each, None) for each in args.settings.allowed_security_group_ids],
            *[(each.replace("/", "-"), each, None, each) for each in args.settings.allowed_cidrs],
        ]
        for suffix, source, group_id, cidr in sources:
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-from-{suffix}",
                aws.vpc.SecurityGroupIngressRuleArgs(
                    security_group_id=group.id,
                    description=f"PostgreSQL from {source}",
                    ip_protocol="tcp",
                    from_port=POSTGRES_PORT,
                    to_port=POSTGRES_PORT,
                    referenced_security_group_id=group_id,
                    cidr_ipv4=cidr,
                ),
                opts=ResourceOptions(parent=self),
            )
        return group


def _suitable(
    args: AuroraNetworkArgs, found: Sequence[aws.ec2.GetSubnetResult]
) -> Sequence[aws.ec2.GetSubnetResult]:
    """The given subnets, or of the cluster's those without a way in from the Internet."""
    chosen = found if args.settings.subnet_ids else [each for each in found if not _is_public(each)]
    zones = sorted({each.availability_zone for each in chosen})
    if len(zones) >= 2:
        return chosen
    kind = "subnets in databaseSubnetIds" if args.settings.subnet_ids else "private subnets"
    raise pulumi.RunError(
        f"Aurora needs subnets in two availability zones at least; the {len(chosen)} {kind} of "
        f"cluster {args.cluster.name} lie in {', '.join(zones) or 'none'}.\n"
        "Fix: pulumi config set --path 'databaseSubnetIds[0]' subnet-..., and [1] in another zone."
    )


def _is_public(subnet: aws.ec2.GetSubnetResult) -> bool:
    return bool(subnet.map_public_ip_on_launch) or PUBLIC_ROLE in (subnet.tags or {})
