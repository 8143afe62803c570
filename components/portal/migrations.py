"""The database's schemas, migrated before the pods are replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

from components.kubernetes.health import READINESS
from components.kubernetes.job import JobPod, run_once
from components.kubernetes.pods import config_map_volume, read_only
from components.portal.portal import MIGRATION_SCRIPT
from components.portal.portal_pod import (
    SCRIPT_DIRECTORY,
    USER,
    PortalPodArgs,
    command,
    portal_container,
    portal_volumes,
)

DEADLINE = 1800  # seconds; the script gives up two minutes before, one of which stopping may take

# The portal starts as usual, but for what it would do besides migrating.
_MIGRATING = {
    "APP_CONFIG_catalog_processingInterval": "false",
    "APP_CONFIG_scaffolder_concurrentTasksLimit": "0",
    "APP_CONFIG_backend_lifecycle_serverShutdownDelay": '{"seconds":0}',
    # Without an AWS role, TechDocs would ask instance metadata, which no pod reaches, for 2 s.
    "AWS_EC2_METADATA_DISABLED": "true",
    # An image that is older than the schemas knows fewer migrations, and has nothing to do.
    "APP_CONFIG_backend_database_knexConfig_migrations_disableMigrationsListValidation": "true",
    "MIGRATION_SECONDS": str(DEADLINE - 120),
    "READINESS_PATH": READINESS,
}


@dataclass(frozen=True)
class MigrationsArgs:
    pod: PortalPodArgs
    """The portal's pod, which the Job's resembles."""
    after: Sequence[pulumi.Resource]
    """Resources that must exist before the pod is created, such as the portal's role."""


class Migrations(pulumi.ComponentResource):
    """Creates a Job that starts the portal's image until every plugin has migrated its schema.

    The pods that serve skip migrations, so a failed one leaves them as they are. Its pod carries
    none of the labels that Service and PodDisruptionBudget select, and has no AWS role.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self, name: str, args: MigrationsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:Migrations", name, None, opts)
        objects = args.pod.objects
        pod = JobPod(
            args.pod.image,
            USER,
            portal_container(
                args.pod,
                "migrations",
                ("node", f"{SCRIPT_DIRECTORY}/{MIGRATION_SCRIPT}", *command(objects)[1:]),
                _MIGRATING,
                mounts=(read_only("scripts", SCRIPT_DIRECTORY),),
            ),
            [*portal_volumes(args.pod), config_map_volume("scripts", objects.scripts)],
            DEADLINE,
        )
        self.job = run_once(
            f"{name}-migrations",
            objects.namespace,
            pod,
            ResourceOptions(parent=self, depends_on=args.after),
        )
        self.register_outputs({})
