"""The database's schemas, brought up to date before the pods are replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

from components.job import run_once
from components.pod import (
    COMMAND,
    SCRIPT_DIRECTORY,
    PodArgs,
    config_map_volume,
    container,
    portal_mounts,
    portal_resources,
    portal_variables,
    portal_volumes,
    read_only,
    secret_variables,
)
from components.portal import MIGRATION_SCRIPT

DEADLINE = 1800  # seconds; the script gives up two minutes before, one of which stopping may take

# The portal starts as ever, but for what it would do besides migrating.
_MIGRATING = {
    "APP_CONFIG_catalog_processingInterval": "false",
    "APP_CONFIG_scaffolder_concurrentTasksLimit": "0",
    "APP_CONFIG_backend_lifecycle_serverShutdownDelay": '{"seconds":0}',
    # An image that is older than the schemas knows fewer migrations, and has nothing to do.
    "APP_CONFIG_backend_database_knexConfig_migrations_disableMigrationsListValidation": "true",
    "MIGRATION_SECONDS": str(DEADLINE - 120),
}


@dataclass(frozen=True)
class MigrationsArgs:
    pod: PodArgs
    after: Sequence[pulumi.Resource]
    """What makes the database ready to log in to, and gives a pod its credentials."""


class Migrations(pulumi.ComponentResource):
    """Creates a Job that starts the portal's image until every plugin has migrated its schema.

    The pods that serve skip migrations, so a failed one leaves them as they are. Its pod carries
    none of the labels that Service, PodDisruptionBudget and NetworkPolicy select.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self, name: str, args: MigrationsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:Migrations", name, None, opts)
        pod = args.pod
        self.job = run_once(
            f"{name}-migrations",
            pod,
            container(
                pod,
                "migrations",
                ["node", f"{SCRIPT_DIRECTORY}/{MIGRATION_SCRIPT}", *COMMAND[1:]],
                {**portal_variables(pod), **_MIGRATING},
                env_from=secret_variables(pod.objects.secret),
                volume_mounts=[*portal_mounts(), read_only("scripts", SCRIPT_DIRECTORY)],
                resources=portal_resources(pod.settings),
            ),
            [*portal_volumes(pod.objects), config_map_volume("scripts", pod.objects.scripts)],
            DEADLINE,
            ResourceOptions(parent=self, depends_on=args.after),
            # TechDocs looks into its bucket at every start.
            service_account=pod.objects.service_account,
        )
        self.register_outputs({})
