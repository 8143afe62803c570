"""The portal's database: Aurora PostgreSQL, its password, and the secret that holds both."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from pulumi import Output, ResourceOptions

from components.aurora_network import POSTGRES_PORT, AuroraNetwork, AuroraNetworkArgs
from components.cluster import ClusterFacts
from components.database import DATABASE_NAME, DatabaseConnection
from settings import DatabaseSettings

ENGINE = "aurora-postgresql"
SERVERLESS = "db.serverless"
MASTER_USERNAME = "backstageadmin"  # 1-16 letters or digits; not postgres or admin (RDS.24)
PASSWORD_LENGTH = 32  # RDS takes 8 to 41 characters
LOG_RETENTION_DAYS = 365  # CKV_AWS_338
RECOVERY_DAYS = 30  # Secrets Manager's longest window
INSIGHTS_DAYS = 7  # what Performance Insights keeps free of charge
MONITORING_SECONDS = 60


@dataclass(frozen=True)
class AuroraPostgresArgs:
    settings: DatabaseSettings
    identifier: str
    """Physical name of the cluster without its generation: letters, digits and single hyphens."""
    cluster: ClusterFacts
    ca_certificates: str
    """PEM: the RDS roots of the region."""


class AuroraPostgres(pulumi.ComponentResource):
    """Creates an encrypted Aurora PostgreSQL cluster that refuses connections without TLS.

    Around it: a generated password, a Secrets Manager secret with the whole connection, a cluster
    parameter group, the log group of the exported logs, a role for Enhanced Monitoring, and a
    writer with `instances - 1` readers. All that belongs to one generation carries its number, so
    that a new generation is made beside the old one.

    Sources: reference of CreateDBCluster and CreateDBInstance; controls RDS.2, .3, .4, .6, .7, .9,
    .12, .13, .15, .16, .24, .27, .35, .37, .50 of AWS Foundational Security Best Practices.
    """

    connection: DatabaseConnection
    secret_arn: Output[str]
    """The Secrets Manager secret: engine, host, port, dbname, username and password as JSON."""

    def __init__(
        self, name: str, args: AuroraPostgresArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:AuroraPostgres", name, None, opts)
        settings = args.settings
        self._network = AuroraNetwork(
            name, AuroraNetworkArgs(args.cluster, settings), ResourceOptions(parent=self)
        )
        generation = f"{name}-{settings.generation}"
        identifier = f"{args.identifier}-{settings.generation}"
        # A pinned minor version stays; a major one follows AWS's upgrades, and the provider
        # takes "17" for equal to the 17.x that runs.
        follows_minors = "." not in settings.engine_version
        password = random.RandomPassword(
            f"{name}-password",
            random.RandomPasswordArgs(
                length=PASSWORD_LENGTH,
                special=False,  # RDS refuses / " @ and the space
                keepers={"version": str(settings.password_version)},
            ),
            opts=ResourceOptions(parent=self),
        )
        cluster = self._cluster(name, args, generation, identifier, follows_minors, password.result)
        writer = self._instances(name, args, generation, cluster, follows_minors)

        # The endpoint's name exists before an instance answers there: wait for the writer.
        host = Output.all(cluster.endpoint, writer.id).apply(lambda known: known[0])
        self.connection = DatabaseConnection(
            host=host,
            port=cluster.port,
            user=cluster.master_username,
            password=password.result,
            ca_certificates=args.ca_certificates,
            networks=self._network.cidrs,
        )
        self.secret_arn = self._secret(name, settings, self.connection)
        self.register_outputs({"endpoint": host, "secretArn": self.secret_arn})

    def _cluster(
        self,
        name: str,
        args: AuroraPostgresArgs,
        generation: str,
        identifier: str,
        follows_minors: bool,
        password: Output[str],
    ) -> aws.rds.Cluster:
        settings = args.settings
        # Without it RDS makes a log group that never expires.
        log_group = aws.cloudwatch.LogGroup(
            f"{generation}-log-group",
            aws.cloudwatch.LogGroupArgs(
                name=f"/aws/rds/cluster/{identifier}/postgresql",
                retention_in_days=LOG_RETENTION_DAYS,
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
        return aws.rds.Cluster(
            f"{generation}-cluster",
            aws.rds.ClusterArgs(
                cluster_identifier=identifier,
                engine=ENGINE,
                engine_mode="provisioned",  # Serverless v2 too
                engine_version=settings.engine_version,
                engine_lifecycle_support="open-source-rds-extended-support-disabled",
                allow_major_version_upgrade=True,
                auto_minor_version_upgrade=follows_minors,
                serverlessv2_scaling_configuration=(
                    scaling if settings.instance_class == SERVERLESS else None
                ),
                database_name=DATABASE_NAME,
                master_username=MASTER_USERNAME,
                master_password=password,
                port=POSTGRES_PORT,
                db_subnet_group_name=self._network.subnet_group_name,
                vpc_security_group_ids=[self._network.security_group_id],
                db_cluster_parameter_group_name=self._parameter_group(name, settings).name,
                iam_database_authentication_enabled=True,
                storage_encrypted=True,
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
                # A snapshot is read when the cluster is created. A later change of the key must
                # not replace a database that is in use: that takes a new generation.
                ignore_changes=["snapshotIdentifier"],
            ),
        )

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
        # group before the cluster lets go of this one.
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

    def _monitoring_role(
        self, name: str, args: AuroraPostgresArgs
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicyAttachment]:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "monitoring.rds.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = aws.iam.Role(
            f"{name}-monitoring-role",
            aws.iam.RoleArgs(
                description="Enhanced Monitoring of the Backstage database",
                assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
            ),
            opts=ResourceOptions(parent=self),
        )
        attachment = aws.iam.RolePolicyAttachment(
            f"{name}-monitoring-policy",
            aws.iam.RolePolicyAttachmentArgs(
                role=role.name,
                policy_arn=Output.format(
                    "arn:{0}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
                    args.cluster.partition,
                ),
            ),
            opts=ResourceOptions(parent=self),
        )
        return role, attachment

    def _instances(
        self,
        name: str,
        args: AuroraPostgresArgs,
        generation: str,
        cluster: aws.rds.Cluster,
        follows_minors: bool,
    ) -> aws.rds.ClusterInstance:
        """The writer; the readers are created after it, or one of them would be the writer."""
        role, attachment = self._monitoring_role(name, args)
        writer: aws.rds.ClusterInstance | None = None
        for number in range(args.settings.instances):
            instance = aws.rds.ClusterInstance(
                f"{generation}-instance-{number}",
                aws.rds.ClusterInstanceArgs(
                    cluster_identifier=cluster.cluster_identifier,
                    engine=ENGINE,
                    instance_class=args.settings.instance_class,
                    db_subnet_group_name=self._network.subnet_group_name,
                    publicly_accessible=False,
                    auto_minor_version_upgrade=follows_minors,
                    ca_cert_identifier="rds-ca-rsa2048-g1",
                    promotion_tier=min(number, 1),
                    copy_tags_to_snapshot=True,
                    monitoring_interval=MONITORING_SECONDS,
                    monitoring_role_arn=role.arn,
                    performance_insights_enabled=True,
                    performance_insights_retention_period=INSIGHTS_DAYS,
                    apply_immediately=True,
                ),
                opts=ResourceOptions(
                    parent=self, depends_on=[attachment, *([writer] if writer else [])]
                ),
            )
            writer = writer or instance
        assert writer is not None  # settings allow one instance at least
        return writer

    def _secret(
        self, name: str, settings: DatabaseSettings, connection: DatabaseConnection
    ) -> Output[str]:
        secret = aws.secretsmanager.Secret(
            f"{name}-postgres-password",
            aws.secretsmanager.SecretArgs(
                description="Connection of the Backstage portal to its database",
                recovery_window_in_days=0 if settings.skip_final_snapshot else RECOVERY_DAYS,
            ),
            opts=ResourceOptions(parent=self),
        )
        aws.secretsmanager.SecretVersion(
            f"{name}-postgres-password-version",
            aws.secretsmanager.SecretVersionArgs(
                secret_id=secret.id,
                # The keys that RDS itself writes and that AWS's clients expect.
                secret_string=Output.json_dumps(
                    {
                        "engine": "postgres",
                        "host": connection.host,
                        "port": connection.port,
                        "dbname": DATABASE_NAME,
                        "username": connection.user,
                        "password": connection.password,
                    }
                ),
            ),
            opts=ResourceOptions(parent=self),
        )
        return secret.arn
