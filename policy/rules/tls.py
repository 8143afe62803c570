"""Connections to the database are encrypted, and the server's certificate is verified."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy import texts
from policy.backstage import configurations, files
from policy.kubernetes import CONFIG_MAP, WORKLOADS
from policy.node import UNKNOWN, Node, UnknownError
from policy.plan import Plan, Resource
from policy.rule import each, rule, some, together
from policy.rules.database import CLUSTER, INSTANCE, on_postgresql
from policy.texts import FUNCTION, Text

PROXY = "aws:rds/proxy:Proxy"
PARAMETERS = "aws:rds/clusterParameterGroup:ClusterParameterGroup"
_GROUPS = {
    CLUSTER: ("dbClusterParameterGroupName", PARAMETERS),
    INSTANCE: ("parameterGroupName", "aws:rds/parameterGroup:ParameterGroup"),
}
_PLAIN = "rds.force_ssl isn't 1: a client may send passwords and data in the clear"
_REFUSING = 15  # RDS for PostgreSQL refuses since then; AWS contradicts itself about Aurora
_OFF = r"""["']?[ ]?[=:][ ]?["']?(?:false|0|no|off)\b"""
# In NAME=VALUE, a URL, a connection string, JSON or JavaScript, in lower case.
_UNVERIFIED = re.compile(
    rf"""node_tls_reject_unauthorized["']?[=:][ ]?["']?0|rejectunauthorized{_OFF}
    |(?:connection_|[?&"'])ssl{_OFF}
    |ssl[ _-]?mode["']?[ ]?[=:][ ]?["']?(?!verify)\w""",
    re.X,
)


@rule(
    "database-refuses-plain",
    CLUSTER,
    INSTANCE,
    PROXY,
    severity="high",
    whole=True,
    what="PostgreSQL refuses connections without TLS",
    fix="an aws:rds:ClusterParameterGroup, or ParameterGroup, of your own with rds.force_ssl 1; "
    "requireTls of a proxy",
)
def force_ssl(resource: Resource, plan: Plan) -> Iterator[str]:
    if resource.type == PROXY:
        postgresql = resource.inputs.at("engineFamily").text == "POSTGRESQL"
        if postgresql and resource.inputs.at("requireTls").flag is not True:
            yield "requireTls isn't true: a client may send passwords and data in the clear"
        return
    if not on_postgresql(resource):
        return
    property_, type_ = _GROUPS[resource.type]
    named = resource.inputs.at(property_)
    if named.raw is None or str(named.raw).startswith("default."):
        if not _refuses(resource):
            yield _PLAIN
        return
    groups = [
        group
        for group in plan.of(type_)
        if group.urn in resource.dependencies.get(property_, ())
        or (named.raw is not UNKNOWN and group.inputs.at("name").raw == named.raw)
    ]
    if not groups:
        raise UnknownError(f"{property_}: parameters of a group outside the plan")

    def forces(group: Resource) -> bool:
        parameters = group.inputs.at("parameters").items
        return some(
            parameters, lambda p: (p.at("name").text, p.at("value").text) == ("rds.force_ssl", "1")
        )

    if not some(groups, forces):
        yield _PLAIN


def _refuses(resource: Resource) -> bool:
    """Whether AWS's own parameters refuse them."""
    if resource.type != INSTANCE:
        return False
    version = resource.inputs.at("engineVersion").text
    if not version:
        raise UnknownError("engineVersion, AWS's default")
    return int(version.partition(".")[0]) >= _REFUSING


@rule(
    "database-tls",
    *WORKLOADS,
    CONFIG_MAP,
    FUNCTION,
    severity="critical",
    what="no variable turns off TLS to the database, or the check of its certificate",
    fix="remove the variable; in this project from env, or with another database than in-cluster; "
    "for libpq PGSSLMODE=verify-full and PGSSLROOTCERT",
)
def variables(resource: Resource, _: Plan) -> Iterator[str]:
    own = files(resource) if resource.type == CONFIG_MAP else {}  # backstage-database-tls has them

    def check(text: Text) -> str | None:
        if text.name in own:
            return None
        if not _UNVERIFIED.search(f"{text.name}={text.value.text}".lower()):
            return None
        return f"{text} leaves the database's server unverified"

    yield from texts.of(resource, check)


@rule(
    "backstage-database-tls",
    CONFIG_MAP,
    severity="critical",
    what="Backstage verifies the database's certificate against given roots",
    fix="backend.database.connection.ssl: {rejectUnauthorized: true, ca: {$file: PATH}}",
)
def backstage(resource: Resource, _: Plan) -> Iterator[str]:
    databases = [config.at("backend", "database") for config in configurations(resource)]
    # A later file leaves what it doesn't name.
    encrypted = any(database.at("connection", "ssl").raw is not None for database in databases)

    def check(database: Node) -> Iterator[str]:
        plugins = database.at("plugin").entries.values()
        yield from together(
            _connection(database, required=not encrypted),
            *(_connection(plugin, required=False) for plugin in plugins),
        )

    yield from each(databases, check)


def _connection(database: Node, *, required: bool) -> Iterator[str]:
    """Problems of a connection. required: whether it has no `ssl` to inherit."""
    connection = database.at("connection")
    if database.at("client").text in ("better-sqlite3", "sqlite3") or connection.raw is None:
        return
    url = connection if isinstance(connection.raw, str) else connection.at("connectionString")
    ssl = connection.at("ssl")
    if url.text and _UNVERIFIED.search(url.text.lower()):
        yield f"{url.path}: any server is taken for the database"
    elif ssl.raw is None:
        if required and "sslmode=verify" not in url.text:
            yield f"{connection.path} has no ssl: passwords and data go in the clear"
    else:
        verified = ssl.at("rejectUnauthorized") if isinstance(ssl.raw, dict) else ssl
        if verified.flag is False:
            yield f"{ssl.path}: any server is taken for the database"
        elif not ssl.at("ca").raw:
            yield f"{ssl.path}: no ca, and Node's own list has no root of RDS"
        if verified.text.startswith("${"):
            raise UnknownError(f"{verified.path}, which the pod's environment decides")
