"""Rules of the database's capacity, and of the connections that it has to give."""

from __future__ import annotations

import math
from collections.abc import Iterator

from settings.keys import RESERVED_CONNECTIONS
from settings.model import Settings
from settings.problem import Problem, config_set
from settings.rules.rule import rule
from settings.values.database import MOST_CAPACITY

# The first minor version of each major one that pauses at 0 ACU. Source: Aurora User Guide,
# "Scaling to zero ACUs with automatic pause and resume".
PAUSING_MINORS = {"14": 12, "15": 7, "16": 3}


@rule(
    *("databaseInstanceClass", "databaseMinCapacity", "databaseMaxCapacity", "databasePlugins"),
    *("databaseHost", "databaseMaxConnections"),
    *("replicas", "maxReplicas", "appConfigPaths", "appPath", "env", "database", "target"),
)
def connections(s: Settings) -> Iterator[Problem]:
    room = s.max_connections - RESERVED_CONNECTIONS
    if s.most_connections <= room or (s.database_kind == "existing" and not s.database.host):
        return
    in_cluster, existing = (s.database_kind == kind for kind in ("in-cluster", "existing"))
    provider = "Postgres in the cluster" if in_cluster else s.database.instance_class
    if existing:
        provider = f"{s.database.host} (databaseMaxConnections)"
    if provider == "db.serverless":
        provider += f" of at most {s.database.max_capacity:g} ACU"
    fits = room // (s.database_plugins * s.backstage.pool_size) - 1
    lowered = ["replicas"] * (s.portal.replicas > fits)
    lowered += ["maxReplicas"] * (s.portal.max_replicas is not None)
    ways = [" && ".join(config_set(key, str(fits)) for key in lowered)] if fits > 0 else []
    if (capacity := _capacity_for(s)) is not None:
        ways.append(config_set("databaseMaxCapacity", str(capacity)))
    ways.append("lower backend.database.knexConfig.pool.max, in appConfigPaths")
    yield Problem(
        "maxReplicas",
        f"{s.portal.most_replicas}, for which {s.most_connections} connections are needed: "
        f"{s.database_plugins} plugins x {s.backstage.pool_size} in each pool x {s.most_pods} "
        "pods, with the one that a rollout adds",
        f"the {room} connections that {provider} has to give"
        + ("" if in_cluster or existing else "; a larger database has more"),
        tuple(ways),
    )


def _capacity_for(s: Settings) -> int | None:
    """The least databaseMaxCapacity that has enough connections, if any has."""
    if s.database_kind != "aurora" or s.database.instance_class != "db.serverless":
        return None
    for capacity in range(math.ceil(s.database.max_capacity), MOST_CAPACITY + 1):
        enlarged = s.database.model_copy(update={"max_capacity": capacity})
        if enlarged.max_connections - RESERVED_CONNECTIONS >= s.most_connections:
            return capacity
    return None


@rule("databaseMinCapacity", "databaseMaxCapacity", target="eks")
def capacity(s: Settings) -> Iterator[Problem]:
    database = s.database
    if database.min_capacity > database.max_capacity:
        least = f"{database.min_capacity:g}"
        allowed = f"at most databaseMaxCapacity, {database.max_capacity:g}"
        lower = config_set("databaseMinCapacity", f"{database.max_capacity:g}")
        ways = (lower, config_set("databaseMaxCapacity", least))
        yield Problem("databaseMinCapacity", least, allowed, ways)


@rule("databaseMinCapacity", "databaseEngineVersion", target="eks")
def pause(s: Settings) -> Iterator[Problem]:
    major, _, minor = s.database.engine_version.partition(".")
    first = PAUSING_MINORS.get(major, 0)
    if s.database.min_capacity == 0 and minor and int(minor) < first:
        given = f"0, with databaseEngineVersion {s.database.engine_version}"
        allowed = f"at least 0.5: Aurora pauses from {major}.{first} on"
        fix = config_set("databaseMinCapacity", "0.5")
        yield Problem("databaseMinCapacity", given, allowed, fix)
