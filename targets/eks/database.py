"""The databases of eks that AWS roles log in to, and those roles."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi import Input, Output, ResourceOptions

from components.cluster.cluster import ClusterFacts
from components.cluster.pod_role import PodRole, allow
from components.database.aurora import AuroraPostgres, AuroraPostgresArgs
from components.database.database import DatabaseConnection, StoredLogin, TokenLogin
from components.database.existing import ExistingDatabase, ExistingDatabaseArgs
from components.kubernetes.network import ANYWHERE, egress, networks
from settings.model import Settings
from targets.eks.identity import Statements, job_identity, migrations_identity
from targets.platform import NAME, Database, Identity, Outputs


def rds_database(
    settings: Settings,
    identifier: str,
    facts: ClusterFacts,
    role: PodRole | None,
    mounted: Statements,
    opts: ResourceOptions,
) -> Database:
    """Aurora, created or existing; physical names begin with `identifier`. role: of the portal's
    pods. mounted: what a driver may do for them.
    """
    certificates = settings.database.ca_bundle.for_region(facts.region)
    outputs: Outputs
    database: AuroraPostgres | ExistingDatabase
    if settings.database_kind == "existing":
        given = ExistingDatabaseArgs(settings.database, certificates, settings.portal.egress_cidrs)
        database = ExistingDatabase(NAME, given, opts)
        resource_id: Input[str] = settings.database.resource_id or ""
        outputs = {"databaseAdministratorSecretArn": settings.database.administrator_secret_arn}
    else:
        args = AuroraPostgresArgs(settings.database, identifier, facts, certificates)
        database = AuroraPostgres(NAME, args, opts)
        resource_id = database.resource_id
        outputs = {
            "databaseSecretArn": database.secret_arn,
            "databaseAdministratorSecretArn": database.administrator_secret_arn,
        }
    connection = database.connection
    before_pods: list[pulumi.Resource] = []
    log_in: Statements = []
    if role and isinstance(connection.login, TokenLogin):
        log_in = _log_in(facts, resource_id, connection.login)
        # Not the role's child: the role moves (TechDocs.pod_role).
        own = ResourceOptions(parent=database)
        before_pods = [allow(f"{NAME}-database-login", role, log_in, own)]
    return Database(
        connection,
        outputs,
        before_pods,
        _administrator(settings, facts, connection, opts),
        migrations_identity(settings, facts, log_in, mounted, opts),
    )


def _log_in(facts: ClusterFacts, resource_id: Input[str], login: TokenLogin) -> Statements:
    """Statements that allow one login of one database."""
    user = Output.format(
        "arn:{0}:rds-db:{1}:{2}:dbuser:{3}/{4}",
        facts.partition,
        facts.region,
        facts.account_id,
        resource_id,
        login.user,
    )
    return [{"Action": ["rds-db:connect"], "Resource": user}]


def _administrator(
    settings: Settings,
    facts: ClusterFacts,
    connection: DatabaseConnection,
    opts: ResourceOptions,
) -> Identity:
    """Of the Jobs that read the administrator's login, if it is stored."""
    if not isinstance(connection.administrator, StoredLogin):
        return Identity()
    secret = connection.administrator.secret_arn
    read: list[Mapping[str, object]] = [
        {"Action": ["secretsmanager:GetSecretValue"], "Resource": secret}
    ]
    if facts.kms_key_arn:
        of_secret = {"StringEquals": {"kms:EncryptionContext:SecretARN": secret}}
        read.append(
            {"Action": ["kms:Decrypt"], "Resource": facts.kms_key_arn, "Condition": of_secret}
        )
    found = job_identity(settings, facts, "database-role", read, opts)
    secrets_manager = egress(networks(settings.portal.egress_cidrs or ANYWHERE), 443)
    return Identity(found.annotations, found.before_pods, [*found.egress, secrets_manager])
