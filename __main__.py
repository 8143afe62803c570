"""Backstage on Amazon EKS: settings, cluster, image, database, portal, ingress, pods, outputs."""

import re

import pulumi
from pulumi import ResourceOptions

from components.aurora import AuroraPostgres, AuroraPostgresArgs
from components.auto_mode import API_GROUP, AutoModeIngressClass, AutoModeIngressClassArgs
from components.cluster import Cluster, ClusterArgs
from components.deployment import PortalDeployment, PortalDeploymentArgs
from components.image import Image, ImageArgs
from components.ingress import PortalIngress, PortalIngressArgs
from components.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs
from components.network_policy import PortalNetworkPolicy, PortalNetworkPolicyArgs
from components.pod import PodArgs
from components.portal import Portal, PortalArgs
from components.techdocs import TechDocs, TechDocsArgs
from configuration import load

NAME = "backstage"  # logical name of every component, and of the service account

settings = load()
project, stack = pulumi.get_project(), pulumi.get_stack()
# For physical names: letters, digits and single hyphens, as RDS and ECR ask for.
identifier = re.sub(r"[^a-z0-9]+", "-", f"{project}-{stack}".lower())[:50].strip("-")
tags = {"project": project, "stack": stack, "managed-by": "pulumi", **settings.tags}

cluster = Cluster(NAME, ClusterArgs(settings.cluster_name, settings.aws, tags))
facts = cluster.facts
opts = ResourceOptions(providers=[cluster.aws_provider, cluster.kubernetes_provider])

image = Image(NAME, ImageArgs(settings.image, identifier, settings.commit_time), opts)
ca_certificates = settings.ca_bundle.for_region(facts.region)
database = AuroraPostgres(
    NAME, AuroraPostgresArgs(settings.database, identifier, facts, ca_certificates), opts
)

techdocs: TechDocs | None = None
if bucket := settings.portal.techdocs_bucket:
    techdocs = TechDocs(
        NAME,
        TechDocsArgs(bucket, facts, settings.workload_identity, settings.namespace, NAME),
        opts,
    )

controller: LoadBalancerController | AutoModeIngressClass | None = None
gate_group = "elbv2.k8s.aws"
if settings.ingress.controller == "auto-mode":
    gate_group = API_GROUP
    controller = AutoModeIngressClass(NAME, AutoModeIngressClassArgs(settings.ingress), opts)
elif settings.ingress.controller != "existing":
    controller = LoadBalancerController(
        NAME, LoadBalancerControllerArgs(facts, settings.ingress), opts
    )

portal = Portal(
    NAME,
    PortalArgs(
        settings=settings,
        database=database.connection,
        service_account_name=NAME,
        service_account_annotations=techdocs.service_account_annotations if techdocs else {},
        readiness_gate_label=f"{gate_group}/pod-readiness-gate-inject",
    ),
    opts,
)
namespace = portal.objects.namespace
if settings.portal.network_policy:
    PortalNetworkPolicy(
        NAME,
        PortalNetworkPolicyArgs(settings, namespace, facts.vpc_cidrs, database.connection),
        opts,
    )
ingress = PortalIngress(
    NAME,
    # On deletion the controller goes last: without it nobody takes the load balancer down.
    PortalIngressArgs(settings, portal.objects, tags, after=[controller] if controller else []),
    opts,
)
PortalDeployment(
    NAME,
    PortalDeploymentArgs(
        settings=settings.portal,
        namespace=namespace,
        pod=PodArgs(
            settings=settings,
            image=image.reference,
            pull_policy=image.pull_policy,
            objects=portal.objects,
            database_port=database.connection.port,
            techdocs_bucket=techdocs.bucket_name if techdocs else None,
        ),
        # Readiness gates and credentials are injected when a pod is created, and never later.
        after=[portal.service, ingress.ingress, *([techdocs] if techdocs else [])],
    ),
    opts,
)

outputs: dict[str, pulumi.Input[str] | None] = {
    "url": settings.base_url,
    "namespace": namespace,
    "image": image.reference,
    "loadBalancerHostname": ingress.load_balancer_hostname,
    "databaseEndpoint": database.connection.host,
    "databaseSecretArn": database.secret_arn,
    "ecrRepositoryUrl": image.repository_url,
    "techdocsBucketName": techdocs.bucket_name if techdocs else None,
    "kubeconfigCommand": cluster.kubeconfig_command,
    "loadBalancerControllerRoleArn": getattr(controller, "role_arn", None),
}
for output, value in outputs.items():
    if value is not None:
        pulumi.export(output, value)
