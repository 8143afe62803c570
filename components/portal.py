"""Everything of the portal that its pods build on: namespace, Secret, ConfigMaps, Service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
from pulumi import Input, Output, ResourceOptions

from components.database import DatabaseConnection
from components.labels import LABELS, SELECTOR
from components.service_account import PortalServiceAccount, PortalServiceAccountArgs
from settings import Settings

SESSION_SECRET_LENGTH = 48
APP_CONFIG_FILE = "app-config.production.yaml"
CA_FILE = "ca.pem"
SERVICE_NAME = "backstage"


@dataclass(frozen=True)
class PortalArgs:
    settings: Settings
    database: DatabaseConnection
    service_account_name: str
    """Physical name: AWS's trust policies name the service account."""
    service_account_annotations: Mapping[str, Output[str]]
    readiness_gate_label: str
    """Label with which the load balancer's controller injects readiness gates into new pods."""


@dataclass(frozen=True)
class PortalObjects:
    """Names of the objects that Ingress and pods refer to; each waits for its object."""

    namespace: Output[str]
    service: Output[str]
    service_account: Output[str]
    secret: Output[str]
    app_config: Output[str]
    database_ca: Output[str]


class Portal(pulumi.ComponentResource):
    """Creates the namespace, which enforces Pod Security "restricted", the service account, the
    Secret, the two ConfigMaps and the Service.

    Secret and ConfigMaps have generated names: a changed value makes a new object, which makes a
    new pod template, which rolls the pods; the old object goes last. The Service exists before
    the pods, because readiness gates are injected only into pods created after it.
    """

    service: k8s.core.v1.Service
    objects: PortalObjects

    def __init__(self, name: str, args: PortalArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("backstage:portal:Portal", name, None, opts)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            k8s.core.v1.NamespaceInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=args.settings.namespace,
                    labels={
                        "app.kubernetes.io/part-of": "backstage",
                        "app.kubernetes.io/managed-by": "pulumi",
                        **{
                            f"pod-security.kubernetes.io/{mode}": "restricted"
                            for mode in ("enforce", "audit", "warn")
                        },
                        args.readiness_gate_label: "enabled",
                    },
                )
            ),
            opts=ResourceOptions(parent=self),
        )
        self._namespace = _name_of(namespace)
        service_account = PortalServiceAccount(
            name,
            PortalServiceAccountArgs(
                namespace=self._namespace,
                name=args.service_account_name,
                annotations=args.service_account_annotations,
                kubernetes_plugin=args.settings.portal.kubernetes_plugin,
            ),
            ResourceOptions(parent=self),
        )
        self.service = self._service(name, args.settings.port)
        self.objects = PortalObjects(
            namespace=self._namespace,
            service=_name_of(self.service),
            service_account=service_account.name,
            secret=self._secret(name, args),
            app_config=self._config_map(
                f"{name}-app-config", {APP_CONFIG_FILE: args.settings.app_config.text}
            ),
            database_ca=self._config_map(
                f"{name}-database-ca", {CA_FILE: args.database.ca_certificates}
            ),
        )
        self.register_outputs(
            {"namespace": self.objects.namespace, "serviceName": self.objects.service}
        )

    def _secret(self, name: str, args: PortalArgs) -> Output[str]:
        # Sign-in sessions survive a restart and are known to every pod.
        session_secret = random.RandomPassword(
            f"{name}-session-secret",
            random.RandomPasswordArgs(length=SESSION_SECRET_LENGTH, special=False),
            opts=ResourceOptions(parent=self),
        )
        values: dict[str, Input[str]] = {
            "POSTGRES_HOST": args.database.host,
            "POSTGRES_USER": args.database.user,
            "POSTGRES_PASSWORD": args.database.password,
            "AUTH_SESSION_SECRET": session_secret.result,
            **args.settings.portal.secret_env,
        }
        secret = k8s.core.v1.Secret(
            f"{name}-secrets",
            k8s.core.v1.SecretInitArgs(
                metadata=self._metadata(), type="Opaque", string_data=values
            ),
            opts=ResourceOptions(parent=self),
        )
        return _name_of(secret)

    def _config_map(self, name: str, data: dict[str, str]) -> Output[str]:
        config_map = k8s.core.v1.ConfigMap(
            name,
            k8s.core.v1.ConfigMapInitArgs(metadata=self._metadata(), data=data),
            opts=ResourceOptions(parent=self),
        )
        return _name_of(config_map)

    def _service(self, name: str, port: int) -> k8s.core.v1.Service:
        return k8s.core.v1.Service(
            f"{name}-service",
            k8s.core.v1.ServiceInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=SERVICE_NAME,
                    namespace=self._namespace,
                    labels=LABELS,
                    # It has no pods yet: waiting for them would prove nothing and take a while.
                    annotations={"pulumi.com/skipAwait": "true"},
                ),
                spec=k8s.core.v1.ServiceSpecArgs(
                    type="ClusterIP",  # enough for a load balancer with targets of type ip
                    selector=SELECTOR,
                    # The VPC CNI's network policies ask for the same port on Service and pod.
                    ports=[
                        k8s.core.v1.ServicePortArgs(
                            name="http", port=port, target_port=port, protocol="TCP"
                        )
                    ],
                ),
            ),
            opts=ResourceOptions(parent=self),
        )

    def _metadata(self) -> k8s.meta.v1.ObjectMetaArgs:
        """Without a name: Pulumi generates one from the logical name, and a new one on a change."""
        return k8s.meta.v1.ObjectMetaArgs(namespace=self._namespace, labels=LABELS)


def _name_of(
    resource: k8s.core.v1.Namespace
    | k8s.core.v1.Secret
    | k8s.core.v1.ConfigMap
    | k8s.core.v1.Service,
) -> Output[str]:
    return resource.metadata.apply(lambda metadata: metadata.name)
