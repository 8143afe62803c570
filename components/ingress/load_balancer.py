"""The load balancer that the controller made for the portal's Ingress."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import InvokeOutputOptions, Output
from pulumi.runtime import is_dry_run
from pulumi.runtime.rpc import UNKNOWN

from components.ingress.ingress import PortalIngress
from settings.keys import IngressSettings


def load_balancer_arn(
    cluster: str, settings: IngressSettings, ingress: PortalIngress
) -> Output[str]:
    """The load balancer's ARN, looked up by the controller's tags once the Ingress is ready.

    A load balancer that was replaced has the same tags, and so the next update finds it. Raises
    pulumi.RunError in an update if there is none, as when `ingressGroup` has just changed; in a
    preview the ARN is unknown then.

    Source of the tags: the controller's tracking provider; EKS User Guide, Auto Mode's cluster
    role policy.
    """
    metadata = ingress.ingress.metadata
    owner = settings.group or Output.concat(metadata.namespace, "/", metadata.name)
    auto_mode = settings.controller == "auto-mode"
    prefix = "ingress.eks.amazonaws.com" if auto_mode else "ingress.k8s.aws"
    found = aws.lb.get_lbs_output(
        tags=Output.all(owner=owner).apply(
            lambda known: {
                "eks:eks-cluster-name" if auto_mode else "elbv2.k8s.aws/cluster": cluster,
                f"{prefix}/stack": known["owner"],
                f"{prefix}/resource": "LoadBalancer",
            }
        ),
        opts=InvokeOutputOptions(parent=ingress, depends_on=[ingress.ingress]),
    )
    return Output.all(found.arns, owner).apply(lambda known: _only(*known))


def _only(arns: list[str], owner: str) -> str:
    if len(arns) == 1:
        return arns[0]
    if is_dry_run():
        return UNKNOWN
    raise pulumi.RunError(
        f"{len(arns)} load balancers carry the controller's tags of {owner}. The controller may "
        "still be at work: run pulumi up again in two minutes, or see docs/operations.md, Symptoms."
    )
