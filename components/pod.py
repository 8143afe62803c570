"""The portal's pods: what its Deployment and its Jobs run. Not a component itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Input, Output

from components.database import DATABASE_NAME, DatabaseConnection
from components.labels import LABELS, SELECTOR
from components.portal import APP_CONFIG_FILE, PortalObjects
from components.security import container_security, pod_security
from settings import Settings

core = k8s.core.v1

CONTAINER = "backstage"
USER = 10001  # above every host user (CKV_K8S_40)
HEALTH = "/.backstage/health/v1"
HEAP_SHARE = 0.75  # of the memory limit; the rest is for buffers, code and stacks
# A load balancer's target gets new requests for some ten seconds after its pod was told to go. One
# of them may take 30 s. preStop holds SIGTERM back; after it the portal answers for its shutdown
# delay of 15 s (app-config.production.yaml), then closes its database (docs/reliability.md).
PRE_STOP_SECONDS = 30
GRACE_SECONDS = 90
CONFIG_DIRECTORY = "/etc/backstage/app-config"
CA_DIRECTORY = "/etc/backstage/database-ca"
SCRIPT_DIRECTORY = "/etc/backstage/scripts"
# Written out, so that a portal whose image names other files can't start without these.
COMMAND = (
    "node",
    "packages/backend",
    "--config",
    "app-config.yaml",
    "--config",
    f"{CONFIG_DIRECTORY}/{APP_CONFIG_FILE}",
)
TEMPORARY_SIZE = "1Gi"
TECHDOCS_DIRECTORY = "/tmp/techdocs"  # noqa: S108, in the pod
METRICS_PORT = 9464  # of OpenTelemetry's Prometheus exporter


# What Prometheus' own example configuration, and most that follow it, look for.
_SCRAPED = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": str(METRICS_PORT),
    "prometheus.io/path": "/metrics",
}


@dataclass(frozen=True)
class PodArgs:
    settings: Settings
    image: Input[str]
    """Image reference."""
    pull_policy: str
    objects: PortalObjects
    database: DatabaseConnection
    techdocs_bucket: Input[str] | None


def pod_template(args: PodArgs) -> k8s.core.v1.PodTemplateSpecArgs:
    """The Deployment's pod."""
    settings = args.settings
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
            labels=LABELS, annotations=_SCRAPED if settings.portal.metrics else None
        ),
        spec=pod_spec(
            settings,
            _serving(args),
            portal_volumes(args.objects),
            service_account_name=args.objects.service_account,
            automount_service_account_token=settings.portal.kubernetes_plugin,
            termination_grace_period_seconds=GRACE_SECONDS,
            topology_spread_constraints=spread,
        ),
    )


def pod_spec(
    settings: Settings,
    container: k8s.core.v1.ContainerArgs,
    volumes: Sequence[k8s.core.v1.VolumeArgs],
    **fields: Any,
) -> k8s.core.v1.PodSpecArgs:
    """A pod that runs the image where it can run, and that Pod Security "restricted" admits."""
    system, architecture = settings.image.platform.split("/")
    return core.PodSpecArgs(
        enable_service_links=False,
        node_selector={"kubernetes.io/os": system, "kubernetes.io/arch": architecture},
        image_pull_secrets=(
            [core.LocalObjectReferenceArgs(name=settings.image.pull_secret)]
            if settings.image.pull_secret
            else None
        ),
        security_context=pod_security(USER),
        containers=[container],
        volumes=volumes,
        **fields,
    )


def container(
    pod: PodArgs,
    name: str,
    arguments: Sequence[str],
    variables: Mapping[str, Input[str]],
    **fields: Any,
) -> k8s.core.v1.ContainerArgs:
    """A container of the image, with a read-only root file system."""
    return core.ContainerArgs(
        name=name,
        image=pod.image,
        image_pull_policy=pod.pull_policy,
        args=list(arguments),
        env=[core.EnvVarArgs(name=key, value=value) for key, value in variables.items()],
        security_context=container_security(),
        termination_message_policy="FallbackToLogsOnError",
        **fields,
    )


def secret_variables(secret: Input[str]) -> list[k8s.core.v1.EnvFromSourceArgs]:
    """Every entry of a Secret as a variable."""
    return [core.EnvFromSourceArgs(secret_ref=core.SecretEnvSourceArgs(name=secret))]


def config_map_volume(name: str, config_map: Input[str]) -> k8s.core.v1.VolumeArgs:
    """A volume with the files of a ConfigMap."""
    return core.VolumeArgs(name=name, config_map=core.ConfigMapVolumeSourceArgs(name=config_map))


def read_only(volume: str, path: str) -> k8s.core.v1.VolumeMountArgs:
    """Mounts a volume that the container can't write to."""
    return core.VolumeMountArgs(name=volume, mount_path=path, read_only=True)


def portal_volumes(objects: PortalObjects) -> list[k8s.core.v1.VolumeArgs]:
    """The volumes of `portal_mounts`."""
    return [
        config_map_volume("app-config", objects.app_config),
        config_map_volume("database-ca", objects.database_ca),
        core.VolumeArgs(
            name="tmp", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=TEMPORARY_SIZE)
        ),
    ]


def portal_mounts() -> list[k8s.core.v1.VolumeMountArgs]:
    """Configuration and roots to read, and the only place to write to."""
    return [
        read_only("app-config", CONFIG_DIRECTORY),
        read_only("database-ca", CA_DIRECTORY),
        core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108
    ]


def portal_resources(settings: Settings) -> k8s.core.v1.ResourceRequirementsArgs:
    """What a running portal reserves, and may take."""
    portal = settings.portal
    return core.ResourceRequirementsArgs(
        requests={"cpu": portal.cpu_request, "memory": portal.memory_request},
        # No CPU limit: throttling would only slow the start and every page.
        limits={"memory": portal.memory_limit},
    )


def _serving(args: PodArgs) -> k8s.core.v1.ContainerArgs:
    settings, port = args.settings.portal, args.settings.port
    ports = {"http": port, **({"metrics": METRICS_PORT} if settings.metrics else {})}
    variables = portal_variables(args)
    if settings.migration_job:
        variables["APP_CONFIG_backend_database_skipMigrations"] = "true"
    return container(
        args,
        CONTAINER,
        COMMAND,
        variables,
        env_from=secret_variables(args.objects.secret),
        volume_mounts=portal_mounts(),
        resources=portal_resources(args.settings),
        ports=[
            core.ContainerPortArgs(name=name, container_port=number, protocol="TCP")
            for name, number in ports.items()
        ],
        # Liveness is green as soon as the server listens; readiness only once every plugin has
        # started, migrations included. So start-up is judged by readiness, for five minutes.
        startup_probe=_probe(port, "readiness", period=5, failures=60),
        readiness_probe=_probe(port, "readiness", period=5, failures=3),
        liveness_probe=_probe(port, "liveness", period=10, failures=6),
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=PRE_STOP_SECONDS))
        ),
    )


def portal_variables(args: PodArgs) -> dict[str, Input[str]]:
    """The plain variables with which the portal starts."""
    settings = args.settings
    heap = int(settings.portal.memory_limit_mebibytes * HEAP_SHARE)
    variables: dict[str, Input[str]] = {
        "APP_HOST": settings.host or "localhost",
        "APP_PORT": str(settings.port),
        "POSTGRES_PORT": port_text(args.database.port),
        "POSTGRES_DB": DATABASE_NAME,
        "APP_CONFIG_app_baseUrl": settings.base_url,
        "APP_CONFIG_backend_baseUrl": settings.base_url,
        "APP_CONFIG_auth_environment": "production",
        "NODE_ENV": "production",
        "NODE_OPTIONS": f"--max-old-space-size={heap}",
    }
    if settings.aws.region:
        variables["AWS_REGION"] = settings.aws.region
    if args.database.ca_certificates is None:
        variables["APP_CONFIG_backend_database_connection_ssl"] = "false"
    if settings.base_url.startswith("http:"):
        # Else browsers ask for the page's scripts over https and show nothing.
        variables["APP_CONFIG_backend_csp_upgrade-insecure-requests"] = "false"
    publisher = "APP_CONFIG_techdocs_publisher"
    if args.techdocs_bucket is not None:
        variables["TECHDOCS_PUBLISHER"] = "awsS3"
        variables["TECHDOCS_BUCKET"] = args.techdocs_bucket
        variables[f"{publisher}_awsS3_bucketName"] = args.techdocs_bucket
        variables[f"{publisher}_awsS3_region"] = settings.aws.region
    else:
        variables[f"{publisher}_local_publishDirectory"] = TECHDOCS_DIRECTORY
    return {**variables, **settings.portal.env}


def port_text(port: Input[int]) -> Output[str]:
    """A port as the text that a variable holds."""
    return Output.from_input(port).apply(lambda number: str(int(number)))


def _probe(port: int, check: str, period: int, failures: int) -> k8s.core.v1.ProbeArgs:
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path=f"{HEALTH}/{check}", port=port),
        period_seconds=period,
        timeout_seconds=5,
        failure_threshold=failures,
    )
