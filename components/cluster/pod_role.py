"""An IAM role for one Kubernetes service account, by EKS Pod Identity or IRSA."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import InvokeOutputOptions, Output, ResourceOptions

from components.cluster.cluster import ClusterFacts
from components.cluster.role import iam_role


@dataclass(frozen=True)
class PodRoleArgs:
    cluster: ClusterFacts
    workload_identity: str
    """`pod-identity` or `irsa`, which needs an IAM identity provider for the cluster's issuer."""
    namespace: str
    service_account: str
    description: str


class PodRole(pulumi.ComponentResource):
    """Creates the role, and for Pod Identity the association with the service account.

    The trust policy names one cluster, one namespace and one service account. Source: EKS User
    Guide, "Create IAM role with trust policy required by EKS Pod Identity" and "Assign IAM roles
    to Kubernetes service accounts".
    """

    role: aws.iam.Role
    arn: Output[str]
    service_account_annotations: dict[str, Output[str]]
    """Annotations that the service account needs: IRSA reads the role from one."""

    def __init__(self, name: str, args: PodRoleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("backstage:iam:PodRole", name, None, opts)
        by_irsa = args.workload_identity == "irsa"
        self.role = iam_role(
            f"{name}-role",
            args.cluster,
            args.description,
            self._irsa_trust(args) if by_irsa else _identity_trust(args),
            ResourceOptions(parent=self),
        )
        self.arn = self.role.arn
        self.service_account_annotations = {}
        if by_irsa:
            self.service_account_annotations["eks.amazonaws.com/role-arn"] = self.arn
        else:
            aws.eks.PodIdentityAssociation(
                f"{name}-association",
                aws.eks.PodIdentityAssociationArgs(
                    cluster_name=args.cluster.name,
                    namespace=args.namespace,
                    service_account=args.service_account,
                    role_arn=self.arn,
                ),
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({"arn": self.arn})

    def _irsa_trust(self, args: PodRoleArgs) -> Output[str]:
        provider = aws.iam.get_open_id_connect_provider_output(
            url=args.cluster.oidc_issuer, opts=InvokeOutputOptions(parent=self)
        )
        subject = f"system:serviceaccount:{args.namespace}:{args.service_account}"
        return Output.all(provider.arn, args.cluster.oidc_issuer).apply(
            lambda known: _trust(
                {"Federated": known[0]},
                ["sts:AssumeRoleWithWebIdentity"],
                {
                    f"{known[1].removeprefix('https://')}:aud": "sts.amazonaws.com",
                    f"{known[1].removeprefix('https://')}:sub": subject,
                },
            )
        )


def allow(
    name: str, role: PodRole, statements: Sequence[Mapping[str, Any]], opts: ResourceOptions
) -> aws.iam.RolePolicy:
    """Attaches a policy to the role. statements: Action and Resource of each."""
    return aws.iam.RolePolicy(
        name,
        aws.iam.RolePolicyArgs(
            role=role.role.id,
            policy=Output.json_dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", **each} for each in statements],
                }
            ),
        ),
        opts=opts,
    )


def _identity_trust(args: PodRoleArgs) -> str:
    return _trust(
        {"Service": "pods.eks.amazonaws.com"},
        ["sts:AssumeRole", "sts:TagSession"],
        {
            "aws:RequestTag/eks-cluster-name": args.cluster.name,
            "aws:RequestTag/kubernetes-namespace": args.namespace,
            "aws:RequestTag/kubernetes-service-account": args.service_account,
        },
    )


def _trust(principal: dict[str, str], actions: list[str], equals: dict[str, Any]) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": actions,
        "Condition": {"StringEquals": equals},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
