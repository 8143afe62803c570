"""AWS roles of the portal's pods and of its Jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Alias, Output, ResourceOptions, create_urn

from components.cluster.cluster import ClusterFacts
from components.cluster.pod_role import PodRole, PodRoleArgs, allow
from components.kubernetes.network import egress, networks
from components.portal.techdocs import TechDocs
from settings.model import Settings
from targets.platform import NAME, Identity

# Where EKS's Pod Identity agent hands out credentials, on every node.
POD_IDENTITY_AGENT = ("169.254.170.23/32", 80)


Statements = Sequence[Mapping[str, object]]


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
    with_techdocs = Alias(name=f"{NAME}-techdocs", parent=_techdocs_urn())
    return PodRole(
        NAME, args, ResourceOptions.merge(opts, ResourceOptions(aliases=[with_techdocs]))
    )


def child_of_role(role: PodRole, name: str) -> ResourceOptions:
    """Options of a child of the portal's role, which moves (see TechDocs.pod_role).

    The aliases that it inherits follow the role's name: `backstage-secrets` would have been
    `backstage-techdocs-secrets`.
    """
    former = create_urn(f"{NAME}-techdocs", "backstage:iam:PodRole", _techdocs_urn())
    return ResourceOptions(parent=role, aliases=[Alias(name=name, parent=former)])


def _techdocs_urn() -> Output[str]:
    return create_urn(NAME, "backstage:techdocs:TechDocs")


def migrations_identity(
    settings: Settings,
    facts: ClusterFacts,
    own: Statements,
    mounted: Statements,
    opts: ResourceOptions,
) -> Identity:
    """Of the migrations' Job, if it needs a role. own: what its process may do. mounted: what a
    driver may do for it.
    """
    if not (own or mounted) or not settings.portal.migration_job:
        return Identity()
    return job_identity(settings, facts, "migrations", [*own, *mounted], opts, asks=bool(own))


def job_identity(
    settings: Settings,
    facts: ClusterFacts,
    job: str,
    statements: Statements,
    opts: ResourceOptions,
    asks: bool = True,
) -> Identity:
    """Creates a role of its own for a Job's service account, and a policy of `statements`. asks: as
    in `identity`.
    """
    name = f"{NAME}-{job}"
    args = PodRoleArgs(
        cluster=facts,
        workload_identity=settings.workload_identity,
        namespace=settings.namespace,
        service_account=name,
        description=f"Job {name}",
    )
    role = PodRole(name, args, opts)
    policy: pulumi.Resource = allow(
        f"{name}-policy", role, statements, ResourceOptions(parent=role)
    )
    return identity(settings, role, [policy], asks)


def identity(
    settings: Settings,
    role: PodRole | None,
    before_pods: Sequence[pulumi.Resource] = (),
    asks: bool = True,
) -> Identity:
    """What pods with the role need. before_pods: its policies. asks: whether they take credentials
    themselves, and not only a driver for them.
    """
    if not role:
        return Identity()
    egress = agent_egress(settings) if asks else []
    return Identity(role.service_account_annotations, [role, *before_pods], egress)


def agent_egress(settings: Settings) -> Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs]:
    """To the agent, where it hands out the role's credentials. IRSA's come over HTTPS."""
    if settings.workload_identity != "pod-identity":
        return []
    address, port = POD_IDENTITY_AGENT
    return [egress(networks([address]), port)]
