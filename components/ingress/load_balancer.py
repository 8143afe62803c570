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
    owner = _owner(settings, ingress)
    found = aws.lb.get_lbs_output(
        tags=_tags(cluster, settings, owner, Output.from_input("LoadBalancer")),
        opts=InvokeOutputOptions(parent=ingress, depends_on=[ingress.ingress]),
    )
    return Output.all(found.arns, owner).apply(lambda known: _only(*known))


def target_group_arn(
    cluster: str, settings: IngressSettings, ingress: PortalIngress, service: Output[str], port: int
) -> Output[str]:
    """The ARN of the target group of a Service's port, looked up like the load balancer."""
    metadata = ingress.ingress.metadata
    resource = Output.format("{0}/{1}-{2}:{3}", metadata.namespace, metadata.name, service, port)
    return aws.lb.get_target_group_output(
        tags=_tags(cluster, settings, _owner(settings, ingress), resource),
        opts=InvokeOutputOptions(parent=ingress, depends_on=[ingress.ingress]),
    ).arn


def _owner(settings: IngressSettings, ingress: PortalIngress) -> Output[str]:
    metadata = ingress.ingress.metadata
    own = Output.concat(metadata.namespace, "/", metadata.name)
    return Output.from_input(settings.group) if settings.group else own


def _tags(
    cluster: str, settings: IngressSettings, owner: Output[str], resource: Output[str]
) -> Output[dict[str, str]]:
    auto_mode = settings.controller == "auto-mode"
    prefix = "ingress.eks.amazonaws.com" if auto_mode else "ingress.k8s.aws"
    return Output.all(owner, resource).apply(
        lambda known: {
            "eks:eks-cluster-name" if auto_mode else "elbv2.k8s.aws/cluster": cluster,
            f"{prefix}/stack": known[0],
            f"{prefix}/resource": known[1],
        }
    )


def _only(arns: list[str], owner: str) -> str:
    if len(arns) == 1:
        return arns[0]
    if is_dry_run():
        return UNKNOWN
    raise pulumi.RunError(
        f"{len(arns)} load balancers carry the controller's tags of {owner}. The controller may "
        "still be at work: run pulumi up again in two minutes, or see docs/operations.md, Symptoms."
    )
