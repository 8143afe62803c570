"""The database's schemas, migrated before the pods are replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

from components.kubernetes.health import READINESS
from components.kubernetes.job import JobPod, job_account, run_once
from components.kubernetes.labels import job_labels
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
    # Search creates its scheduler's tables once the portal is ready, and nothing waits for them.
    "APP_CONFIG_backend_lifecycle_serverShutdownDelay": '{"seconds":5}',
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
    service_account_annotations: Mapping[str, Input[str]] = field(default_factory=dict)


class Migrations(pulumi.ComponentResource):
    """Creates a Job that starts the portal's image until every plugin has migrated its schema.

    The pods that serve skip migrations, so a failed one leaves them as they are. Its pod carries
    none of the labels that Service and PodDisruptionBudget select, and has a service account of its
    own.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self, name: str, args: MigrationsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:Migrations", name, None, opts)
        objects = args.pod.objects
        job = f"{name}-migrations"
        pod = JobPod(
            job_account(
                job,
                objects.namespace,
                args.service_account_annotations,
                ResourceOptions(parent=self),
            ),
            job_labels(job),
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
            job,
            objects.namespace,
            pod,
            ResourceOptions(parent=self, depends_on=args.after),
        )
        self.register_outputs({})
