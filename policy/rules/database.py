"""Aurora and RDS.

Controls: AWS Security Hub's user guide, November 2026; CIS AWS Foundations Benchmark 3.0.0.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.node import UnknownError
from policy.plan import Plan, Resource
from policy.rule import require, rule

CLUSTER = "aws:rds/cluster:Cluster"
CLUSTER_INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
INSTANCE = "aws:rds/instance:Instance"
SUBSCRIPTION = "aws:rds/eventSubscription:EventSubscription"
_SOURCES = ("globalClusterIdentifier", "replicateSourceDb", "replicationSourceIdentifier",
            "restoreToPointInTime", "snapshotIdentifier")  # fmt: skip
BACKUP_DAYS = 7  # RDS.50's default

require(
    "rds-private", CLUSTER_INSTANCE, INSTANCE,
    at="publiclyAccessible", met=lambda node: node.flag is not True,
    controls=("RDS.2", "CIS AWS 2.3.3"), severity="critical",
    what="no database has a public address",
    says="publiclyAccessible is {}: the database gets a public address",
    fix="publiclyAccessible: false",
)  # fmt: skip
require(
    "rds-encrypted", CLUSTER, INSTANCE,
    at="storageEncrypted", met=lambda node: node.flag is True,
    controls=("RDS.3", "RDS.27", "CIS AWS 2.3.1"),
    what="storage is encrypted",
    says="storageEncrypted is {}: storage, backups and snapshots are readable as they are",
    fix="storageEncrypted: true, which replaces a database that exists: restore a snapshot into it",
)  # fmt: skip
require(
    "rds-enhanced-monitoring", CLUSTER_INSTANCE, INSTANCE,
    at="monitoringInterval", met=lambda node: (node.number or 0) > 0,
    controls=("RDS.6",), severity="low",
    what="Enhanced Monitoring is on",
    says="monitoringInterval is {}: nothing shows which process uses the instance",
    fix="monitoringInterval: 60, with a monitoringRoleArn",
)  # fmt: skip
require(
    "rds-deletion-protection", CLUSTER, INSTANCE,
    at="deletionProtection", met=lambda node: node.flag is True,
    controls=("RDS.7", "RDS.8"),
    what="the database can't be deleted by mistake",
    says="deletionProtection is {}: one `destroy` deletes the database",
    fix="deletionProtection: true; in this project the key databaseDeletionProtection",
)  # fmt: skip
require(
    "rds-final-snapshot", CLUSTER, INSTANCE,
    at="skipFinalSnapshot", met=lambda node: node.flag is not True,
    what="deleting the database leaves a snapshot",
    says="skipFinalSnapshot is {}: deleting the database leaves nothing to restore",
    fix="skipFinalSnapshot: false; in this project the key databaseSkipFinalSnapshot",
)  # fmt: skip
require(
    "rds-iam-login", CLUSTER, INSTANCE,
    at="iamDatabaseAuthenticationEnabled", met=lambda node: node.flag is True,
    controls=("RDS.10", "RDS.12"),
    what="people can log in with IAM instead of a password",
    says="iamDatabaseAuthenticationEnabled is {}",
    fix="iamDatabaseAuthenticationEnabled: true",
)  # fmt: skip
require(
    "rds-minor-upgrades", CLUSTER, CLUSTER_INSTANCE, INSTANCE,
    at="autoMinorVersionUpgrade", met=lambda node: node.flag is not False,  # AWS's default is true
    controls=("RDS.13", "RDS.35", "CIS AWS 2.3.2"), severity="high",
    what="security fixes of the engine are installed in the maintenance window",
    says="autoMinorVersionUpgrade is {}: security fixes wait for somebody",
    fix="autoMinorVersionUpgrade: true; in this project a major databaseEngineVersion, such as 17",
)  # fmt: skip
require(
    "rds-tagged-snapshots", CLUSTER, INSTANCE,
    at="copyTagsToSnapshot", met=lambda node: node.flag is True,
    controls=("RDS.16", "RDS.17"), severity="low",
    what="snapshots carry the database's tags",
    says="copyTagsToSnapshot is {}: nobody sees whose snapshots these are",
    fix="copyTagsToSnapshot: true",
)  # fmt: skip
require(
    "rds-backups", CLUSTER, INSTANCE,
    at="backupRetentionPeriod", met=lambda node: (node.number or 0) >= BACKUP_DAYS,
    controls=("RDS.50",),
    what=f"backups reach back {BACKUP_DAYS} days",
    says=f"backupRetentionPeriod is {{}}; {BACKUP_DAYS} days at least",
    fix=f"backupRetentionPeriod: {BACKUP_DAYS}; in this project databaseBackupRetentionDays",
)  # fmt: skip
require(
    "rds-port", CLUSTER,
    at="port", met=lambda node: node.number not in (None, 5432, 3306),
    controls=("RDS.23",), severity="low", level="disabled",
    what="the port isn't the engine's default",
    says="port is {}, which is the engine's default",
    fix="another port",
)  # fmt: skip


def _copied(resource: Resource) -> bool:
    """Whether a database is made from another one, whose engine and administrator it has."""
    return any(resource.inputs.at(key).raw is not None for key in _SOURCES)


def on_postgresql(resource: Resource) -> bool:
    """Whether a database is Aurora PostgreSQL or RDS for PostgreSQL."""
    engine = resource.inputs.at("engine").text
    if not engine and _copied(resource):
        raise UnknownError("engine, that of the database's source")
    return engine in ("aurora-postgresql", "postgres")


@rule(
    "rds-admin-name",
    CLUSTER,
    INSTANCE,
    controls=("RDS.24", "RDS.25"),
    what="the administrator's name isn't one that attackers try first",
    fix="another masterUsername, which replaces a database that exists",
)
def admin_name(resource: Resource, _: Plan) -> Iterator[str]:
    name = resource.inputs.at("masterUsername").text
    if not name and _copied(resource):
        raise UnknownError("masterUsername, that of the database's source")
    if name in ("", "admin", "postgres"):
        yield f"masterUsername is {name or 'unset'}, the engine's default"


@rule(
    "rds-logs",
    CLUSTER,
    INSTANCE,
    controls=("RDS.36", "RDS.37"),
    what="PostgreSQL publishes its log to CloudWatch",
    fix="enabledCloudwatchLogsExports: [postgresql]",
)
def logs(resource: Resource, _: Plan) -> Iterator[str]:
    published = resource.inputs.at("enabledCloudwatchLogsExports").texts
    if on_postgresql(resource) and "postgresql" not in published:
        yield "the PostgreSQL log stays on the instance, and is lost with it"


@rule(
    "rds-multi-az",
    CLUSTER,
    INSTANCE,
    controls=("RDS.5", "RDS.15"),
    whole=True,
    what="the database has an instance to fail over to",
    fix="a second instance, in this project databaseInstances: 2; or multiAz: true",
)
def multi_az(resource: Resource, plan: Plan) -> Iterator[str]:
    if resource.type == INSTANCE:
        if resource.inputs.at("multiAz").flag is not True:
            yield "multiAz isn't true: a failover waits for a restored instance"
        return
    if resource.inputs.at("dbClusterInstanceClass").text:
        return  # of RDS's own Multi-AZ clusters, which have three instances
    instances = list(
        plan.referring(resource, CLUSTER_INSTANCE, "clusterIdentifier", "clusterIdentifier")
    )
    if len(instances) < 2:
        yield f"instances: {len(instances)}. A failover waits until AWS has created another one"
        return
    zones = [instance.inputs.at("availabilityZone") for instance in instances]
    given = {zone.value for zone in zones if zone.raw is not None}
    if len(given) == 1 and all(zone.raw is not None for zone in zones):
        yield f"every instance is in {given.pop()}: the zone's outage is the database's"


@rule(
    "rds-events",
    CLUSTER,
    controls=("RDS.19", "RDS.20", "RDS.21", "RDS.22"),
    severity="low",
    level="disabled",
    whole=True,
    what="someone is notified of maintenance, failures and configuration changes",
    fix="an aws:rds:EventSubscription for db-cluster, db-instance, db-parameter-group, "
    "db-security-group",
)
def events(resource: Resource, plan: Plan) -> Iterator[str]:
    wanted = {"db-cluster", "db-instance", "db-parameter-group", "db-security-group"}
    for subscription in plan.of(SUBSCRIPTION):
        if subscription.inputs.at("enabled").flag is not False:
            wanted.discard(subscription.inputs.at("sourceType").text)
    if wanted:
        yield f"no subscription to events of {', '.join(sorted(wanted))}"
