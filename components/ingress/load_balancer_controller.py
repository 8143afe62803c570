"""The AWS Load Balancer Controller's role, and on request its Helm chart."""

from __future__ import annotations

import json
import string
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.cluster.cluster import ClusterFacts
from components.cluster.pod_role import PodRole, PodRoleArgs
from settings.files import read_text
from settings.keys import IngressSettings
from settings.versions import LOAD_BALANCER_CONTROLLER_CHART, LOAD_BALANCER_CONTROLLER_IMAGE

NAMESPACE = "kube-system"
SERVICE_ACCOUNT = "aws-load-balancer-controller"
CHART = "aws-load-balancer-controller"
CHART_REPOSITORY = "https://aws.github.io/eks-charts"
INSTALL_SECONDS = 300
_POLICY = "assets/controller-policy.json"


@dataclass(frozen=True)
class LoadBalancerControllerArgs:
    cluster: ClusterFacts
    settings: IngressSettings
    """`controller` is `pod-identity` or `irsa` here."""


class LoadBalancerController(pulumi.ComponentResource):
    """Creates a role that only the controller can assume, with the 16 statements of its own policy,
    and on request installs the controller.

    Source of the policy: the controller's installation guide, v3.5; its statement for security
    groups that the controller didn't make is narrowed to the cluster's VPC, as the guide advises.
    """

    role_arn: Output[str]

    def __init__(
        self, name: str, args: LoadBalancerControllerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:ingress:LoadBalancerController", name, None, opts)
        cluster = args.cluster
        pod_role = PodRole(
            f"{name}-load-balancer-controller",
            PodRoleArgs(
                cluster=args.cluster,
                workload_identity=args.settings.controller,
                namespace=NAMESPACE,
                service_account=SERVICE_ACCOUNT,
                description="AWS Load Balancer Controller",
            ),
            ResourceOptions(parent=self),
        )
        self.role_arn = pod_role.arn
        policy = aws.iam.Policy(
            f"{name}-load-balancer-controller-policy",
            aws.iam.PolicyArgs(
                description="AWS Load Balancer Controller",
                policy=Output.all(
                    cluster.partition, cluster.region, cluster.account_id, cluster.vpc_id
                ).apply(lambda known: policy_document(*known)),
            ),
            opts=ResourceOptions(parent=self),
        )
        attachment = aws.iam.RolePolicyAttachment(
            f"{name}-load-balancer-controller-attachment",
            aws.iam.RolePolicyAttachmentArgs(role=pod_role.role.name, policy_arn=policy.arn),
            opts=ResourceOptions(parent=self),
        )
        if args.settings.install_controller:
            self._release(name, args, pod_role, [pod_role, attachment])
        self.register_outputs({"roleArn": self.role_arn})

    def _release(
        self,
        name: str,
        args: LoadBalancerControllerArgs,
        pod_role: PodRole,
        depends_on: list[pulumi.Resource],
    ) -> None:
        k8s.helm.v3.Release(
            f"{name}-load-balancer-controller",
            k8s.helm.v3.ReleaseArgs(
                name=SERVICE_ACCOUNT,  # fixed: an autonamed release can't be adopted or repaired
                namespace=NAMESPACE,
                chart=CHART,
                version=LOAD_BALANCER_CONTROLLER_CHART,
                repository_opts=k8s.helm.v3.RepositoryOptsArgs(repo=CHART_REPOSITORY),
                atomic=True,
                cleanup_on_fail=True,
                timeout=INSTALL_SECONDS,
                values={
                    # A tag can move; the digest behind it can't.
                    "image": {"tag": LOAD_BALANCER_CONTROLLER_IMAGE},
                    "clusterName": args.cluster.name,
                    "region": args.cluster.region,
                    "vpcId": args.cluster.vpc_id,
                    "ingressClass": args.settings.class_name,
                    "replicaCount": 2,
                    "podDisruptionBudget": {"maxUnavailable": 1},
                    "serviceAccount": {
                        "create": True,
                        "name": SERVICE_ACCOUNT,
                        "annotations": pod_role.service_account_annotations,
                    },
                    # It would take over every Service of type LoadBalancer in the cluster.
                    "enableServiceMutatorWebhook": False,
                },
            ),
            # Its pods read the role once, when they start.
            opts=ResourceOptions(parent=self, depends_on=depends_on),
        )


def policy_document(partition: str, region: str, account_id: str, vpc_id: str) -> str:
    """The controller's policy for one VPC, as JSON. A managed policy holds 6,144 characters."""
    template = string.Template(read_text(_POLICY))
    vpc_arn = f"arn:{partition}:ec2:{region}:{account_id}:vpc/{vpc_id}"
    document = json.loads(template.substitute(partition=partition, vpc_arn=vpc_arn))
    return json.dumps(document, separators=(",", ":"))
