"""What keeps pods running: resources, probes, disruption budgets, images that stay the same, and
their namespace.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from policy.kubernetes import SERVING, WORKLOADS, containers, namespace, pod, selecting, spec
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, holding, rule

BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
NAMESPACE = "kubernetes:core/v1:Namespace"
_MOVING = {
    *("", "canary", "dev", "develop", "edge", "head", "latest", "main", "master", "nightly"),
    *("rolling", "snapshot", "stable", "testing", "unstable"),
}
OLDEST = 25  # of Kubernetes 1: later profiles differ in detail only
ENFORCE = "pod-security.kubernetes.io/enforce"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


@rule(
    "pod-read-only",
    *WORKLOADS,
    controls=("CIS K8s 5.7.3",),
    what="a container can't change its own files",
    fix="securityContext.readOnlyRootFilesystem: true, and an emptyDir for what it writes",
)
def read_only(resource: Resource, _: Plan) -> Iterator[str]:
    flags = [c.at("securityContext", "readOnlyRootFilesystem") for c in containers(resource)]
    yield from each(flags, lambda node: None if node.value is True else f"{node.path} isn't true")


@rule(
    "pod-resources",
    *WORKLOADS,
    what="containers reserve CPU and memory, and have a limit of memory",
    fix="resources.requests.cpu, resources.requests.memory and resources.limits.memory",
)
def resources(resource: Resource, _: Plan) -> Iterator[str]:
    shared = spec(resource).at("resources")

    def check(container: Node) -> str | None:
        wanted = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
        given = container.at("resources")
        missing = [
            f"{kind}.{what}"
            for kind, what in wanted
            if not given.at(kind, what).text and not shared.at(kind, what).text
        ]
        return f"{given.path}: no {', '.join(missing)}" if missing else None

    yield from each(containers(resource), check)


@rule(
    "pod-probes",
    *SERVING,
    what="Kubernetes notices a pod that can't serve",
    fix="a readinessProbe and a livenessProbe",
)
def probes(resource: Resource, _: Plan) -> Iterator[str]:
    def check(container: Node) -> str | None:
        kinds = ("readinessProbe", "livenessProbe")
        missing = [kind for kind in kinds if not container.at(kind).entries]
        return f"{container.path}: no {', '.join(missing)}" if missing else None

    yield from each(spec(resource).at("containers").items, check)


def _tag(image: str) -> str:
    return image.rpartition("/")[2].partition("@")[0].partition(":")[2]


@rule(
    "image-version",
    *WORKLOADS,
    severity="high",
    what="an image's reference names a version",
    fix="a tag that is never pushed again, or a digest; in this project imageTag, imageDigest or "
    "databaseImage",
)
def image_version(resource: Resource, _: Plan) -> Iterator[str]:
    def check(image: Node) -> str | None:
        moving = _tag(image.text) in _MOVING and "@sha256:" not in image.text
        return f"{image.path}: {image.text}, whatever that is today" if moving else None

    yield from each([container.at("image") for container in containers(resource)], check)


@rule(
    "image-digest",
    *WORKLOADS,
    level="disabled",
    what="an image is pinned by its digest",
    fix="NAME@sha256:...; in this project imageDigest, which delivery sets for prod",
)
def image_digest(resource: Resource, _: Plan) -> Iterator[str]:
    def check(image: Node) -> str | None:
        pinned = "@sha256:" in image.text
        return None if pinned else f"{image.path}: {image.text} by tag, which a push can move"

    yield from each([container.at("image") for container in containers(resource)], check)


def replicas(resource: Resource, plan: Plan, bound: str) -> float:
    """Pods of a Deployment or StatefulSet, by its autoscaler if it has one.

    bound: `minReplicas` or `maxReplicas`.
    """
    scaled = [scaler.inputs.at("spec", bound).number for scaler in _scalers(resource, plan)]
    given = scaled[0] if scaled else resource.inputs.at("spec", "replicas").number
    return 1 if given is None else given  # Kubernetes' default of both


def _scalers(resource: Resource, plan: Plan) -> Iterator[Resource]:
    """Autoscalers of a workload."""
    name = resource.inputs.at("metadata", "name").text
    kind = resource.type.rpartition(":")[2]

    def scales(scaler: Resource) -> bool:
        target = scaler.inputs.at("spec", "scaleTargetRef")
        scaled = (target.at("kind").text, target.at("name").text)
        return namespace(scaler) == namespace(resource) and scaled == (kind, name)

    yield from holding(plan.of(AUTOSCALER), scales)


@rule(
    "pod-disruption-budget",
    *SERVING[1:],
    whole=True,
    what="the drain of a node takes one pod at a time",
    fix="a PodDisruptionBudget with maxUnavailable: 1",
)
def disruption_budget(resource: Resource, plan: Plan) -> Iterator[str]:
    pods = replicas(resource, plan, "minReplicas")
    if pods < 2:
        return  # a budget for a single pod only blocks drains
    budgets = list(selecting(resource, plan, BUDGET))
    if len(budgets) > 1:
        yield "several budgets select its pods: every eviction fails"
    evicted = [_evicted(budget.inputs.at("spec"), pods) for budget in budgets]
    if not budgets or min(evicted) >= pods:
        yield "a drain may evict every pod at once"
    elif min(evicted) <= 0:
        yield "its budget allows no eviction, so that nodes can't be drained"


def _evicted(budget: Node, pods: float) -> float:
    """Pods that a budget lets go at once. Kubernetes rounds percentages up."""

    def number(text: str) -> float:
        return math.ceil(float(text[:-1]) * pods / 100) if text.endswith("%") else float(text)

    if most := budget.at("maxUnavailable").text:
        return number(most)
    return pods - number(budget.at("minAvailable").text or "0")


@rule(
    "pss-namespace",
    NAMESPACE,
    controls=("CIS K8s 5.2.1",),
    what="the namespace admits pods of the restricted profile only",
    fix=f"the label {ENFORCE}: restricted",
)
def enforced(resource: Resource, _: Plan) -> Iterator[str]:
    level = resource.inputs.at("metadata", "labels", ENFORCE).text
    version = resource.inputs.at("metadata", "labels", f"{ENFORCE}-version").text
    if level != "restricted":
        yield f"{ENFORCE} is {level or 'unset'}"
    elif version not in ("", "latest") and int(version.removeprefix("v1.")) < OLDEST:
        yield f"{ENFORCE}-version is {version}, whose profile admits more"


@rule(
    "pod-namespace",
    *WORKLOADS,
    controls=("CIS K8s 5.7.4",),
    severity="low",
    what="pods aren't in the namespace default",
    fix="metadata.namespace",
)
def other_namespace(resource: Resource, _: Plan) -> Iterator[str]:
    if resource.inputs.at("metadata", "namespace").text in ("", "default") and pod(resource).raw:
        yield "its neighbours are everything that names no namespace"
