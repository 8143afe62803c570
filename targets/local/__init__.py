"""Any cluster of the kubeconfig (kind, minikube, k3d), with Postgres in it and nothing of AWS."""

from __future__ import annotations

from pulumi import Output, ResourceOptions

from components.cluster.local_cluster import LocalCluster, LocalClusterArgs
from components.cluster.port_forward import port_forward
from components.database.postgres import Postgres, PostgresArgs
from components.ingress.plain_ingress import PlainIngress, PlainIngressArgs
from components.kubernetes.network import ANYWHERE, any_pod, egress, networks
from components.portal.portal import SERVICE_NAME, PortalObjects
from components.portal.portal_pod import LOCAL_TECHDOCS
from settings.model import Settings
from targets.platform import NAME, Database, Exposure, Platform

# Where API servers of kind, k3d and plain clusters, and of minikube, listen behind their Service's
# 443: policies are enforced on the addresses behind it.
API_SERVER_PORTS = (6443, 8443)


def platform(settings: Settings, identifier: str) -> Platform:
    """The cluster of `kubeContext`, or of the kubeconfig's current context."""
    cluster = LocalCluster(NAME, LocalClusterArgs(settings.kube_context))
    opts = ResourceOptions(providers=[cluster.kubernetes_provider])
    class_name, port = settings.ingress.given_class_name, settings.port

    def database(namespace: Output[str]) -> Database:
        postgres = Postgres(NAME, PostgresArgs(settings.database, namespace), opts)
        return Database(postgres.connection)

    def expose(objects: PortalObjects) -> Exposure:
        if class_name:
            PlainIngress(
                NAME, PlainIngressArgs(settings.host or None, port, class_name, objects), opts
            )
            return Exposure()
        command = port_forward(settings.kube_context, settings.namespace, SERVICE_NAME, port)
        return Exposure(outputs={"portForwardCommand": command})

    return Platform(
        opts=opts,
        url=settings.url,
        ecr=False,
        clients=any_pod(),
        database=database,
        expose=expose,
        variables=LOCAL_TECHDOCS,
        egress=[egress(networks(ANYWHERE), *API_SERVER_PORTS)]
        if settings.portal.kubernetes_plugin
        else [],
    )
