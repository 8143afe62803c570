"""What Pod Security "restricted" asks of every pod and container."""

from __future__ import annotations

import pulumi_kubernetes as k8s

core = k8s.core.v1


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
    """No capability, no way to more rights, and a root file system that nobody writes to."""
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
        privileged=False,
        read_only_root_filesystem=True,
        run_as_non_root=True,
    )
