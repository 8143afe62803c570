"""Pod Security Standards, profile `restricted` as of Kubernetes 1.35: what confines a container.

A namespace's label enforces them on admission; these rules say so before, and where no label is.
Controls: PSS is the standard's name of a field; CIS Kubernetes Benchmark 1.8.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.kubernetes import WORKLOADS, containers, contexts, pod, spec
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, rule, together

_SELINUX = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SYSCTLS = {
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"),
    *("net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"),
    *("net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time"),
    *("net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"),
    *("net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
}


def _inherited(resource: Resource, *field: str) -> Iterator[Node]:
    """The pod's value of a field, if given, and each container's, or else the pod's."""
    shared = spec(resource).at("securityContext", *field)
    if shared.raw is not None:
        yield shared
    for container in containers(resource):
        own = container.at("securityContext", *field)
        if own.raw is not None or shared.raw is None:
            yield own


@rule(
    "pss-escalation",
    *WORKLOADS,
    controls=("PSS privilege escalation", "CIS K8s 5.2.6"),
    severity="high",
    what="no process gains more rights than its parent",
    fix="securityContext.allowPrivilegeEscalation: false",
)
def escalation(resource: Resource, _: Plan) -> Iterator[str]:
    flags = [context.at("allowPrivilegeEscalation") for context in contexts(resource)[1:]]
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
    users = [context.at("runAsUser") for context in contexts(resource)]

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

    yield from each([context.at("capabilities") for context in contexts(resource)[1:]], check)


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
            "seLinuxOptions.type": context.at("seLinuxOptions", "type").text not in _SELINUX,
            "seLinuxOptions.user": context.at("seLinuxOptions", "user").text != "",
            "seLinuxOptions.role": context.at("seLinuxOptions", "role").text != "",
            "sysctls": any(
                item.at("name").text not in _SYSCTLS for item in context.at("sysctls").items
            ),
        }
        found = [field for field, is_loose in loose.items() if is_loose]
        return f"{context.path}: {', '.join(found)}" if found else None

    def unconfined(profile: Node) -> str | None:
        return f"{profile.path}: AppArmor is off" if profile.text == "unconfined" else None

    annotations = pod(resource).at("metadata", "annotations").entries
    profiles = [node for name, node in annotations.items() if name.startswith(_APP_ARMOR)]
    yield from together(each(contexts(resource), check), each(profiles, unconfined))
