"""An existing EKS cluster with an Application Load Balancer, and Aurora PostgreSQL by default."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

import pulumi
import pulumi_kubernetes as k8s
from pulumi import InvokeOutputOptions, Output, ResourceOptions

from components.cluster.cluster import Cluster, ClusterArgs, ClusterFacts
from components.cluster.pod_role import allow
from components.cluster.subnets import load_balancer_cidrs, subnets
from components.database.postgres import Postgres, PostgresArgs
from components.ingress.auto_mode import API_GROUP, AutoModeIngressClass, AutoModeIngressClassArgs
from components.ingress.ingress import PortalIngress, PortalIngressArgs
from components.ingress.load_balancer import load_balancer_arn
from components.ingress.load_balancer_controller import (
    LoadBalancerController,
    LoadBalancerControllerArgs,
)
from components.kubernetes.network import egress, networks
from components.portal.portal import PortalObjects
from components.portal.portal_pod import LOCAL_TECHDOCS
from components.portal.techdocs import TechDocs, TechDocsArgs
from settings.keys import SIGNER
from settings.model import Settings
from settings.open_paths import open_paths
from targets.eks.database import rds_database
from targets.eks.identity import child_of_role, identity, migrations_identity, portal_role
from targets.eks.monitoring import watch
from targets.eks.secrets import reading
from targets.platform import NAME, Database, Exposure, Outputs, Platform

# Positions in the cluster's Service network, fixed by Kubernetes and by EKS. Policies of the VPC
# CNI see a Service's address, and Auto Mode's resolver has no pods behind it.
API_SERVER, DNS = 1, 10
READING = f"{NAME}-secrets"  # policy of the portal's role


def platform(settings: Settings, identifier: str) -> Platform:
    """The cluster `clusterName`; physical names begin with `identifier`."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    tags = {"project": project, "stack": stack, "managed-by": "pulumi", **settings.tags}
    cluster = Cluster(
        NAME,
        ClusterArgs(
            settings.cluster_name,
            settings.aws,
            tags,
            settings.permissions_boundary_arn,
            settings.kms_key_arn,
        ),
    )
    facts = cluster.facts
    opts = ResourceOptions(providers=[cluster.aws_provider, cluster.kubernetes_provider])
    techdocs = _techdocs(settings, facts, opts)
    role, read = portal_role(settings, facts, techdocs, opts), reading(settings, facts)
    policies: list[pulumi.Resource] = [techdocs] if techdocs else []
    if role and read:
        policies.append(allow(READING, role, read, child_of_role(role, READING)))
    gate_group, controller, outputs = _controller(settings, facts, opts)
    look_up = InvokeOutputOptions(parent=cluster, provider=cluster.aws_provider)
    restricted = settings.portal.network_policy

    def database(namespace: Output[str]) -> Database:
        if settings.database_kind == "in-cluster":
            postgres = Postgres(NAME, PostgresArgs(settings.database, namespace), opts)
            migrations = migrations_identity(settings, facts, [], read, opts)
            return Database(postgres.connection, migrations=migrations)
        return rds_database(settings, identifier, facts, role, read, opts)

    def expose(objects: PortalObjects) -> Exposure:
        # The controller is deleted last: without it nobody removes the load balancer.
        args = PortalIngressArgs(
            settings.host,
            settings.port,
            settings.ingress,
            objects,
            tags,
            controller,
            open_paths(settings),
        )
        ingress = PortalIngress(NAME, args, opts)
        variables: dict[str, Output[str]] = {}
        watched: Outputs = {}
        if settings.trusts_load_balancer or settings.monitoring.in_cloudwatch:
            arn = load_balancer_arn(settings.cluster_name, settings.ingress, ingress)
            if settings.trusts_load_balancer:
                variables = {SIGNER: arn}
            if settings.monitoring.in_cloudwatch:
                watched = watch(settings, identifier, facts, ingress, arn, objects, opts)
        # Readiness gates are injected when a pod is created, and never later.
        outputs = {"loadBalancerHostname": ingress.load_balancer_hostname, **watched}
        return Exposure([ingress.ingress], variables, outputs)

    return Platform(
        opts=opts,
        url=settings.url,
        ecr=True,
        kms_key_arn=settings.kms_key_arn,
        clients=load_balancer_cidrs(facts, settings.ingress.scheme, look_up).apply(networks)
        if restricted
        else [],
        database=database,
        expose=expose,
        variables={
            "AWS_REGION": facts.region,
            **(techdocs.variables if techdocs else LOCAL_TECHDOCS),
        },
        egress=_egress(settings, facts, look_up),
        resolver=_service_address(facts, DNS),
        namespace_labels={f"{gate_group}/pod-readiness-gate-inject": "enabled"},
        identity=identity(settings, role, policies, settings.portal_calls_aws),
        outputs={
            **outputs,
            "techdocsBucketName": techdocs.bucket_name if techdocs else None,
            "kubeconfigCommand": cluster.kubeconfig_command,
        },
    )


def _service_address(facts: ClusterFacts, position: int) -> Output[list[str]]:
    """A network of one address, or none in an IPv6 cluster."""
    return facts.service_cidr.apply(
        lambda cidr: [f"{IPv4Network(cidr)[position]}/32"] if cidr else []
    )


def _egress(
    settings: Settings, facts: ClusterFacts, look_up: InvokeOutputOptions
) -> Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs]:
    """The API server, where `egressCidrs` may leave it out."""
    rules = []
    if settings.portal.egress_cidrs and settings.portal.kubernetes_plugin:
        # The control plane's network interfaces lie in the cluster's subnets.
        peers = Output.all(
            _service_address(facts, API_SERVER), subnets(facts.subnet_ids, look_up)
        ).apply(lambda known: networks([*known[0], *sorted(each.cidr_block for each in known[1])]))
        rules.append(egress(peers, 443))
    return rules


def _techdocs(settings: Settings, facts: ClusterFacts, opts: ResourceOptions) -> TechDocs | None:
    bucket = settings.portal.techdocs_bucket
    if not bucket:
        return None
    identity = settings.workload_identity
    return TechDocs(NAME, TechDocsArgs(bucket, facts, identity, settings.namespace, NAME), opts)


def _controller(
    settings: Settings, facts: ClusterFacts, opts: ResourceOptions
) -> tuple[str, list[pulumi.Resource], Outputs]:
    """Returns the API group of the readiness gates, what runs the controller, and outputs."""
    gate_group = "elbv2.k8s.aws"
    if settings.ingress.controller == "existing":
        return gate_group, [], {}
    if settings.ingress.controller == "auto-mode":
        ingress_class = AutoModeIngressClass(NAME, AutoModeIngressClassArgs(settings.ingress), opts)
        return API_GROUP, [ingress_class], {}
    controller = LoadBalancerController(
        NAME, LoadBalancerControllerArgs(facts, settings.ingress), opts
    )
    return gate_group, [controller], {"loadBalancerControllerRoleArn": controller.role_arn}
