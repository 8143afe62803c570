"""Connections to the database are encrypted, and the server's certificate is verified."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy.backstage import configurations
from policy.kubernetes import CONFIG_MAP, WORKLOADS, containers
from policy.node import UNKNOWN, Node
from policy.plan import Plan, Resource
from policy.rule import each, rule, some
from policy.rules.database import CLUSTER

PARAMETERS = "aws:rds/clusterParameterGroup:ClusterParameterGroup"
_OFF = {"false", "0", "no", "off"}
_SSL = "APP_CONFIG_backend_database_connection_ssl"
_VERIFYING = {"verify-ca", "verify-full"}
_MODE = re.compile(r"[?&]sslmode=([\w-]+)")


@rule(
    "database-refuses-plain",
    CLUSTER,
    severity="high",
    whole=True,
    what="PostgreSQL refuses connections without TLS",
    fix="an aws:rds:ClusterParameterGroup of your own with rds.force_ssl 1",
)
def force_ssl(resource: Resource, plan: Plan) -> Iterator[str]:
    if resource.inputs.at("engine").text != "aurora-postgresql":
        return
    named = resource.inputs.at("dbClusterParameterGroupName")
    groups = [
        group
        for group in plan.of(PARAMETERS)
        if group.urn in resource.dependencies.get("dbClusterParameterGroupName", ())
        or (named.raw not in (None, UNKNOWN) and group.inputs.at("name").raw == named.raw)
    ]

    def forces(group: Resource) -> bool:
        parameters = group.inputs.at("parameters").items
        return some(
            parameters, lambda p: (p.at("name").text, p.at("value").text) == ("rds.force_ssl", "1")
        )

    if not some(groups, forces):
        yield "rds.force_ssl isn't 1: a client may send passwords and data in the clear"


@rule(
    "database-tls",
    *WORKLOADS,
    severity="critical",
    what="no variable turns off TLS to the database, or the check of its certificate",
    fix="remove the variable; for libpq PGSSLMODE=verify-full and PGSSLROOTCERT",
)
def variables(resource: Resource, _: Plan) -> Iterator[str]:
    def check(variable: Node) -> str | None:
        name = variable.at("name").text
        if not _concerns_tls(name):
            return None
        value = variable.at("value").text
        mode = _MODE.search(value) if name.endswith("URL") else None
        off = (
            (name.startswith(_SSL) and value.lower() in _OFF)
            or (name == "NODE_TLS_REJECT_UNAUTHORIZED" and value == "0")
            or (name == "PGSSLMODE" and value not in _VERIFYING)
            or (mode is not None and mode.group(1) not in _VERIFYING)
        )
        return f"{variable.path}: {name} leaves the database's server unverified" if off else None

    yield from each(containers(resource), lambda one: each(one.at("env").items, check))


def _concerns_tls(name: str) -> bool:
    return (
        name.startswith(_SSL)
        or name in ("NODE_TLS_REJECT_UNAUTHORIZED", "PGSSLMODE")
        or name.endswith(("DATABASE_URL", "POSTGRES_URL"))
    )


@rule(
    "backstage-database-tls",
    CONFIG_MAP,
    severity="critical",
    what="Backstage verifies the database's certificate against given roots",
    fix="backend.database.connection.ssl: {rejectUnauthorized: true, ca: {$file: PATH}}",
)
def backstage(resource: Resource, _: Plan) -> Iterator[str]:
    connections = [
        config.at("backend", "database", "connection") for config in configurations(resource)
    ]
    connections = [node for node in connections if node.entries]
    if not connections:
        return
    encrypted = [node.at("ssl") for node in connections if node.at("ssl").raw is not None]
    if not encrypted:
        yield "backend.database.connection has no ssl: passwords and data go in the clear"
    for ssl in encrypted:
        if ssl.value is False or ssl.at("rejectUnauthorized").value is False:
            yield f"{ssl.path}: any server is taken for the database"
        elif ssl.raw is True or not ssl.at("ca").raw:
            yield f"{ssl.path}: no ca, and Node's own list has no root of RDS"
