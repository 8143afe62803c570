"""AWS roles of the portal's pods and of its Jobs."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Alias, ResourceOptions, create_urn

from components.cluster.cluster import ClusterFacts
from components.cluster.pod_role import PodRole, PodRoleArgs
from components.kubernetes.network import egress, networks
from components.portal.techdocs import TechDocs
from settings.model import Settings
from targets.platform import NAME, Identity

# Where EKS's Pod Identity agent hands out credentials, on every node.
POD_IDENTITY_AGENT = ("169.254.170.23/32", 80)


def portal_role(
    settings: Settings, facts: ClusterFacts, techdocs: TechDocs | None, opts: ResourceOptions
) -> PodRole | None:
    """The role of the portal's pods, to which features add policies with `allow`; None: it needs
    none.
    """
    if techdocs:
        return techdocs.pod_role
    if not settings.portal_needs_aws:
        return None
    args = PodRoleArgs(
        cluster=facts,
        workload_identity=settings.workload_identity,
        namespace=settings.namespace,
        service_account=NAME,
        description="Backstage portal",
    )
    # See TechDocs.pod_role.
    with_techdocs = Alias(
        name=f"{NAME}-techdocs", parent=create_urn(NAME, "backstage:techdocs:TechDocs")
    )
    return PodRole(
        NAME, args, ResourceOptions.merge(opts, ResourceOptions(aliases=[with_techdocs]))
    )


def job_role(settings: Settings, facts: ClusterFacts, job: str, opts: ResourceOptions) -> PodRole:
    """A role of its own for the Job with that name, and so that service account."""
    args = PodRoleArgs(
        cluster=facts,
        workload_identity=settings.workload_identity,
        namespace=settings.namespace,
        service_account=job,
        description=f"Job {job}",
    )
    return PodRole(job, args, opts)


def identity(
    settings: Settings, role: PodRole | None, before_pods: Sequence[pulumi.Resource] = ()
) -> Identity:
    """What pods with the role need. before_pods: its policies."""
    if not role:
        return Identity()
    return Identity(role.service_account_annotations, [role, *before_pods], agent_egress(settings))


def agent_egress(settings: Settings) -> Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs]:
    """To the agent, where it hands out the role's credentials. IRSA's come over HTTPS."""
    if settings.workload_identity != "pod-identity":
        return []
    address, port = POD_IDENTITY_AGENT
    return [egress(networks([address]), port)]
