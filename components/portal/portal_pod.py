"""The portal's pod: its container, variables and files, for the Deployment and the migrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Input

from components.database.database import DatabaseConnection, TokenLogin
from components.kubernetes.health import LIVENESS, READINESS
from components.kubernetes.labels import LABELS, SELECTOR
from components.kubernetes.pods import (
    PodImage,
    config_map_volume,
    container,
    pod_spec,
    port_text,
    read_only,
    secret_variables,
    secret_volume,
)
from components.portal.held_secrets import HeldSecrets
from components.portal.portal import PortalObjects
from settings.draining import GRACE_SECONDS, PRE_STOP_SECONDS
from settings.integrations import SECRETS_DIRECTORY
from settings.keys import METRICS_PORT, PortalSettings

core = k8s.core.v1

CONTAINER = "backstage"
METRICS = "metrics"  # name of the container's port
USER = 10001  # above every host user (CKV_K8S_40)
HEAP_SHARE = 0.75  # of the memory limit; the rest is for buffers, code and stacks
CONFIG_DIRECTORY = "/etc/backstage/app-config"
PERMISSIONS_DIRECTORY = "/etc/backstage/permissions"
CA_DIRECTORY = "/etc/backstage/database-ca"
SCRIPT_DIRECTORY = "/etc/backstage/scripts"
TEMPORARY_SIZE = "1Gi"
# A publisher's schema allows one type only; a platform with a bucket sets awsS3 instead.
LOCAL_TECHDOCS = {"APP_CONFIG_techdocs_publisher_local_publishDirectory": "/tmp/techdocs"}  # noqa: S108

# What Prometheus' own example configuration, and most that follow it, look for.
_SCRAPED = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": str(METRICS_PORT),
    "prometheus.io/path": "/metrics",
}


@dataclass(frozen=True)
class PortalPodArgs:
    image: PodImage
    settings: PortalSettings
    """Resources, metrics, migrations and the Kubernetes plugin."""
    port: int
    objects: PortalObjects
    variables: Mapping[str, Input[str]]
    """Of `portal_variables`."""
    held: HeldSecrets = field(default_factory=HeldSecrets)
    """Secrets that others fill."""


def pod_template(args: PortalPodArgs) -> k8s.core.v1.PodTemplateSpecArgs:
    """The Deployment's pod."""
    spread = [
        core.TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key=key,
            # A zone that is down must not keep the others from running the pods.
            when_unsatisfiable="ScheduleAnyway",
            label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=SELECTOR),
            match_label_keys=["pod-template-hash"],
        )
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
    return core.PodTemplateSpecArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(
            labels=LABELS, annotations=_SCRAPED if args.settings.metrics else None
        ),
        spec=pod_spec(
            args.image,
            USER,
            _serving(args),
            portal_volumes(args),
            service_account_name=args.objects.service_account,
            automount_service_account_token=args.settings.kubernetes_plugin,
            termination_grace_period_seconds=GRACE_SECONDS,
            topology_spread_constraints=spread,
        ),
    )


def command(objects: PortalObjects) -> tuple[str, ...]:
    """Explicit, so the image's CMD can't drop the mounted configuration."""
    mounted = (f"{CONFIG_DIRECTORY}/{file}" for file in objects.app_config_files)
    files = (("--config", file) for file in ("app-config.yaml", *mounted))
    return ("node", "packages/backend", *(each for pair in files for each in pair))


def portal_container(
    args: PortalPodArgs,
    name: str,
    arguments: tuple[str, ...],
    variables: Mapping[str, Input[str]],
    mounts: tuple[k8s.core.v1.VolumeMountArgs, ...] = (),
    **fields: Any,
) -> k8s.core.v1.ContainerArgs:
    """A container with the portal's Secret, files and resources.

    variables, mounts: besides the portal's own.
    """
    folders = (*args.objects.secret_files, *args.held.volumes)
    return container(
        args.image,
        name,
        arguments,
        {**args.variables, **variables},
        args.held.variables,
        env_from=secret_variables(args.objects.secret),
        volume_mounts=[
            read_only("app-config", CONFIG_DIRECTORY),
            read_only("permissions", PERMISSIONS_DIRECTORY),
            read_only("database-ca", CA_DIRECTORY),
            *(read_only(each, f"{SECRETS_DIRECTORY}/{each}") for each in folders),
            core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108
            *mounts,
        ],
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": args.settings.cpu_request, "memory": args.settings.memory_request},
            # No CPU limit: throttling would only slow the start and every page.
            limits={"memory": args.settings.memory_limit},
        ),
        **fields,
    )


def portal_volumes(args: PortalPodArgs) -> list[k8s.core.v1.VolumeArgs]:
    """The volumes that `portal_container` mounts."""
    objects = args.objects
    return [
        config_map_volume("app-config", objects.app_config),
        config_map_volume("permissions", objects.permissions),
        config_map_volume("database-ca", objects.database_ca),
        *(secret_volume(folder, name) for folder, name in objects.secret_files.items()),
        *args.held.volumes.values(),
        core.VolumeArgs(
            name="tmp", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=TEMPORARY_SIZE)
        ),
    ]


def _serving(args: PortalPodArgs) -> k8s.core.v1.ContainerArgs:
    ports = {"http": args.port, **({METRICS: METRICS_PORT} if args.settings.metrics else {})}
    skipped = {"APP_CONFIG_backend_database_skipMigrations": "true"}
    return portal_container(
        args,
        CONTAINER,
        command(args.objects),
        skipped if args.settings.migration_job else {},
        ports=[
            core.ContainerPortArgs(name=name, container_port=number, protocol="TCP")
            for name, number in ports.items()
        ],
        # Migrations may run at the start: up to five minutes.
        startup_probe=_probe(args.port, READINESS, period=5, failures=60),
        readiness_probe=_probe(args.port, READINESS, period=5, failures=3),
        liveness_probe=_probe(args.port, LIVENESS, period=10, failures=6),
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=PRE_STOP_SECONDS))
        ),
    )


def heap_mebibytes(settings: PortalSettings) -> int:
    """The limit of a pod's heap."""
    return int(settings.memory_limit_mebibytes * HEAP_SHARE)


def portal_variables(
    settings: PortalSettings,
    url: str,
    port: int,
    database: DatabaseConnection,
    platform: Mapping[str, Input[str]],
) -> dict[str, Input[str]]:
    """The plain variables that the portal starts with.

    url: the portal's address as browsers see it. platform: variables of the platform.
    """
    heap = heap_mebibytes(settings)
    variables: dict[str, Input[str]] = {
        "APP_PORT": str(port),
        "POSTGRES_PORT": port_text(database.port),
        "POSTGRES_DB": database.name,
        "APP_CONFIG_app_baseUrl": url,
        "APP_CONFIG_backend_baseUrl": url,
        "APP_CONFIG_auth_environment": "production",
        "NODE_ENV": "production",
        "NODE_OPTIONS": f"--max-old-space-size={heap}",
    }
    if database.ca_certificates is None:
        variables["APP_CONFIG_backend_database_connection_ssl"] = "false"
    if isinstance(database.login, TokenLogin):
        variables |= {
            "APP_CONFIG_backend_database_connection_type": "rds",
            # A number then, as its schema wants; a file could only give text.
            "APP_CONFIG_backend_database_connection_port": port_text(database.port),
            "APP_CONFIG_backend_database_role": database.login.role,
        }
    if url.startswith("http:"):
        # Otherwise browsers request the page's scripts over https and show nothing.
        variables["APP_CONFIG_backend_csp_upgrade-insecure-requests"] = "false"
    return {**variables, **platform, **settings.env}


def _probe(port: int, path: str, period: int, failures: int) -> k8s.core.v1.ProbeArgs:
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path=path, port=port),
        period_seconds=period,
        timeout_seconds=5,
        failure_threshold=failures,
    )
