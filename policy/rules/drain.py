"""Arithmetic between resources: draining, keep-alive, and connections to the database."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from policy.alb import attribute, by_alb
from policy.aurora import max_connections
from policy.backstage import duration, mounted
from policy.kubernetes import INGRESS, SERVICE, SERVING, containers, namespace, selecting, spec
from policy.node import Node, UnknownError
from policy.plan import Plan, Resource
from policy.rule import rule
from policy.rules.database import CLUSTER, CLUSTER_INSTANCE
from policy.rules.pods import DEPLOYMENT, scalers

STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
CONNECTIONS = "database-connections-per-pod"
RESERVED = 20  # for AWS's own sessions, superusers, and a person with psql
PROPAGATION = 10  # s that the load balancer may still send requests to a pod that terminates
_DEREGISTRATION = 300  # s, the load balancer's default
_IDLE = 60  # s, the load balancer's default
_GRACE = 30  # s, Kubernetes' default
_KEEP_ALIVE, _HEADERS = 5, 60  # s, Node's defaults


def _ingresses(workload: Resource, plan: Plan) -> Iterator[Resource]:
    """Ingresses of AWS's controller that route to a workload."""
    services = {
        service.inputs.at("metadata", "name").text for service in selecting(workload, plan, SERVICE)
    }
    for ingress in plan.of(INGRESS):
        if namespace(ingress) != namespace(workload) or not by_alb(ingress, plan):
            continue
        routed = {
            path.at("backend", "service", "name").text
            for entry in ingress.inputs.at("spec", "rules").items
            for path in entry.at("http", "paths").items
        }
        routed.add(ingress.inputs.at("spec", "defaultBackend", "service", "name").text)
        if services & routed:
            yield ingress


def _number(text: str | None, default: float) -> float:
    return float(text) if text else default


@rule(
    "drain",
    *SERVING,
    severity="high",
    whole=True,
    what="a pod that terminates serves until its load balancer has let go of it",
    fix="preStop.sleep above the propagation, terminationGracePeriodSeconds above preStop plus "
    "shutdown, and deregistration_delay.timeout_seconds at most as long as the pod serves; in this "
    "project backend.lifecycle.serverShutdownDelay in appConfigPaths",
)
def drain(resource: Resource, plan: Plan) -> Iterator[str]:
    for ingress in _ingresses(resource, plan):
        pod = spec(resource)
        everyone = pod.at("containers").items
        listening = [each for each in everyone if each.at("ports").items] or everyone
        pre_stop = min((_pre_stop(each) for each in listening), default=0)
        shutdown = duration(mounted(resource, plan), "backend", "lifecycle", "serverShutdownDelay")
        grace = _number(pod.at("terminationGracePeriodSeconds").text, _GRACE)
        delay = attribute(ingress, plan, "deregistration_delay.timeout_seconds", "target-group")
        deregistration = _number(delay, _DEREGISTRATION)
        serving = pre_stop + (shutdown or 0)
        if pre_stop < PROPAGATION:
            yield (
                f"preStop waits {pre_stop:g} s: requests of the {PROPAGATION} s until the load "
                "balancer knows are refused"
            )
        if grace <= serving:
            yield f"SIGKILL after {grace:g} s, before the pod has served its {serving:g} s"
        if deregistration > grace:
            yield (
                f"the load balancer waits {deregistration:g} s for requests of a pod that is "
                f"killed after {grace:g} s"
            )
        elif shutdown is not None and deregistration > serving:
            yield (
                f"the load balancer waits {deregistration:g} s for requests of a pod that serves "
                f"for {serving:g} s"
            )


def _pre_stop(container: Node) -> float:
    """Seconds that a preStop hook sleeps, as such or by a command."""
    hook = container.at("lifecycle", "preStop")
    command = " ".join(item.text for item in hook.at("exec", "command").items)
    if slept := re.search(r"\bsleep (\d+)", command):
        return float(slept.group(1))
    return hook.at("sleep", "seconds").number or 0


@rule(
    "keep-alive",
    *SERVING,
    severity="high",
    whole=True,
    what="Backstage keeps idle connections longer than its load balancer",
    fix="backend.server.keepAliveTimeout above idle_timeout.timeout_seconds, headersTimeout above "
    "both; in this project in appConfigPaths",
)
def keep_alive(resource: Resource, plan: Plan) -> Iterator[str]:
    configs = mounted(resource, plan)
    if not any(config.at("backend").entries for config in configs):
        return
    keep = duration(configs, "backend", "server", "keepAliveTimeout") or _KEEP_ALIVE
    headers = duration(configs, "backend", "server", "headersTimeout") or _HEADERS
    for ingress in _ingresses(resource, plan):
        idle = _number(attribute(ingress, plan, "idle_timeout.timeout_seconds"), _IDLE)
        if keep <= idle:
            yield (
                f"the pod closes idle connections after {keep:g} s, the load balancer uses them "
                f"for {idle:g} s: some requests are answered with 502"
            )
        elif headers <= keep:
            yield f"headersTimeout, {headers:g} s, ends connections before keepAliveTimeout"


@rule(
    "connection-budget",
    DEPLOYMENT,
    severity="high",
    whole=True,
    what="the database accepts every connection that the pods' pools may open",
    fix=f"fewer pods, smaller pools, or more capacity; the annotation {CONNECTIONS} says how many "
    "connections a pod opens at most",
)
def connection_budget(resource: Resource, plan: Plan) -> Iterator[str]:
    annotation = resource.inputs.at("metadata", "annotations", CONNECTIONS)
    limit = _accepted(resource, plan)
    if limit is None and annotation.number is None:
        return
    if annotation.number is None:
        raise UnknownError(f"{annotation.path}, which isn't set")
    if limit is None:
        raise UnknownError("max_connections of a database outside the plan")
    most = [scaler.inputs.at("spec", "maxReplicas").number for scaler in scalers(resource, plan)]
    replicas = most[0] if most else resource.inputs.at("spec", "replicas").number
    pods = 1 if replicas is None else replicas
    pods += _surge(resource, pods)
    needed = pods * annotation.number
    if needed > limit - RESERVED:
        yield (
            f"{pods:g} pods with {annotation.number:g} connections need {needed:g}; "
            f"the database accepts {limit - RESERVED:g} besides the {RESERVED} reserved"
        )


def _surge(resource: Resource, replicas: float) -> float:
    """Pods that a rollout adds."""
    strategy = resource.inputs.at("spec", "strategy")
    if strategy.at("type").text == "Recreate":
        return 0
    given = strategy.at("rollingUpdate", "maxSurge").text or "25%"  # Kubernetes' default
    if given.endswith("%"):
        return math.ceil(replicas * float(given[:-1]) / 100)
    return float(given)


def _accepted(resource: Resource, plan: Plan) -> float | None:
    """max_connections of a workload's database; None if the plan has none.

    It is the cluster that the pods are computed from, or PostgreSQL in their namespace.
    """
    used = resource.dependencies.get("spec", frozenset())
    for cluster in plan.of(CLUSTER):
        if cluster.urn in used:
            instances = plan.referring(
                cluster, CLUSTER_INSTANCE, "clusterIdentifier", "clusterIdentifier"
            )
            classes = [instance.inputs.at("instanceClass").text for instance in instances]
            scaling = cluster.inputs.at("serverlessv2ScalingConfiguration")
            least, most = scaling.at("minCapacity").number, scaling.at("maxCapacity").number
            return min(
                (max_connections(each, least or 0, most or 1) for each in classes), default=None
            )
    for server in plan.of(STATEFUL_SET):
        if namespace(server) == namespace(resource):
            for argument in (item for each in containers(server) for item in each.at("args").items):
                key, equals, number = argument.text.partition("=")
                if key == "max_connections" and equals:
                    return float(number)
    return None
