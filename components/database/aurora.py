"""The portal's database: Aurora PostgreSQL, and the two logins with their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from pulumi import Output, ResourceOptions

from components.cluster.cluster import ClusterFacts
from components.cluster.encryption import warn_of_another_key
from components.database.aurora_instances import ENGINE, AuroraInstances, AuroraInstancesArgs
from components.database.aurora_network import AuroraNetwork, AuroraNetworkArgs
from components.database.database import (
    DATABASE_NAME,
    IAM_LOGIN_NAME,
    POSTGRES_PORT,
    ROLE_NAME,
    DatabaseConnection,
    Login,
    StoredLogin,
    TokenLogin,
    generated_password,
)
from components.database.stored_login import stored
from components.kubernetes.network import networks
from settings.keys import DatabaseSettings

MASTER_USERNAME = "backstageadmin"  # 1-16 letters or digits; not postgres or admin (RDS.24)
LOG_RETENTION_DAYS = 365  # CKV_AWS_338
RECOVERY_DAYS = 30  # Secrets Manager's longest window


@dataclass(frozen=True)
class AuroraPostgresArgs:
    settings: DatabaseSettings
    identifier: str
    """Physical name of the cluster without its generation: letters, digits and single hyphens."""
    cluster: ClusterFacts
    ca_certificates: str
    """PEM: the RDS roots of the region."""


def cluster_identifier(identifier: str, settings: DatabaseSettings) -> str:
    """Physical name of the cluster of the current generation. identifier: without generation."""
    return f"{identifier}-{settings.generation}"


class AuroraPostgres(pulumi.ComponentResource):
    """Creates an encrypted Aurora PostgreSQL cluster that refuses connections without TLS.

    Around it: generated passwords of the master user and of the portal's role, a Secrets Manager
    secret with the connection of each, a cluster parameter group, the log group of the
    exported logs, network and instances. All that belongs to one generation carries its number, so
    that a new generation is created beside the old one.

    Sources: reference of CreateDBCluster and CreateDBInstance; controls RDS.2, .3, .4, .6, .7, .9,
    .12, .13, .15, .16, .24, .27, .35, .37, .50 of AWS Foundational Security Best Practices.
    """

    connection: DatabaseConnection
    resource_id: Output[str]
    """By which a policy names the cluster: `cluster-...`."""
    secret_arn: Output[str] | None
    """The Secrets Manager secret of the portal's role: engine, host, port, dbname, username and
    password as JSON. None: it has no password."""
    administrator_secret_arn: Output[str]
    """The same for the master user; with `managed` the one that RDS keeps, without connection."""

    def __init__(
        self, name: str, args: AuroraPostgresArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:AuroraPostgres", name, None, opts)
        settings = args.settings
        own = ResourceOptions(parent=self)
        self._network = AuroraNetwork(name, AuroraNetworkArgs(args.cluster, settings), own)
        generation = f"{name}-{settings.generation}"
        identifier = cluster_identifier(args.identifier, settings)
        version = str(settings.password_version)
        managed = settings.master == "managed"
        password = None if managed else generated_password(f"{name}-password", version, own)
        cluster = self._cluster(name, args, generation, identifier, password)
        instances = AuroraInstances(
            generation,
            AuroraInstancesArgs(
                settings=settings,
                cluster=args.cluster,
                cluster_identifier=cluster.cluster_identifier,
                subnet_group_name=self._network.subnet_group_name,
                kms_key_arn=cluster.kms_key_id if args.cluster.kms_key_arn else None,
            ),
            ResourceOptions(parent=self),
        )
        # The endpoint exists before an instance does: wait for the writer.
        host = Output.all(cluster.endpoint, instances.writer_id).apply(lambda known: known[0])
        self.resource_id = cluster.cluster_resource_id
        tokens = settings.authentication == "iam"
        self.connection = DatabaseConnection(
            host=host,
            port=cluster.port,
            login=TokenLogin(IAM_LOGIN_NAME, ROLE_NAME)
            if tokens
            else Login(ROLE_NAME, generated_password(f"{name}-role-password", version, own)),
            administrator=Login(cluster.master_username, password)
            if password
            else StoredLogin(cluster.master_user_secrets.apply(_arn_of_managed)),
            ca_certificates=args.ca_certificates,
            peers=self._network.cidrs.apply(networks),
        )
        login, administrator = self.connection.login, self.connection.administrator
        if isinstance(administrator, StoredLogin):
            self.administrator_secret_arn = Output.from_input(administrator.secret_arn)
        else:
            about = "Master user of the Backstage portal's database"
            self.administrator_secret_arn = self._stored(
                f"{name}-postgres-password", about, args, administrator
            )
        self.secret_arn = None
        if isinstance(login, Login):
            about = "Connection of the Backstage portal to its database"
            self.secret_arn = self._stored(f"{name}-postgres-role", about, args, login)
        self.register_outputs({"endpoint": host, "secretArn": self.secret_arn})

    def _cluster(
        self,
        name: str,
        args: AuroraPostgresArgs,
        generation: str,
        identifier: str,
        password: Output[str] | None,
    ) -> aws.rds.Cluster:
        settings = args.settings
        # Otherwise RDS creates a log group that never expires.
        log_group = aws.cloudwatch.LogGroup(
            f"{generation}-log-group",
            aws.cloudwatch.LogGroupArgs(
                name=f"/aws/rds/cluster/{identifier}/postgresql",
                retention_in_days=LOG_RETENTION_DAYS,
                kms_key_id=args.cluster.kms_key_arn,
            ),
            opts=ResourceOptions(parent=self),
        )
        # A fixed name would exist already when the stack is destroyed for the second time.
        snapshot_suffix = random.RandomId(
            f"{generation}-final-snapshot",
            random.RandomIdArgs(byte_length=4),
            opts=ResourceOptions(parent=self),
        )
        scaling = aws.rds.ClusterServerlessv2ScalingConfigurationArgs(
            min_capacity=settings.min_capacity, max_capacity=settings.max_capacity
        )
        cluster = aws.rds.Cluster(
            f"{generation}-cluster",
            aws.rds.ClusterArgs(
                cluster_identifier=identifier,
                engine=ENGINE,
                engine_mode="provisioned",  # Serverless v2 too
                engine_version=settings.engine_version,
                engine_lifecycle_support="open-source-rds-extended-support-disabled",
                allow_major_version_upgrade=True,
                auto_minor_version_upgrade=settings.follows_minor_versions,
                # For a provisioned class too: left out, the provider sends a minimum of 0 first.
                serverlessv2_scaling_configuration=scaling,
                database_name=DATABASE_NAME,
                master_username=MASTER_USERNAME,
                master_password=password,
                manage_master_user_password=None if password else True,
                master_user_secret_kms_key_id=None if password else args.cluster.kms_key_arn,
                port=POSTGRES_PORT,
                db_subnet_group_name=self._network.subnet_group_name,
                vpc_security_group_ids=[self._network.security_group_id],
                db_cluster_parameter_group_name=self._parameter_group(name, settings).name,
                iam_database_authentication_enabled=True,
                storage_encrypted=True,
                kms_key_id=args.cluster.kms_key_arn,
                enabled_cloudwatch_logs_exports=["postgresql"],
                backup_retention_period=settings.backup_retention_days,
                preferred_backup_window=settings.backup_window,
                preferred_maintenance_window=settings.maintenance_window,
                copy_tags_to_snapshot=True,
                delete_automated_backups=settings.skip_final_snapshot,
                deletion_protection=settings.deletion_protection,
                skip_final_snapshot=settings.skip_final_snapshot,
                final_snapshot_identifier=Output.format(
                    "{0}-final-{1}", identifier, snapshot_suffix.hex
                ),
                snapshot_identifier=settings.snapshot_identifier,
                apply_immediately=True,  # what `pulumi up` reports as done is done
            ),
            opts=ResourceOptions(
                parent=self,
                depends_on=[log_group],
                protect=settings.deletion_protection,
                # The first two are read when the cluster is created. A later change must not
                # replace a database in use: to restore, or to encrypt anew, raise the generation.
                # The third is read when RDS takes over the password; it refuses another then.
                ignore_changes=[
                    "kmsKeyId",
                    "snapshotIdentifier",
                    *([] if password else ["masterUserSecretKmsKeyId"]),
                ],
            ),
        )
        warn_of_another_key("The database", cluster.kms_key_id, args.cluster.kms_key_arn, cluster)
        return cluster

    def _stored(
        self, name: str, description: str, args: AuroraPostgresArgs, login: Login
    ) -> Output[str]:
        secret = aws.secretsmanager.SecretArgs(
            description=description,
            kms_key_id=args.cluster.kms_key_arn,
            recovery_window_in_days=0 if args.settings.skip_final_snapshot else RECOVERY_DAYS,
        )
        return stored(name, secret, self.connection, login, ResourceOptions(parent=self))

    def _parameter_group(
        self, name: str, settings: DatabaseSettings
    ) -> aws.rds.ClusterParameterGroup:
        family = f"{ENGINE}{settings.engine_version.partition('.')[0]}"
        parameters = {
            "rds.force_ssl": ("1", "pending-reboot"),
            "log_statement": ("ddl", "immediate"),
            "log_min_duration_statement": ("1000", "immediate"),  # milliseconds
        }
        # A family can't be changed: with it in the logical name, a major upgrade creates the next
        # group before the cluster releases this one.
        return aws.rds.ClusterParameterGroup(
            f"{name}-parameters-{family}",
            aws.rds.ClusterParameterGroupArgs(
                family=family,
                description="Backstage: TLS only, schema changes and slow statements logged",
                parameters=[
                    aws.rds.ClusterParameterGroupParameterArgs(
                        name=key, value=value, apply_method=method
                    )
                    for key, (value, method) in parameters.items()
                ],
            ),
            opts=ResourceOptions(parent=self),
        )


def _arn_of_managed(secrets: Sequence[aws.rds.outputs.ClusterMasterUserSecret] | None) -> str:
    if secrets:
        return secrets[0].secret_arn
    if pulumi.runtime.is_dry_run():
        return "known once RDS keeps the password"
    raise pulumi.RunError(
        "RDS keeps no password of the master user yet, as after a restore from a snapshot.\n"
        "Fix: pulumi up, once the cluster is available."
    )
