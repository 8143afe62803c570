"""Pods and what selects them, in resources of any kind."""

from __future__ import annotations

from collections.abc import Iterator

from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import holding

_PODS = {
    "kubernetes:apps/v1:DaemonSet": "spec.template",
    "kubernetes:apps/v1:Deployment": "spec.template",
    "kubernetes:apps/v1:ReplicaSet": "spec.template",
    "kubernetes:apps/v1:StatefulSet": "spec.template",
    "kubernetes:batch/v1:CronJob": "spec.jobTemplate.spec.template",
    "kubernetes:batch/v1:Job": "spec.template",
    "kubernetes:core/v1:Pod": "",
    "kubernetes:core/v1:PodTemplate": "template",
    "kubernetes:core/v1:ReplicationController": "spec.template",
}
WORKLOADS = tuple(_PODS)
SERVING = tuple(f"kubernetes:apps/v1:{kind}" for kind in ("DaemonSet", "Deployment", "StatefulSet"))
"""Workloads whose pods run until somebody stops them"""
SERVICE = "kubernetes:core/v1:Service"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
INGRESS_CLASS = "kubernetes:networking.k8s.io/v1:IngressClass"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
PERSISTENT_VOLUME = "kubernetes:core/v1:PersistentVolume"
SERVICE_ACCOUNT = "kubernetes:core/v1:ServiceAccount"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def pod(resource: Resource) -> Node:
    """The workload's pod, with metadata and spec."""
    path = _PODS[resource.type]
    return resource.inputs.at(*path.split(".")) if path else resource.inputs


def spec(resource: Resource) -> Node:
    """The spec of the workload's pod."""
    return pod(resource).at("spec")


def containers(resource: Resource) -> list[Node]:
    """All containers of the workload's pod, init and ephemeral ones among them."""
    return [
        container
        for kind in ("containers", "initContainers", "ephemeralContainers")
        for container in spec(resource).at(kind).items
    ]


def asked(container: Node) -> list[Node]:
    """The container's probes and hooks."""
    probes = [container.at(f"{kind}Probe") for kind in ("liveness", "readiness", "startup")]
    return probes + [container.at("lifecycle", hook) for hook in ("postStart", "preStop")]


def contexts(resource: Resource) -> list[Node]:
    """Security contexts of the pod and of its containers."""
    own = [container.at("securityContext") for container in containers(resource)]
    return [spec(resource).at("securityContext"), *own]


def account(resource: Resource) -> str:
    """The service account of the workload's pod; empty where it names none."""
    return spec(resource).at("serviceAccountName").text or spec(resource).at("serviceAccount").text


def namespace(resource: Resource) -> str:
    """The object's namespace."""
    return resource.inputs.at("metadata", "namespace").text or "default"


def matches(selector: Node, labels: Node) -> bool:
    """Whether a LabelSelector selects an object with these labels."""
    for key, wanted in selector.at("matchLabels").entries.items():
        if labels.at(key).text != wanted.text:
            return False
    for expression in selector.at("matchExpressions").items:
        key, values = expression.at("key").text, [v.text for v in expression.at("values").items]
        label = labels.at(key)
        holds = {
            "In": label.text in values,
            "NotIn": label.text not in values,
            "Exists": label.raw is not None,
            "DoesNotExist": label.raw is None,
        }
        if not holds[expression.at("operator").text]:
            return False
    return True


def selecting(workload: Resource, plan: Plan, *types: str) -> Iterator[Resource]:
    """Services, disruption budgets or network policies that select a workload's pods.

    Raises UnknownError last, if it met something unknown.
    """
    labels = pod(workload).at("metadata", "labels")

    def selects(other: Resource) -> bool:
        if namespace(other) != namespace(workload):
            return False
        if other.type == SERVICE:
            wanted = other.inputs.at("spec", "selector")
            selector = Node({"matchLabels": wanted.raw or {}}, wanted.path)
            return bool(wanted.entries) and matches(selector, labels)
        if other.type == NETWORK_POLICY:
            return matches(other.inputs.at("spec", "podSelector"), labels)
        selector = other.inputs.at("spec", "selector")
        return selector.raw is not None and matches(selector, labels)

    yield from holding(plan.of(*types), selects)
