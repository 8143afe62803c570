"""Rules of the database."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from ipaddress import IPv4Network, collapse_addresses

from settings.keys import RESERVED_CONNECTIONS
from settings.model import Settings
from settings.problem import Problem, Warn, config_rm, config_set
from settings.rules.rule import rule
from settings.values.database import DAYS, MOST_CAPACITY
from settings.values.networks import SECURITY_GROUP_RULES

DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
SHORTEST_WINDOW = 30  # minutes; RDS, CreateDBCluster
SUNDAY_WINDOWS = ("sun:09:30-sun:10:30", "sun:12:30-sun:13:30", "sun:20:30-sun:21:30")
RDS_HOST = re.compile(r"\.rds\.amazonaws\.com(\.cn)?$")
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


@rule("databaseBackupWindow", "databaseMaintenanceWindow", target="eks")
def windows(s: Settings) -> Iterator[Problem]:
    backup_key, maintenance_key = "databaseBackupWindow", "databaseMaintenanceWindow"
    backup_text, maintenance_text = s.database.backup_window, s.database.maintenance_window
    backup = _minutes(backup_text, DAY_MINUTES)
    maintenance = _minutes(maintenance_text, WEEK_MINUTES)
    if len(backup) < SHORTEST_WINDOW:
        allowed = f"at least {SHORTEST_WINDOW} minutes"
        yield Problem(backup_key, backup_text, allowed, config_set(backup_key, "07:00-09:00"))
    if not SHORTEST_WINDOW <= len(maintenance) <= DAY_MINUTES:
        allowed = f"{SHORTEST_WINDOW} minutes to 24 hours"
        fix = config_set(maintenance_key, SUNDAY_WINDOWS[0])
        yield Problem(maintenance_key, maintenance_text, allowed, fix)
    elif _daily(maintenance_text) & backup:
        free = (window for window in SUNDAY_WINDOWS if not _daily(window) & backup)
        given = f"{maintenance_text} with the backup window {backup_text}"
        allowed = "windows that don't overlap: backups run every day"
        fix = config_set(maintenance_key, next(free, "WINDOW"))
        yield Problem(maintenance_key, given, allowed, fix)


def _daily(window: str) -> set[int]:
    """The minutes of the day that a maintenance window covers."""
    return {minute % DAY_MINUTES for minute in _minutes(window, WEEK_MINUTES)}


def _minutes(window: str, cycle: int) -> set[int]:
    """The minutes that a window covers, counted from midnight or from Monday's."""
    start, end = window.split("-")
    first, last = _minute(start), _minute(end)
    return {minute % cycle for minute in range(first, last if last > first else last + cycle)}


def _minute(text: str) -> int:
    *day, hours, minutes = text.split(":")
    return (DAYS.index(day[0]) if day else 0) * DAY_MINUTES + int(hours) * 60 + int(minutes)


@rule("databaseAllowedCidrs", "databaseAllowedSecurityGroupIds", target="eks")
def sources(s: Settings) -> Iterator[Problem]:
    cidrs, groups = s.database.allowed_cidrs, s.database.allowed_security_group_ids
    if IPv4Network("0.0.0.0/0") in collapse_addresses(map(IPv4Network, cidrs)):
        allowed = "networks that don't cover the whole Internet together"
        fix = config_rm("databaseAllowedCidrs")
        yield Problem("databaseAllowedCidrs", ", ".join(cidrs), allowed, fix)
    if len(cidrs) + len(groups) >= SECURITY_GROUP_RULES:  # the cluster's own group is one more
        given = f"{len(cidrs)} networks and {len(groups)} security groups"
        allowed = f"at most {SECURITY_GROUP_RULES - 1} together, the rules of a security group"
        yield Problem("databaseAllowedCidrs", given, allowed, "merge neighbouring networks")


@rule(
    *("databaseGeneration", "databaseProtectedGeneration", "databaseDeletionProtection"),
    *("databaseSnapshotIdentifier",),
    target="eks",
)
def generation(s: Settings) -> Iterator[Problem | Warn]:
    database = s.database
    new, held = database.generation, database.protected_generation
    if database.deletion_protection and new != held:
        former = config_set("databaseGeneration", str(held))
        unprotect = config_set("databaseDeletionProtection", "false")
        allowed = f"{held}: a new generation deletes the old cluster. "
        if new > held:
            former += f" && {unprotect}"
            allowed += (
                f"While generation {held} serves, fix, run pulumi up, and set {new} again after "
                f"it. The other way is for a generation {new} that serves already: before, the "
                "engine refuses to delete the protected one"
            )
        else:
            allowed += f"The other way is for a generation {new} that serves"
        yield Problem(
            "databaseGeneration",
            f"{new}, while deletion protection holds generation {held}",
            f"{allowed} (docs/operations.md, Restore from a snapshot)",
            (former, config_set("databaseProtectedGeneration", str(new))),
        )
    if database.snapshot_identifier and database.generation == 1:
        yield Warn(
            "databaseSnapshotIdentifier is read only when a cluster is created: to restore into a "
            "stack that already has its database, raise databaseGeneration."
        )


@rule("databaseCaBundlePath", "aws:region", "database", target="eks")
def root_certificates(s: Settings) -> Iterator[Problem]:
    region = s.aws.region
    if region and s.database_kind != "in-cluster" and not s.database.ca_bundle.for_region(region):
        allowed = "a PEM file that covers aws:region; AWS publishes one for each of its regions"
        fix = config_set("databaseCaBundlePath", "PATH")
        yield Problem("databaseCaBundlePath", f"no root certificates for {region}", allowed, fix)


@rule(
    *("database", "databaseHost", "databaseAdministratorSecretArn", "databaseMaxConnections"),
    *("databaseAuthentication", "databaseResourceId"),
    target="eks",
)
def existing(s: Settings) -> Iterator[Problem]:
    database = s.database
    if s.database_kind != "existing":
        return
    needed = {
        "databaseHost": (database.host, "its host name", "HOST"),
        "databaseAdministratorSecretArn": (
            database.administrator_secret_arn,
            "the secret of a login that may create roles",
            "ARN",
        ),
        "databaseMaxConnections": (
            database.given_max_connections,
            "how many connections it has for the portal",
            "NUMBER",
        ),
    }
    tokens = database.authentication == "iam"
    if tokens:
        allowed = "its resource id (aws rds describe-db-clusters), which policies name"
        needed["databaseResourceId"] = (database.resource_id, allowed, "ID")
    for key, (value, allowed, placeholder) in needed.items():
        if not value:
            said = "nothing, with database existing"
            yield Problem(key, said, allowed, config_set(key, placeholder))
    if database.resource_id and not tokens:
        said = f"{database.resource_id}, with databaseAuthentication password"
        fix = config_rm("databaseResourceId")
        yield Problem("databaseResourceId", said, "unset: only tokens need it", fix)
    if tokens and database.host and not RDS_HOST.search(database.host):
        allowed = "the host name that RDS gave it, ending in .rds.amazonaws.com: tokens name it"
        yield Problem("databaseHost", database.host, allowed, config_set("databaseHost", "HOST"))


@rule("databaseAuthentication", "databaseMasterPassword", "databasePasswordVersion", "database")
def password_version(s: Settings) -> Iterator[Problem]:
    database = s.database
    generates = database.master == "generated" and s.database_kind != "existing"
    if database.password_version > 1 and database.authentication == "iam" and not generates:
        allowed = "unset: this program generates no password of the database"
        fix = config_rm("databasePasswordVersion")
        yield Problem("databasePasswordVersion", str(database.password_version), allowed, fix)


@rule(
    *("databaseAuthentication", "databaseMasterPassword", "databaseSnapshotIdentifier"),
    target="eks",
)
def logins_after_a_restore(s: Settings) -> Iterator[Warn]:
    database = s.database
    logins = {
        "databaseAuthentication iam": database.authentication == "iam",
        "databaseMasterPassword managed": database.master == "managed",
    }
    used = [login for login, is_used in logins.items() if is_used]
    if used and database.snapshot_identifier:
        yield Warn(
            f"A restore may take two updates with {' and '.join(used)}: RDS restores without. The "
            "first stops before the pods are replaced; run pulumi up again then."
        )


@rule("database", "databaseStorageSize", "databaseStorageClass", target="eks")
def storage(s: Settings) -> Iterator[Warn]:
    volume = s.database.storage_size != "ephemeral"
    if s.database_kind == "in-cluster" and volume and not s.database.storage_class:
        yield Warn(
            "EKS has no default StorageClass: unless the cluster marks one as default, the "
            f"database's volume stays pending. {config_set('databaseStorageClass', 'gp3')}"
        )
