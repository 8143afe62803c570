"""Pods that Pod Security "restricted" admits, and their parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

core = k8s.core.v1


@dataclass(frozen=True)
class PodImage:
    """An image, and what a pod has to say to run it."""

    reference: Input[str]
    pull_policy: str
    """`Always` or `IfNotPresent`."""
    platform: str
    """`linux/amd64` or `linux/arm64`, for the node selector."""
    pull_secret: str | None = None
    """Name of a pull secret in the pod's namespace."""


def pod_spec(
    image: PodImage,
    user: int,
    container: k8s.core.v1.ContainerArgs,
    volumes: Sequence[k8s.core.v1.VolumeArgs],
    **fields: Any,
) -> k8s.core.v1.PodSpecArgs:
    """A pod of one container, on nodes of the image's platform.

    user: uid and gid of every process and volume; not 0.
    """
    system, architecture = image.platform.split("/")
    pull_secret = image.pull_secret and core.LocalObjectReferenceArgs(name=image.pull_secret)
    return core.PodSpecArgs(
        enable_service_links=False,
        node_selector={"kubernetes.io/os": system, "kubernetes.io/arch": architecture},
        image_pull_secrets=[pull_secret] if pull_secret else None,
        security_context=pod_security(user),
        containers=[container],
        volumes=volumes,
        **fields,
    )


def container(
    image: PodImage,
    name: str,
    arguments: Sequence[str],
    variables: Mapping[str, Input[str]],
    references: Mapping[str, k8s.core.v1.EnvVarSourceArgs] | None = None,
    **fields: Any,
) -> k8s.core.v1.ContainerArgs:
    """A container of the image, with a read-only root file system.

    references: where the values of further variables are.
    """
    return core.ContainerArgs(
        name=name,
        image=image.reference,
        image_pull_policy=image.pull_policy,
        args=list(arguments),
        env=[
            *(core.EnvVarArgs(name=key, value=value) for key, value in variables.items()),
            *(
                core.EnvVarArgs(name=key, value_from=source)
                for key, source in (references or {}).items()
            ),
        ],
        security_context=container_security(),
        termination_message_policy="FallbackToLogsOnError",
        **fields,
    )


def pod_security(user: int) -> k8s.core.v1.PodSecurityContextArgs:
    """user: uid and gid of every process and volume; not 0."""
    return core.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=user,
        run_as_group=user,
        fs_group=user,
        seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security() -> k8s.core.v1.SecurityContextArgs:
    """No capability, no privilege escalation, a read-only root file system."""
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
        privileged=False,
        read_only_root_filesystem=True,
        run_as_non_root=True,
    )


def service_account(
    name: str, metadata: k8s.meta.v1.ObjectMetaArgs, opts: ResourceOptions
) -> k8s.core.v1.ServiceAccount:
    """Creates a service account whose token is mounted only where a pod opts in."""
    return core.ServiceAccount(
        name,
        core.ServiceAccountInitArgs(metadata=metadata, automount_service_account_token=False),
        opts=opts,
    )


def secret_variables(secret: Input[str]) -> list[k8s.core.v1.EnvFromSourceArgs]:
    """Every entry of a Secret as a variable."""
    return [core.EnvFromSourceArgs(secret_ref=core.SecretEnvSourceArgs(name=secret))]


def config_map_volume(name: str, config_map: Input[str]) -> k8s.core.v1.VolumeArgs:
    """A volume with the files of a ConfigMap."""
    return core.VolumeArgs(name=name, config_map=core.ConfigMapVolumeSourceArgs(name=config_map))


def secret_volume(name: str, secret: Input[str]) -> k8s.core.v1.VolumeArgs:
    """A volume with the entries of a Secret as files, for the pod's group only."""
    source = core.SecretVolumeSourceArgs(secret_name=secret, default_mode=0o440)
    return core.VolumeArgs(name=name, secret=source)


def read_only(volume: str, path: str) -> k8s.core.v1.VolumeMountArgs:
    """Mounts a volume that the container can't write to."""
    return core.VolumeMountArgs(name=volume, mount_path=path, read_only=True)


def port_text(port: Input[int]) -> Output[str]:
    """A port as a variable's value."""
    return Output.from_input(port).apply(lambda number: str(int(number)))
