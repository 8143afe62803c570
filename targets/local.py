"""Any cluster of the kubeconfig, with Postgres in it and nothing of AWS."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi import Input, Output, ResourceOptions

from components import peers
from components.database import DatabaseConnection
from components.local_cluster import LocalCluster, LocalClusterArgs
from components.plain_ingress import PlainIngress, PlainIngressArgs
from components.portal import SERVICE_NAME, PortalObjects
from components.postgres import Postgres, PostgresArgs
from settings import Settings
from targets.target import NAME, Target


class LocalTarget(Target):
    """kind, minikube, k3d or a plain cluster."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cluster = LocalCluster(NAME, LocalClusterArgs(settings.kube_context))
        self.opts = ResourceOptions(providers=[self._cluster.kubernetes_provider])
        self.namespace_labels = {}
        self.sources = peers.any_pod()
        self.service_account_annotations = {}
        self.techdocs_bucket = None
        self.credentials = []

    def database(self, namespace: Output[str]) -> DatabaseConnection:
        """Postgres in the portal's namespace."""
        database = Postgres(NAME, PostgresArgs(self._settings.database, namespace), self.opts)
        return database.connection

    def ingress(self, objects: PortalObjects) -> Sequence[pulumi.Resource]:
        """An Ingress where a class is named."""
        if self._settings.ingress.given_class_name:
            PlainIngress(NAME, PlainIngressArgs(self._settings, objects), self.opts)
        return []

    def outputs(self) -> dict[str, Input[str] | None]:
        """The way to a portal without an Ingress."""
        if self._settings.ingress.given_class_name:
            return {}
        namespace, port = self._settings.namespace, self._settings.port
        return {
            "portForwardCommand": self._cluster.port_forward_command(namespace, SERVICE_NAME, port)
        }
