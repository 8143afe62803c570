"""What the portal's pods refer to: service account, Secret, ConfigMaps, Service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
from pulumi import Input, Output, ResourceOptions

from components.database.database import DatabaseConnection, Login
from components.kubernetes.labels import LABELS, SELECTOR
from components.kubernetes.names import name_of
from components.portal.service_account import PortalServiceAccount, PortalServiceAccountArgs
from settings.files import read_text

SESSION_SECRET_LENGTH = 48
CA_FILE = "ca.pem"
PERMISSIONS_FILE = "permissions.csv"
PERMISSION_CONDITIONS_FILE = "permission-conditions.yaml"
NO_CA = "# The database speaks no TLS.\n"  # the configuration still names the file
SERVICE_NAME = "backstage"
ROLE_SCRIPT = "database-role.js"
MIGRATION_SCRIPT = "migrate.js"
SCRIPTS = (ROLE_SCRIPT, MIGRATION_SCRIPT)


@dataclass(frozen=True)
class PortalArgs:
    namespace: Output[str]
    port: int
    """Of the Service and its pods."""
    app_configs: Mapping[str, str]
    """Backstage's configuration files by name, in the order in which they override."""
    permissions: str
    """Text of the CSV file of roles."""
    permission_conditions: str
    """Text of the YAML file of conditional policies."""
    secret_env: Mapping[str, Input[str]]
    """Further entries of the Secret."""
    secret_files: Mapping[str, Mapping[str, Input[str]]]
    """Files of Secrets to mount, by folder."""
    readable: Mapping[str, Sequence[str]]
    """Resources by API group that the portal may read."""
    readable_namespaces: Sequence[str]
    """Where; empty: in every namespace."""
    session_secret_version: int | None
    """Another value for another number; None: AUTH_SESSION_SECRET comes from elsewhere."""
    database: DatabaseConnection
    service_account_name: str
    """Physical name: AWS's trust policies name the service account."""
    service_account_annotations: Mapping[str, Output[str]]


@dataclass(frozen=True)
class PortalObjects:
    """Names of the objects that Ingress and pods refer to; each waits for its object."""

    namespace: Output[str]
    service: Output[str]
    service_account: Output[str]
    secret: Output[str]
    secret_files: Mapping[str, Output[str]]
    """Secrets to mount, by folder."""
    app_config: Output[str]
    app_config_files: Sequence[str]
    """Names of the configuration files, in the order in which they override."""
    permissions: Output[str]
    database_ca: Output[str]
    scripts: Output[str]


class Portal(pulumi.ComponentResource):
    """Creates the service account, the Secrets, the ConfigMaps and the Service.

    Secrets and ConfigMaps have generated names: a changed value creates a new object, whose name
    changes the pod template and rolls the pods; the old object is deleted last. The Service exists
    before the pods, because readiness gates are injected only into pods created after it.
    """

    service: k8s.core.v1.Service
    objects: PortalObjects

    def __init__(self, name: str, args: PortalArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("backstage:portal:Portal", name, None, opts)
        self._namespace = args.namespace
        service_account = PortalServiceAccount(
            name,
            PortalServiceAccountArgs(
                namespace=self._namespace,
                name=args.service_account_name,
                annotations=args.service_account_annotations,
                readable=args.readable,
                namespaces=args.readable_namespaces,
            ),
            ResourceOptions(parent=self),
        )
        self.service = portal_service(
            f"{name}-service",
            SERVICE_NAME,
            self._namespace,
            args.port,
            opts=ResourceOptions(parent=self),
        )
        self.objects = PortalObjects(
            namespace=self._namespace,
            service=name_of(self.service),
            service_account=service_account.name,
            secret=self._secret(f"{name}-secrets", self._variables(name, args)),
            secret_files={
                folder: self._secret(f"{name}-{folder}", files)
                for folder, files in args.secret_files.items()
            },
            app_config=self._config_map(f"{name}-app-config", args.app_configs),
            app_config_files=tuple(args.app_configs),
            permissions=self._config_map(
                f"{name}-permissions",
                {
                    PERMISSIONS_FILE: args.permissions,
                    PERMISSION_CONDITIONS_FILE: args.permission_conditions,
                },
            ),
            database_ca=self._config_map(
                f"{name}-database-ca", {CA_FILE: args.database.ca_certificates or NO_CA}
            ),
            scripts=self._config_map(
                f"{name}-scripts",
                {file: read_text(f"assets/{file}") for file in SCRIPTS},
            ),
        )
        self.register_outputs({"serviceName": self.objects.service})

    def _variables(self, name: str, args: PortalArgs) -> Mapping[str, Input[str]]:
        version, login = args.session_secret_version, args.database.login
        session_secret = self._session_secret(name, version) if version else {}
        password = {"POSTGRES_PASSWORD": login.password} if isinstance(login, Login) else {}
        return {
            "POSTGRES_HOST": args.database.host,
            "POSTGRES_USER": login.user,
            **password,
            **session_secret,
            **args.secret_env,
        }

    def _session_secret(self, name: str, version: int) -> Mapping[str, Input[str]]:
        """Sign-ins under way survive a restart, and every pod knows them."""
        secret = random.RandomPassword(
            f"{name}-session-secret",
            random.RandomPasswordArgs(
                length=SESSION_SECRET_LENGTH,
                special=False,
                # None at first: stacks from before this key keep their secret.
                keepers={"version": str(version)} if version > 1 else None,
            ),
            opts=ResourceOptions(parent=self),
        )
        return {"AUTH_SESSION_SECRET": secret.result}

    def _secret(self, name: str, values: Mapping[str, Input[str]]) -> Output[str]:
        secret = k8s.core.v1.Secret(
            name,
            k8s.core.v1.SecretInitArgs(
                metadata=self._metadata(), type="Opaque", string_data=values
            ),
            opts=ResourceOptions(parent=self),
        )
        return name_of(secret)

    def _config_map(self, name: str, data: Mapping[str, str]) -> Output[str]:
        config_map = k8s.core.v1.ConfigMap(
            name,
            k8s.core.v1.ConfigMapInitArgs(metadata=self._metadata(), data=data),
            opts=ResourceOptions(parent=self),
        )
        return name_of(config_map)

    def _metadata(self) -> k8s.meta.v1.ObjectMetaArgs:
        """Without a name: Pulumi generates one from the logical name, and a new one on a change."""
        return k8s.meta.v1.ObjectMetaArgs(namespace=self._namespace, labels=LABELS)


def portal_service(
    resource: str,
    name: str,
    namespace: Input[str],
    port: int,
    annotations: Mapping[str, str] | None = None,
    opts: ResourceOptions | None = None,
) -> k8s.core.v1.Service:
    """A Service of the portal's pods. resource: its logical name; name: its physical one."""
    return k8s.core.v1.Service(
        resource,
        k8s.core.v1.ServiceInitArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=name,
                namespace=namespace,
                labels=LABELS,
                # It has no pods yet, so waiting for them would only delay.
                annotations={"pulumi.com/skipAwait": "true", **(annotations or {})},
            ),
            spec=k8s.core.v1.ServiceSpecArgs(
                type="ClusterIP",  # enough for a load balancer with targets of type ip
                selector=SELECTOR,
                # The VPC CNI's network policies require the same port on Service and pod.
                ports=[
                    k8s.core.v1.ServicePortArgs(
                        name="http", port=port, target_port=port, protocol="TCP"
                    )
                ],
            ),
        ),
        opts=opts,
    )
