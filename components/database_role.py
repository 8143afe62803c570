"""The portal's own role in the database, made by a Job that logs in as the administrator."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

from components.database import DATABASE_NAME
from components.job import run_once
from components.labels import job_labels
from components.names import name_of
from components.pod import (
    CA_DIRECTORY,
    SCRIPT_DIRECTORY,
    PodArgs,
    config_map_volume,
    container,
    port_text,
    read_only,
    secret_variables,
)
from components.portal import CA_FILE, ROLE_SCRIPT

DEADLINE = 300  # seconds; the script itself gives up after four minutes without a connection


@dataclass(frozen=True)
class DatabaseRoleArgs:
    pod: PodArgs
    """Of the portal, whose image runs the script."""


class DatabaseRole(pulumi.ComponentResource):
    """Creates the role, or gives it a new password; it owns the portal's schemas and nothing else.

    The administrator's password stands in a Secret that only the Job's pod reads.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self, name: str, args: DatabaseRoleArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:DatabaseRole", name, None, opts)
        pod, database = args.pod, args.pod.database
        secret = k8s.core.v1.Secret(
            f"{name}-database-administrator",
            k8s.core.v1.SecretInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    namespace=pod.objects.namespace,
                    labels=job_labels(f"{name}-database-role"),
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
        }
        if database.ca_certificates:
            variables["PGSSLROOTCERT"] = f"{CA_DIRECTORY}/{CA_FILE}"
        self.job = run_once(
            f"{name}-database-role",
            pod,
            container(
                pod,
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
            ),
            [
                config_map_volume("database-ca", pod.objects.database_ca),
                config_map_volume("scripts", pod.objects.scripts),
            ],
            DEADLINE,
            ResourceOptions(parent=self),
        )
        self.register_outputs({})
