"""The existing EKS cluster: what is looked up about it, and its providers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
from pulumi import InvokeOutputOptions, Output, ResourceOptions

from components.cluster.kubeconfig import cli_options, kubeconfig
from settings.keys import AwsSettings


@dataclass(frozen=True)
class ClusterArgs:
    cluster_name: str
    """Name of an existing EKS cluster in the region of `aws`."""
    aws: AwsSettings
    """Options of the AWS provider; none is inherited from the stack's `aws:*` keys."""
    tags: Mapping[str, str]
    """Default tags of every AWS resource."""
    permissions_boundary_arn: str | None = None
    kms_key_arn: str | None = None


@dataclass(frozen=True)
class ClusterFacts:
    """What the other components need to know of the cluster, its VPC and its account."""

    name: str
    region: str
    partition: Output[str]
    """`aws`, `aws-cn`, `aws-us-gov`, from the cluster's ARN."""
    account_id: Output[str]
    oidc_issuer: Output[str]
    """URL of the cluster's OpenID Connect issuer; empty where it has none."""
    security_group_id: Output[str]
    """The cluster security group, which managed node groups and Auto Mode nodes carry."""
    vpc_id: Output[str]
    service_cidr: Output[str]
    """IPv4 network of the cluster's Services; empty in an IPv6 cluster."""
    subnet_ids: Output[Sequence[str]]
    """The cluster's subnets, private and public."""
    permissions_boundary_arn: Output[str] | None = None
    """The policy that bounds every IAM role, if the account demands one."""
    kms_key_arn: str | None = None
    """The key of everything that is encrypted at rest; None: AWS's own."""


class Cluster(pulumi.ComponentResource):
    """Creates the AWS provider and the Kubernetes provider, both explicit, and looks the rest up
    from the cluster's name.

    Raises pulumi.RunError during the preview for a permissions boundary of another account.
    """

    aws_provider: aws.Provider
    kubernetes_provider: k8s.Provider
    facts: ClusterFacts
    kubeconfig_command: str
    """The command that writes a kubeconfig for the cluster."""

    def __init__(self, name: str, args: ClusterArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("backstage:cluster:Cluster", name, None, opts)
        self.aws_provider = self._aws_provider(name, args)
        self.kubeconfig_command = shlex.join(
            [
                *("aws", "eks", "update-kubeconfig", "--name", args.cluster_name),
                *cli_options(args.aws),
            ]
        )
        look_up = InvokeOutputOptions(parent=self, provider=self.aws_provider)
        found = aws.eks.get_cluster_output(name=args.cluster_name, opts=look_up)
        arn = found.arn.apply(lambda value: value.split(":"))
        network = found.vpc_config
        vpc_id = network.apply(lambda config: config.vpc_id)
        self.facts = ClusterFacts(
            name=args.cluster_name,
            region=args.aws.region,
            partition=arn[1],
            account_id=arn[4],
            oidc_issuer=found.identities.apply(_issuer),
            security_group_id=network.apply(lambda config: config.cluster_security_group_id),
            vpc_id=vpc_id,
            service_cidr=found.kubernetes_network_configs.apply(
                lambda configs: configs[0].service_ipv4_cidr or ""
            ),
            subnet_ids=network.apply(lambda config: sorted(config.subnet_ids)),
            permissions_boundary_arn=_boundary(args, arn[4]),
            kms_key_arn=args.kms_key_arn,
        )
        self.kubernetes_provider = k8s.Provider(
            f"{name}-kubernetes",
            k8s.ProviderArgs(
                kubeconfig=Output.json_dumps(
                    kubeconfig(
                        args.cluster_name,
                        args.aws,
                        found.endpoint,
                        found.certificate_authorities.apply(lambda known: known[0].data),
                    )
                ),
                # Constant: without it a changed endpoint or certificate would replace the
                # provider, and with it every object in the cluster.
                cluster_identifier=f"eks/{args.aws.region}/{args.cluster_name}",
                enable_server_side_apply=True,
            ),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"vpcId": vpc_id, "oidcIssuer": self.facts.oidc_issuer})

    def _aws_provider(self, name: str, args: ClusterArgs) -> aws.Provider:
        options = args.aws
        return aws.Provider(
            f"{name}-aws",
            aws.ProviderArgs(
                region=options.region,
                profile=options.profile,
                assume_roles=[
                    aws.ProviderAssumeRoleArgs(**role.model_dump(exclude_none=True))
                    for role in options.assume_roles
                ]
                or None,
                allowed_account_ids=list(options.allowed_account_ids) or None,
                endpoints=[aws.ProviderEndpointArgs(**entry) for entry in options.endpoints]
                or None,
                skip_credentials_validation=options.skip_credentials_validation,
                skip_requesting_account_id=options.skip_requesting_account_id,
                skip_metadata_api_check=options.skip_metadata_api_check,
                s3_use_path_style=options.s3_use_path_style,
                default_tags=aws.ProviderDefaultTagsArgs(tags=args.tags),
            ),
            opts=ResourceOptions(parent=self),
        )


def _boundary(args: ClusterArgs, account_id: Output[str]) -> Output[str] | None:
    boundary = args.permissions_boundary_arn
    if boundary is None:
        return None
    owner = boundary.split(":")[4]

    def check(account: str) -> str:
        if owner not in (account, "aws"):
            raise pulumi.RunError(
                f"permissionsBoundaryArn, {boundary}, is a policy of another account than cluster "
                f"{args.cluster_name}'s, {account}, in which the roles are created.\nFix: "
                f"pulumi config set --stack {pulumi.get_stack()} permissionsBoundaryArn "
                f"{boundary.replace(owner, account)}"
            )
        return boundary

    return account_id.apply(check)


def _issuer(identities: Sequence[aws.eks.outputs.GetClusterIdentityResult]) -> str:
    oidcs = [oidc for identity in identities or [] for oidc in identity.oidcs or []]
    return oidcs[0].issuer if oidcs else ""
