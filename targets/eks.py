"""EKS, with Aurora PostgreSQL and an Application Load Balancer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi import Input, Output, ResourceOptions

from components import peers
from components.aurora import AuroraPostgres, AuroraPostgresArgs
from components.auto_mode import API_GROUP, AutoModeIngressClass, AutoModeIngressClassArgs
from components.cluster import Cluster, ClusterArgs
from components.database import DatabaseConnection
from components.ingress import PortalIngress, PortalIngressArgs
from components.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs
from components.portal import PortalObjects
from components.techdocs import TechDocs, TechDocsArgs
from settings import Settings
from targets.target import NAME, Target


class EksTarget(Target):
    """An existing EKS cluster and, around it, what AWS provides."""

    def __init__(self, settings: Settings, identifier: str, tags: Mapping[str, str]) -> None:
        self._settings, self._identifier, self._tags = settings, identifier, tags
        self._cluster = Cluster(NAME, ClusterArgs(settings.cluster_name, settings.aws, tags))
        self.opts = ResourceOptions(
            providers=[self._cluster.aws_provider, self._cluster.kubernetes_provider]
        )
        facts = self._cluster.facts
        self.sources = facts.vpc_cidrs.apply(peers.networks)
        self.service_account_annotations = {}
        self.techdocs_bucket = None
        self.credentials = []
        if bucket := settings.portal.techdocs_bucket:
            identity = settings.workload_identity
            techdocs = TechDocs(
                NAME, TechDocsArgs(bucket, facts, identity, settings.namespace, NAME), self.opts
            )
            self.service_account_annotations = techdocs.service_account_annotations
            self.techdocs_bucket = techdocs.bucket_name
            self.credentials = [techdocs]
        self._controller: LoadBalancerController | AutoModeIngressClass | None = None
        gate_group = "elbv2.k8s.aws"
        if settings.ingress.controller == "auto-mode":
            gate_group = API_GROUP
            self._controller = AutoModeIngressClass(
                NAME, AutoModeIngressClassArgs(settings.ingress), self.opts
            )
        elif settings.ingress.controller != "existing":
            self._controller = LoadBalancerController(
                NAME, LoadBalancerControllerArgs(facts, settings.ingress), self.opts
            )
        self.namespace_labels = {f"{gate_group}/pod-readiness-gate-inject": "enabled"}

    def database(self, namespace: Output[str]) -> DatabaseConnection:
        """Aurora PostgreSQL."""
        settings, facts = self._settings, self._cluster.facts
        ca_certificates = settings.ca_bundle.for_region(facts.region)
        self._database = AuroraPostgres(
            NAME,
            AuroraPostgresArgs(settings.database, self._identifier, facts, ca_certificates),
            self.opts,
        )
        return self._database.connection

    def ingress(self, objects: PortalObjects) -> Sequence[pulumi.Resource]:
        """An Ingress that the AWS Load Balancer Controller serves."""
        # On deletion the controller goes last: without it nobody takes the load balancer down.
        after = [self._controller] if self._controller else []
        self._ingress = PortalIngress(
            NAME, PortalIngressArgs(self._settings, objects, self._tags, after), self.opts
        )
        # Readiness gates are injected when a pod is created, and never later.
        return [self._ingress.ingress]

    def outputs(self) -> dict[str, Input[str] | None]:
        """Of load balancer, database, documentation and cluster."""
        return {
            "loadBalancerHostname": self._ingress.load_balancer_hostname,
            "databaseSecretArn": self._database.secret_arn,
            "databaseAdministratorSecretArn": self._database.administrator_secret_arn,
            "techdocsBucketName": self.techdocs_bucket,
            "kubeconfigCommand": self._cluster.kubeconfig_command,
            "loadBalancerControllerRoleArn": getattr(self._controller, "role_arn", None),
        }
