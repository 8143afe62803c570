"""The portal's database as a pod in its namespace, from PostgreSQL's official image."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.database.database import (
    DATABASE_NAME,
    POSTGRES_PORT,
    ROLE_NAME,
    DatabaseConnection,
    Login,
    generated_password,
)
from components.kubernetes.labels import job_labels, job_selector
from components.kubernetes.names import name_of
from components.kubernetes.network import pods
from components.kubernetes.pods import (
    container_security,
    pod_security,
    secret_variables,
    service_account,
)
from settings.keys import IN_CLUSTER_CONNECTIONS, DatabaseSettings
from settings.values.kubernetes import EPHEMERAL

core = k8s.core.v1

NAME = "postgres"
ADMINISTRATOR = "postgres"
USER = 999  # of the image's account
DATA = "/var/lib/postgresql/data"
LABELS = job_labels(NAME)
SELECTOR = job_selector(NAME)
READY = [
    "pg_isready",
    "--host",
    "127.0.0.1",
    "--username",
    ADMINISTRATOR,
    "--dbname",
    DATABASE_NAME,
]


@dataclass(frozen=True)
class PostgresArgs:
    settings: DatabaseSettings
    namespace: Output[str]


class Postgres(pulumi.ComponentResource):
    """Creates a StatefulSet of one PostgreSQL pod, its volume, service account, Service and
    password.

    It has no TLS and no backups. Deleting the namespace deletes the volume.
    """

    connection: DatabaseConnection

    def __init__(self, name: str, args: PostgresArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("backstage:database:Postgres", name, None, opts)
        own = ResourceOptions(parent=self)
        settings = args.settings
        self._metadata = k8s.meta.v1.ObjectMetaArgs(
            name=NAME, namespace=args.namespace, labels=LABELS
        )
        # The image reads it only when it creates the data directory.
        password = generated_password(f"{name}-password", "1", own)
        secret = core.Secret(
            f"{name}-postgres",
            core.SecretInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, labels=LABELS),
                type="Opaque",
                string_data={"POSTGRES_PASSWORD": password},
            ),
            opts=own,
        )
        service = core.Service(
            f"{name}-postgres-service",
            core.ServiceInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=NAME,
                    namespace=args.namespace,
                    labels=LABELS,
                    annotations={"pulumi.com/skipAwait": "true"},
                ),
                spec=core.ServiceSpecArgs(
                    selector=SELECTOR,
                    ports=[
                        core.ServicePortArgs(
                            name="postgres", port=POSTGRES_PORT, target_port=POSTGRES_PORT
                        )
                    ],
                ),
            ),
            opts=own,
        )
        stateful_set = self._stateful_set(name, settings, name_of(secret))
        # Known once the server is ready, like Aurora's host.
        host = Output.all(name_of(service), name_of(stateful_set), args.namespace).apply(
            lambda known: f"{known[0]}.{known[2]}.svc"
        )
        version = str(settings.password_version)
        self.connection = DatabaseConnection(
            host=host,
            port=Output.from_input(POSTGRES_PORT),
            login=Login(ROLE_NAME, generated_password(f"{name}-role-password", version, own)),
            administrator=Login(ADMINISTRATOR, password),
            ca_certificates=None,
            peers=pods(SELECTOR),
            pods=SELECTOR,
        )
        self.register_outputs({"endpoint": host})

    def _stateful_set(
        self, name: str, settings: DatabaseSettings, secret: Output[str]
    ) -> k8s.apps.v1.StatefulSet:
        ephemeral = settings.storage_size == EPHEMERAL
        volumes = {"run": "/var/run/postgresql", "tmp": "/tmp"}  # noqa: S108
        if ephemeral:
            volumes["data"] = DATA
        claim = core.PersistentVolumeClaimArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(name="data", labels=LABELS),
            spec=core.PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteOnce"],
                storage_class_name=settings.storage_class,
                resources=core.VolumeResourceRequirementsArgs(
                    requests={"storage": settings.storage_size}
                ),
            ),
        )
        account = service_account(
            f"{name}-postgres-service-account", self._metadata, ResourceOptions(parent=self)
        )
        pod = core.PodSpecArgs(
            service_account_name=name_of(account),
            automount_service_account_token=False,
            enable_service_links=False,
            termination_grace_period_seconds=60,
            security_context=pod_security(USER),
            containers=[self._container(settings, secret, {**volumes, "data": DATA})],
            volumes=[
                core.VolumeArgs(name=volume, empty_dir=core.EmptyDirVolumeSourceArgs())
                for volume in volumes
            ],
        )
        return k8s.apps.v1.StatefulSet(
            f"{name}-postgres-server",
            k8s.apps.v1.StatefulSetInitArgs(
                metadata=self._metadata,
                spec=k8s.apps.v1.StatefulSetSpecArgs(
                    service_name=NAME,
                    replicas=1,
                    selector=k8s.meta.v1.LabelSelectorArgs(match_labels=SELECTOR),
                    template=core.PodTemplateSpecArgs(
                        metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS), spec=pod
                    ),
                    volume_claim_templates=None if ephemeral else [claim],
                ),
            ),
            opts=ResourceOptions(parent=self),
        )

    def _container(
        self, settings: DatabaseSettings, secret: Output[str], mounts: dict[str, str]
    ) -> k8s.core.v1.ContainerArgs:
        accepts = core.ExecActionArgs(command=READY)
        return core.ContainerArgs(
            name=NAME,
            image=settings.image or f"postgres:{settings.engine_version}",
            image_pull_policy="IfNotPresent",
            args=[NAME, "-c", f"max_connections={IN_CLUSTER_CONNECTIONS}"],
            env=[
                core.EnvVarArgs(name="POSTGRES_DB", value=DATABASE_NAME),
                # A volume's root isn't empty: lost+found.
                core.EnvVarArgs(name="PGDATA", value=f"{DATA}/pgdata"),
            ],
            env_from=secret_variables(secret),
            ports=[core.ContainerPortArgs(name="postgres", container_port=POSTGRES_PORT)],
            # After a crash the write-ahead log is replayed first.
            startup_probe=core.ProbeArgs(
                exec_=accepts, period_seconds=2, timeout_seconds=5, failure_threshold=150
            ),
            readiness_probe=core.ProbeArgs(exec_=accepts, period_seconds=5, timeout_seconds=5),
            liveness_probe=core.ProbeArgs(
                tcp_socket=core.TCPSocketActionArgs(port=POSTGRES_PORT),
                period_seconds=10,
                failure_threshold=6,
            ),
            resources=core.ResourceRequirementsArgs(
                requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "1Gi"}
            ),
            security_context=container_security(),
            volume_mounts=[
                core.VolumeMountArgs(name=volume, mount_path=path)
                for volume, path in mounts.items()
            ],
        )
