"""The instances of an Aurora cluster: a writer, its readers, and who may watch them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.cluster.cluster import ClusterFacts
from components.cluster.role import iam_role
from settings.keys import DatabaseSettings

ENGINE = "aurora-postgresql"
# The certificate authority of the instances; it renews their certificates by itself.
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
INSIGHTS_DAYS = 7  # what Performance Insights keeps free of charge
MONITORING_SECONDS = 60


@dataclass(frozen=True)
class AuroraInstancesArgs:
    settings: DatabaseSettings
    cluster: ClusterFacts
    """The EKS cluster, for the account of the role."""
    cluster_identifier: Input[str]
    subnet_group_name: Input[str]
    """The database cluster's; RDS refuses any other."""
    kms_key_arn: Input[str] | None
    """The database cluster's key, for Performance Insights; None: AWS's own."""


class AuroraInstances(pulumi.ComponentResource):
    """Creates `instances` instances with Performance Insights, and a role for Enhanced Monitoring.

    The first is the writer. The readers are created after it, or one of them would be the writer.
    """

    writer_id: Output[str]
    """Known once the writer is available."""

    def __init__(
        self, name: str, args: AuroraInstancesArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:AuroraInstances", name, None, opts)
        role, attachment = self._monitoring_role(name, args)
        writer = self._instance(name, args, 0, role, [attachment])
        for number in range(1, args.settings.instances):
            self._instance(name, args, number, role, [attachment, writer])
        self.writer_id = writer.id
        self.register_outputs({"writerId": self.writer_id})

    def _instance(
        self,
        name: str,
        args: AuroraInstancesArgs,
        number: int,
        role: aws.iam.Role,
        depends_on: list[pulumi.Resource],
    ) -> aws.rds.ClusterInstance:
        return aws.rds.ClusterInstance(
            f"{name}-instance-{number}",
            aws.rds.ClusterInstanceArgs(
                cluster_identifier=args.cluster_identifier,
                engine=ENGINE,
                instance_class=args.settings.instance_class,
                db_subnet_group_name=args.subnet_group_name,
                publicly_accessible=False,
                # The cluster's window covers the cluster only; an instance would get a random one.
                preferred_maintenance_window=args.settings.maintenance_window,
                auto_minor_version_upgrade=args.settings.follows_minor_versions,
                ca_cert_identifier=CERTIFICATE_AUTHORITY,
                promotion_tier=min(number, 1),
                copy_tags_to_snapshot=True,
                monitoring_interval=MONITORING_SECONDS,
                monitoring_role_arn=role.arn,
                performance_insights_enabled=True,
                performance_insights_kms_key_id=args.kms_key_arn,
                performance_insights_retention_period=INSIGHTS_DAYS,
                apply_immediately=True,
            ),
            opts=ResourceOptions(
                parent=self,
                depends_on=depends_on,
                # RDS refuses any change of it.
                ignore_changes=["performanceInsightsKmsKeyId"],
            ),
        )

    def _monitoring_role(
        self, name: str, args: AuroraInstancesArgs
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicyAttachment]:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "monitoring.rds.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = iam_role(
            f"{name}-monitoring-role",
            args.cluster,
            "Enhanced Monitoring of the Backstage database",
            json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
            ResourceOptions(parent=self),
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
