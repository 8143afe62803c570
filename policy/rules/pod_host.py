"""Pod Security Standards, profile `restricted` of Kubernetes 1.35: what a pod shares with its node.

A namespace's label enforces them on admission; these rules say so before, and where no label is.
Controls: PSS is the standard's name of a field; CIS Kubernetes Benchmark 1.8.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.kubernetes import PERSISTENT_VOLUME, WORKLOADS, asked, containers, contexts, spec
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, rule

_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"),
    *("projected", "secret"),
}


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
    shared += [context.at("windowsOptions", "hostProcess") for context in contexts(resource)]
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
    flags = [context.at("privileged") for context in contexts(resource)[1:]]
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
    "pss-probes",
    *WORKLOADS,
    controls=("PSS host probes and lifecycle hooks",),
    what="probes and hooks call the pod itself",
    fix="remove host",
)
def probes(resource: Resource, _: Plan) -> Iterator[str]:
    hosts = [
        given.at(way, "host")
        for container in containers(resource)
        for given in asked(container)
        for way in ("httpGet", "tcpSocket")
    ]
    yield from each(
        hosts, lambda node: f"{node.path}: the kubelet calls another host" if node.text else None
    )


@rule(
    "pss-volumes",
    *WORKLOADS,
    PERSISTENT_VOLUME,
    controls=("PSS volume types", "CIS K8s 5.2.12"),
    severity="high",
    what="no volume is a folder of the node",
    fix="emptyDir, or a PersistentVolumeClaim",
)
def volumes(resource: Resource, _: Plan) -> Iterator[str]:
    if resource.type == PERSISTENT_VOLUME:
        for kind in ("hostPath", "local"):
            if resource.inputs.at("spec", kind).entries:
                yield f"spec.{kind}: a pod that claims the volume gets a folder of the node"
        return

    def check(volume: Node) -> str | None:
        other = sorted(volume.entries.keys() - _VOLUMES - {"name"})
        return f"{volume.path}: {', '.join(other)}" if other else None

    yield from each(spec(resource).at("volumes").items, check)
