"""Arithmetic between pods and their database: connections."""

from __future__ import annotations

import math
from collections.abc import Iterator

from policy.aurora import max_connections
from policy.kubernetes import containers, namespace
from policy.node import UnknownError
from policy.plan import Plan, Resource
from policy.rule import rule
from policy.rules.database import CLUSTER, CLUSTER_INSTANCE
from policy.rules.pods import DEPLOYMENT, replicas

STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
CONNECTIONS = "database-connections-per-pod"
RESERVED = 20  # for AWS's own sessions, superusers, and a person with psql


@rule(
    "connection-budget",
    DEPLOYMENT,
    STATEFUL_SET,
    severity="high",
    whole=True,
    what="the database accepts every connection that the pods' pools may open",
    fix=f"fewer pods, smaller pools, or more capacity; the annotation {CONNECTIONS} says how many "
    "connections a pod opens at most",
)
def connection_budget(resource: Resource, plan: Plan) -> Iterator[str]:
    each_pod, database = _connections(resource), _database(resource, plan)
    if database is None and each_pod is None:
        return
    if each_pod is None:
        raise UnknownError(f"metadata.annotations.{CONNECTIONS}, which isn't set")
    limit = _accepted(database, plan) if database else None
    if limit is None:
        raise UnknownError("max_connections of a database outside the plan")
    pods = _most(resource, plan)
    needed, others = pods * each_pod, 0.0
    if needed <= limit - RESERVED:
        others = sum(
            _most(other, plan) * (_connections(other) or 0)
            for other in plan.of(DEPLOYMENT, STATEFUL_SET)
            if other is not resource and _database(other, plan) is database
        )
    if needed + others > limit - RESERVED:
        beside = f" and other workloads {others:g}" if others else ""
        yield (
            f"{pods:g} pods with {each_pod:g} connections need {needed:g}{beside}; "
            f"the database accepts {limit - RESERVED:g} besides the {RESERVED} reserved"
        )


def _connections(resource: Resource) -> float | None:
    """Connections that one of a workload's pods opens at most, if it says so."""
    return resource.inputs.at("metadata", "annotations", CONNECTIONS).number


def _most(resource: Resource, plan: Plan) -> float:
    """Pods of a workload at most, a rollout's among them."""
    pods = replicas(resource, plan, "maxReplicas")
    return pods + _surge(resource, pods)


def _surge(resource: Resource, pods: float) -> float:
    """Pods that a rollout adds."""
    strategy = resource.inputs.at("spec", "strategy")
    if resource.type == STATEFUL_SET or strategy.at("type").text == "Recreate":
        return 0
    given = strategy.at("rollingUpdate", "maxSurge").text or "25%"  # Kubernetes' default
    if given.endswith("%"):
        return math.ceil(pods * float(given[:-1]) / 100)
    return float(given)


def _database(resource: Resource, plan: Plan) -> Resource | None:
    """A workload's database: the cluster that its pods are computed from, or PostgreSQL in their
    namespace; None if the plan has neither.
    """
    if resource.type == STATEFUL_SET and _argument(resource) is not None:
        return None  # it is one
    used = resource.dependencies.get("spec", frozenset())
    clusters = (cluster for cluster in plan.of(CLUSTER) if cluster.urn in used)
    servers = (
        server
        for server in plan.of(STATEFUL_SET)
        if namespace(server) == namespace(resource) and _argument(server) is not None
    )
    return next(clusters, None) or next(servers, None)


def _argument(server: Resource) -> float | None:
    """max_connections among the arguments of PostgreSQL."""
    for argument in (item for each in containers(server) for item in each.at("args").items):
        key, equals, number = argument.text.partition("=")
        if key == "max_connections" and equals:
            return float(number)
    return None


def _accepted(database: Resource, plan: Plan) -> float | None:
    """max_connections of a database; None where a cluster has no instance in the plan."""
    if database.type == STATEFUL_SET:
        return _argument(database)
    instances = plan.referring(database, CLUSTER_INSTANCE, "clusterIdentifier", "clusterIdentifier")
    classes = [instance.inputs.at("instanceClass").text for instance in instances]
    scaling = database.inputs.at("serverlessv2ScalingConfiguration")
    least, most = scaling.at("minCapacity").number, scaling.at("maxCapacity").number
    return min((max_connections(each, least or 0, most or 1) for each in classes), default=None)
