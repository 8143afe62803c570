"""The portal's own role in the database, created by a Job that logs in as the administrator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

from components.database.database import DATABASE_NAME, DatabaseConnection
from components.kubernetes.job import JobPod, run_once
from components.kubernetes.labels import job_labels
from components.kubernetes.names import name_of
from components.kubernetes.pods import (
    PodImage,
    config_map_volume,
    container,
    port_text,
    read_only,
    secret_variables,
)
from components.portal.portal import CA_FILE, ROLE_SCRIPT, PortalObjects
from components.portal.portal_pod import CA_DIRECTORY, SCRIPT_DIRECTORY, USER

CONNECT_SECONDS = 240  # until the script gives up to connect
DEADLINE = CONNECT_SECONDS + 60


@dataclass(frozen=True)
class DatabaseRoleArgs:
    image: PodImage
    """The portal's, whose PostgreSQL driver the script uses."""
    objects: PortalObjects
    """Namespace, root certificates and script."""
    database: DatabaseConnection
    after: Sequence[pulumi.Resource]
    """Resources that must exist before the pod is created."""


class DatabaseRole(pulumi.ComponentResource):
    """Creates the role, or changes its password; it owns the portal's schemas and nothing else.

    The administrator's password is in a Secret that only the Job's pod reads.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self, name: str, args: DatabaseRoleArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:DatabaseRole", name, None, opts)
        objects, database = args.objects, args.database
        secret = k8s.core.v1.Secret(
            f"{name}-database-administrator",
            k8s.core.v1.SecretInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    namespace=objects.namespace, labels=job_labels(f"{name}-database-role")
                ),
                type="Opaque",
                string_data={
                    "PGHOST": database.host,
                    "PGUSER": database.administrator.user,
                    "PGPASSWORD": database.administrator.password,
                    "ROLE_NAME": database.login.user,
                    "ROLE_PASSWORD": database.login.password,
                },
            ),
            opts=ResourceOptions(parent=self),
        )
        variables: dict[str, Input[str]] = {
            "PGPORT": port_text(database.port),
            "PGDATABASE": DATABASE_NAME,
            "CONNECT_SECONDS": str(CONNECT_SECONDS),
        }
        if database.ca_certificates:
            variables["PGSSLROOTCERT"] = f"{CA_DIRECTORY}/{CA_FILE}"
        role = container(
            args.image,
            "database-role",
            ["node", f"{SCRIPT_DIRECTORY}/{ROLE_SCRIPT}"],
            variables,
            env_from=secret_variables(name_of(secret)),
            volume_mounts=[
                read_only("database-ca", CA_DIRECTORY),
                read_only("scripts", SCRIPT_DIRECTORY),
            ],
            resources=k8s.core.v1.ResourceRequirementsArgs(
                requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "256Mi"}
            ),
        )
        volumes = [
            config_map_volume("database-ca", objects.database_ca),
            config_map_volume("scripts", objects.scripts),
        ]
        self.job = run_once(
            f"{name}-database-role",
            objects.namespace,
            JobPod(args.image, USER, role, volumes, DEADLINE),
            ResourceOptions(parent=self, depends_on=args.after),
        )
        self.register_outputs({})
