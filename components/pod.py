"""The portal's pod template. Not a component: the Deployment is what runs it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import Input, Output

from components.database import DATABASE_NAME
from components.labels import LABELS, SELECTOR
from components.portal import APP_CONFIG_FILE, PortalObjects
from settings import Settings

core = k8s.core.v1

CONTAINER = "backstage"
USER = 10001  # above every host user (CKV_K8S_40)
HEALTH = "/.backstage/health/v1"
HEAP_SHARE = 0.75  # of the memory limit; the rest is for buffers, code and stacks
# MiB of each half of the young generation. With such a heap Node would take 16, and need 70 MiB
# more at the start.
SEMI_SPACE = 8
# After SIGTERM is sent to a pod, a load balancer's target takes some seconds to drain. preStop
# holds SIGTERM back that long; then the portal answers for its shutdown delay of 15 s
# (app-config.production.yaml) and finishes what is open.
PRE_STOP_SECONDS = 20
GRACE_SECONDS = 90
CONFIG_DIRECTORY = "/etc/backstage/app-config"
CA_DIRECTORY = "/etc/backstage/database-ca"
TEMPORARY_SIZE = "1Gi"
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
    database_port: Input[int]
    techdocs_bucket: Input[str] | None


def pod_template(args: PodArgs) -> k8s.core.v1.PodTemplateSpecArgs:
    """A pod that Pod Security "restricted" admits, with a read-only root file system."""
    settings = args.settings
    system, architecture = settings.image.platform.split("/")
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
        spec=core.PodSpecArgs(
            service_account_name=args.objects.service_account,
            automount_service_account_token=settings.portal.kubernetes_plugin,
            enable_service_links=False,
            termination_grace_period_seconds=GRACE_SECONDS,
            node_selector={"kubernetes.io/os": system, "kubernetes.io/arch": architecture},
            topology_spread_constraints=spread,
            image_pull_secrets=(
                [core.LocalObjectReferenceArgs(name=settings.image.pull_secret)]
                if settings.image.pull_secret
                else None
            ),
            security_context=core.PodSecurityContextArgs(
                run_as_non_root=True,
                run_as_user=USER,
                run_as_group=USER,
                fs_group=USER,
                seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
            ),
            containers=[_container(args)],
            volumes=[
                core.VolumeArgs(
                    name="app-config",
                    config_map=core.ConfigMapVolumeSourceArgs(name=args.objects.app_config),
                ),
                core.VolumeArgs(
                    name="database-ca",
                    config_map=core.ConfigMapVolumeSourceArgs(name=args.objects.database_ca),
                ),
                core.VolumeArgs(
                    name="tmp", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=TEMPORARY_SIZE)
                ),
            ],
        ),
    )


def _container(args: PodArgs) -> k8s.core.v1.ContainerArgs:
    settings, port = args.settings.portal, args.settings.port
    ports = {"http": port, **({"metrics": METRICS_PORT} if settings.metrics else {})}
    return core.ContainerArgs(
        name=CONTAINER,
        image=args.image,
        image_pull_policy=args.pull_policy,
        # Written out, so that a portal whose image names other files can't start without these.
        args=[
            "node",
            "packages/backend",
            "--config",
            "app-config.yaml",
            "--config",
            f"{CONFIG_DIRECTORY}/{APP_CONFIG_FILE}",
        ],
        ports=[
            core.ContainerPortArgs(name=name, container_port=number, protocol="TCP")
            for name, number in ports.items()
        ],
        env_from=[
            core.EnvFromSourceArgs(secret_ref=core.SecretEnvSourceArgs(name=args.objects.secret))
        ],
        env=[core.EnvVarArgs(name=key, value=value) for key, value in _variables(args).items()],
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": settings.cpu_request, "memory": settings.memory_request},
            # No CPU limit: throttling would only slow the start and every page.
            limits={"memory": settings.memory_limit},
        ),
        # Liveness is green as soon as the server listens; readiness only once every plugin has
        # started, migrations included. So start-up is judged by readiness, for five minutes.
        startup_probe=_probe(port, "readiness", period=5, failures=60),
        readiness_probe=_probe(port, "readiness", period=5, failures=3),
        liveness_probe=_probe(port, "liveness", period=10, failures=6),
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=PRE_STOP_SECONDS))
        ),
        security_context=core.SecurityContextArgs(
            allow_privilege_escalation=False,
            capabilities=core.CapabilitiesArgs(drop=["ALL"]),
            privileged=False,
            read_only_root_filesystem=True,
            run_as_non_root=True,
        ),
        termination_message_policy="FallbackToLogsOnError",
        volume_mounts=[
            core.VolumeMountArgs(name="app-config", mount_path=CONFIG_DIRECTORY, read_only=True),
            core.VolumeMountArgs(name="database-ca", mount_path=CA_DIRECTORY, read_only=True),
            core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108
        ],
    )


def _variables(args: PodArgs) -> dict[str, Input[str]]:
    settings = args.settings
    heap = int(settings.portal.memory_limit_mebibytes * HEAP_SHARE)
    variables: dict[str, Input[str]] = {
        "APP_HOST": settings.host,
        "APP_PORT": str(settings.port),
        "POSTGRES_PORT": Output.from_input(args.database_port).apply(lambda port: str(int(port))),
        "POSTGRES_DB": DATABASE_NAME,
        "APP_CONFIG_app_baseUrl": settings.base_url,
        "APP_CONFIG_backend_baseUrl": settings.base_url,
        "APP_CONFIG_auth_environment": "production",
        "NODE_ENV": "production",
        "NODE_OPTIONS": f"--max-old-space-size={heap} --max-semi-space-size={SEMI_SPACE}",
        "AWS_REGION": settings.aws.region,
    }
    if settings.base_url.startswith("http:"):
        # Else browsers ask for the page's scripts over https and show nothing.
        variables["APP_CONFIG_backend_csp_upgrade-insecure-requests"] = "false"
    if args.techdocs_bucket is not None:
        variables["TECHDOCS_PUBLISHER"] = "awsS3"
        variables["TECHDOCS_BUCKET"] = args.techdocs_bucket
    return {**variables, **settings.portal.env}


def _probe(port: int, check: str, period: int, failures: int) -> k8s.core.v1.ProbeArgs:
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path=f"{HEALTH}/{check}", port=port),
        period_seconds=period,
        timeout_seconds=5,
        failure_threshold=failures,
    )
