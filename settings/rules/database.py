"""Rules of Aurora's windows, sources and generations, and of the volume in the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, collapse_addresses

from settings.model import Settings
from settings.problem import Problem, Warn, config_rm, config_set
from settings.rules.rule import rule
from settings.values.database import DAYS
from settings.values.networks import SECURITY_GROUP_RULES

DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
SHORTEST_WINDOW = 30  # minutes; RDS, CreateDBCluster
SUNDAY_WINDOWS = ("sun:09:30-sun:10:30", "sun:12:30-sun:13:30", "sun:20:30-sun:21:30")


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


@rule("database", "databaseStorageSize", "databaseStorageClass", target="eks")
def storage(s: Settings) -> Iterator[Warn]:
    volume = s.database.storage_size != "ephemeral"
    if s.database_kind == "in-cluster" and volume and not s.database.storage_class:
        yield Warn(
            "EKS has no default StorageClass: unless the cluster marks one as default, the "
            f"database's volume stays pending. {config_set('databaseStorageClass', 'gp3')}"
        )
