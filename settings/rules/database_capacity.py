"""Rules of the database's capacity, and of the connections that it has to give."""

from __future__ import annotations

import math
from collections.abc import Iterator

from settings.keys import RESERVED_CONNECTIONS
from settings.model import Settings
from settings.overrides import PREFIX, overriding
from settings.problem import Problem, config_set
from settings.rules.rule import rule
from settings.secrets import PROVIDING, secret_variables
from settings.values.database import MOST_CAPACITY

POOL_SIZE = ("backend", "database", "knexConfig", "pool", "max")
POOL_VARIABLE = f"{PREFIX}{'_'.join(POOL_SIZE)}"
LEAST_POOL = 2  # with one, a query beside an open transaction waits for itself

# The first minor version of each major one that pauses at 0 ACU. Source: Aurora User Guide,
# "Scaling to zero ACUs with automatic pause and resume".
PAUSING_MINORS = {"14": 12, "15": 7, "16": 3}


@rule(
    *("databaseInstanceClass", "databaseMinCapacity", "databaseMaxCapacity", "databasePlugins"),
    *("databaseHost", "databaseMaxConnections"),
    *("replicas", "maxReplicas", "appConfigPaths", "appPath", "database", "target", *PROVIDING),
)
def connections(s: Settings) -> Iterator[Problem]:
    room = s.max_connections - s.reserved_connections
    existing = s.database_kind == "existing"
    if s.most_connections <= room or (existing and not s.database.host):
        return
    fits = room // s.connections_per_pod - 1
    lowered = ["replicas"] * (s.portal.replicas > fits)
    lowered += ["maxReplicas"] * (s.portal.max_replicas is not None)
    ways = [" && ".join(config_set(key, str(fits)) for key in lowered)] if fits > 0 else []
    if (capacity := _capacity_for(s)) is not None:
        ways.append(config_set("databaseMaxCapacity", str(capacity)))
    ways.append(_smaller_pools(s, room // (s.database_plugins * s.most_pods)))
    if existing:  # last: the key only says what the database has
        ways.append(config_set("databaseMaxConnections", str(s.most_connections)))
    key, value = _blamed(s)
    yield Problem(
        key,
        f"{value}; {s.most_connections} connections are needed: {s.database_plugins} plugins x "
        f"{s.backstage.pool_size} in each pool x {s.most_pods} pods, with the one that a rollout "
        "adds",
        _allowed(s, room),
        tuple(ways),
    )


def _blamed(s: Settings) -> tuple[str, int]:
    """The key that asks for too many, if the stack file has it, and its value."""
    if s.portal.max_replicas is not None:
        return "maxReplicas", s.portal.max_replicas
    if s.database.given_max_connections and "replicas" not in s.portal.model_fields_set:
        return "databaseMaxConnections", s.database.given_max_connections
    return "replicas", s.portal.replicas


def _allowed(s: Settings, room: int) -> str:
    if s.database_kind == "existing":
        said = f"the {room} connections that {s.database.host} has for the portal"
        return f"{said} (databaseMaxConnections); raise it if the database has more"
    serverless = s.database.instance_class == "db.serverless"
    has = f"db.serverless of at most {s.database.max_capacity:g} ACU"
    has, larger = (has if serverless else s.database.instance_class), "; a larger database has more"
    if s.database_kind == "in-cluster":
        has, larger = "Postgres in the cluster", ""
    reserved = f"{s.reserved_connections} stay in reserve"
    return f"{room} connections: {has} accepts {s.max_connections}, {reserved}{larger}"


def _smaller_pools(s: Settings, size: int) -> str:
    """The command that sets it, if one variable decides on every pool."""
    given = {*s.portal.env, *secret_variables(s)}
    own = ("backend", "database", "plugin", "*", *POOL_SIZE[2:])
    lone = set(overriding(given, POOL_SIZE)) <= {POOL_VARIABLE} - secret_variables(s)
    if size < LEAST_POOL or not lone or any(s.backstage.values(own)):
        return f"lower {'.'.join(POOL_SIZE)}, in appConfigPaths"
    return config_set(f"env.{POOL_VARIABLE}", str(size), "--path")


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
