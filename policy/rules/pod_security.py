"""Pod Security Standards: what the profile `restricted` refuses, as of Kubernetes 1.35.

A namespace's label enforces them on admission; these rules say so before, and where no label is.
Controls: PSS is the standard's name of a field; CIS Kubernetes Benchmark 1.8.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.kubernetes import WORKLOADS, containers, spec
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, rule

_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"),
    *("projected", "secret"),
}
_SYSCTLS = {
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"),
    *("net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"),
    *("net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time"),
    *("net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"),
    *("net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
}


def _contexts(resource: Resource) -> list[Node]:
    """Security contexts of the pod and of its containers."""
    own = [container.at("securityContext") for container in containers(resource)]
    return [spec(resource).at("securityContext"), *own]


def _inherited(resource: Resource, *field: str) -> Iterator[Node]:
    """Each container's value of a field, or else the pod's."""
    for container in containers(resource):
        own = container.at("securityContext", *field)
        yield own if own.raw is not None else spec(resource).at("securityContext", *field)


@rule(
    "pss-host",
    *WORKLOADS,
    controls=(
        "PSS host namespaces",
        "CIS K8s 5.2.3",
        "CIS K8s 5.2.4",
        "CIS K8s 5.2.5",
        "CIS K8s 5.2.11",
    ),
    severity="critical",
    what="no pod shares the node's network, processes or IPC",
    fix="remove hostNetwork, hostPID, hostIPC and hostProcess",
)
def host(resource: Resource, _: Plan) -> Iterator[str]:
    shared = [spec(resource).at(key) for key in ("hostNetwork", "hostPID", "hostIPC")]
    shared += [context.at("windowsOptions", "hostProcess") for context in _contexts(resource)]
    yield from each(
        shared, lambda node: f"{node.path}: the pod sees the whole node" if node.value else None
    )


@rule(
    "pss-privileged",
    *WORKLOADS,
    controls=("PSS privileged", "CIS K8s 5.2.2"),
    severity="critical",
    what="no container is privileged",
    fix="remove privileged: true",
)
def privileged(resource: Resource, _: Plan) -> Iterator[str]:
    flags = [context.at("privileged") for context in _contexts(resource)[1:]]
    yield from each(flags, lambda node: f"{node.path}: it owns the node" if node.value else None)


@rule(
    "pss-host-ports",
    *WORKLOADS,
    controls=("PSS host ports", "CIS K8s 5.2.13"),
    what="no container listens on the node's addresses",
    fix="a Service instead of hostPort",
)
def host_ports(resource: Resource, _: Plan) -> Iterator[str]:
    ports = [
        port.at("hostPort") for each in containers(resource) for port in each.at("ports").items
    ]
    yield from each(
        ports,
        lambda node: f"{node.path}: NetworkPolicies don't apply to it" if node.value else None,
    )


@rule(
    "pss-volumes",
    *WORKLOADS,
    controls=("PSS volume types", "CIS K8s 5.2.12"),
    severity="high",
    what="no volume is a folder of the node",
    fix="emptyDir, or a PersistentVolumeClaim",
)
def volumes(resource: Resource, _: Plan) -> Iterator[str]:
    def check(volume: Node) -> str | None:
        other = sorted(volume.entries.keys() - _VOLUMES - {"name"})
        return f"{volume.path}: {', '.join(other)}" if other else None

    yield from each(spec(resource).at("volumes").items, check)


@rule(
    "pss-escalation",
    *WORKLOADS,
    controls=("PSS privilege escalation", "CIS K8s 5.2.6"),
    severity="high",
    what="no process gains more rights than its parent",
    fix="securityContext.allowPrivilegeEscalation: false",
)
def escalation(resource: Resource, _: Plan) -> Iterator[str]:
    flags = [context.at("allowPrivilegeEscalation") for context in _contexts(resource)[1:]]
    yield from each(
        flags,
        lambda node: None if node.value is False else f"{node.path} isn't false",
    )


@rule(
    "pss-non-root",
    *WORKLOADS,
    controls=("PSS running as non-root", "PSS running as non-root user", "CIS K8s 5.2.7"),
    severity="high",
    what="no container runs as root",
    fix="securityContext.runAsNonRoot: true, and a runAsUser other than 0",
)
def non_root(resource: Resource, _: Plan) -> Iterator[str]:
    users = [context.at("runAsUser") for context in _contexts(resource)]

    def check(node: Node) -> str | None:
        if node.path.endswith("runAsUser"):
            return f"{node.path}: root" if node.number == 0 else None
        return None if node.value is True else f"{node.path} isn't true"

    yield from each([*_inherited(resource, "runAsNonRoot"), *users], check)


@rule(
    "pss-seccomp",
    *WORKLOADS,
    controls=("PSS seccomp", "CIS K8s 5.7.2"),
    what="a seccomp profile filters system calls",
    fix="securityContext.seccompProfile.type: RuntimeDefault",
)
def seccomp(resource: Resource, _: Plan) -> Iterator[str]:
    types = _inherited(resource, "seccompProfile", "type")
    yield from each(
        types,
        lambda node: None if node.text in ("RuntimeDefault", "Localhost")
        else f"{node.path} is {node.text or 'unset'}",
    )  # fmt: skip


@rule(
    "pss-capabilities",
    *WORKLOADS,
    controls=("PSS capabilities", "CIS K8s 5.2.8", "CIS K8s 5.2.9", "CIS K8s 5.2.10"),
    severity="high",
    what="containers drop every capability",
    fix="securityContext.capabilities: {drop: [ALL]}; NET_BIND_SERVICE may be added",
)
def capabilities(resource: Resource, _: Plan) -> Iterator[str]:
    def check(given: Node) -> str | None:
        dropped = {item.text for item in given.at("drop").items}
        added = sorted({item.text for item in given.at("add").items} - {"NET_BIND_SERVICE"})
        if added:
            return f"{given.path}.add: {', '.join(added)}"
        return None if "ALL" in dropped else f"{given.path}.drop lacks ALL"

    yield from each([context.at("capabilities") for context in _contexts(resource)[1:]], check)


@rule(
    "pss-kernel",
    *WORKLOADS,
    controls=("PSS AppArmor", "PSS SELinux", "PSS /proc mount type", "PSS sysctls"),
    what="nothing loosens what confines a container",
    fix="remove the field",
)
def kernel(resource: Resource, _: Plan) -> Iterator[str]:
    def check(context: Node) -> str | None:
        loose = {
            "appArmorProfile.type": context.at("appArmorProfile", "type").text == "Unconfined",
            "procMount": context.at("procMount").text not in ("", "Default"),
            "seLinuxOptions.user": context.at("seLinuxOptions", "user").text != "",
            "seLinuxOptions.role": context.at("seLinuxOptions", "role").text != "",
            "sysctls": any(
                item.at("name").text not in _SYSCTLS for item in context.at("sysctls").items
            ),
        }
        found = [field for field, is_loose in loose.items() if is_loose]
        return f"{context.path}: {', '.join(found)}" if found else None

    yield from each(_contexts(resource), check)
