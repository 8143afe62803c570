"""What watches the database, the load balancer and the pods of an eks stack."""

from __future__ import annotations

from pulumi import Output, ResourceOptions

from components.cluster.cluster import ClusterFacts
from components.database.aurora import cluster_identifier
from components.ingress.ingress import PortalIngress
from components.ingress.load_balancer import target_group_arn
from components.monitoring.alarm import AlarmTarget
from components.monitoring.database_alarms import DatabaseAlarms, DatabaseAlarmsArgs
from components.monitoring.load_balancer_alarms import LoadBalancerAlarms, LoadBalancerAlarmsArgs
from components.monitoring.pod_alarms import PodAlarms, PodAlarmsArgs
from components.monitoring.topic import AlarmTopic, AlarmTopicArgs
from components.portal.deployment import NAME as DEPLOYMENT
from components.portal.portal import PortalObjects
from settings.keys import RESERVED_CONNECTIONS
from settings.model import Settings
from targets.platform import NAME


def alarm_target(
    settings: Settings, identifier: str, facts: ClusterFacts, opts: ResourceOptions
) -> AlarmTarget | None:
    """Where alarms go; None: there are none. Their names begin with `identifier`."""
    given = settings.monitoring.alarms
    if not given:
        return None
    if given != "create":
        return AlarmTarget(given, identifier)
    return AlarmTarget(AlarmTopic(NAME, AlarmTopicArgs(facts.kms_key_arn), opts).arn, identifier)


def watch_database(
    settings: Settings, identifier: str, target: AlarmTarget, opts: ResourceOptions
) -> None:
    """Watches Aurora, if this stack runs it."""
    database = settings.database
    if settings.database_kind != "aurora":
        return
    serverless = database.instance_class == "db.serverless"
    args = DatabaseAlarmsArgs(
        cluster_identifier=cluster_identifier(identifier, database),
        instances=database.instances,
        max_capacity=database.max_capacity if serverless else None,
        connections=settings.most_connections + RESERVED_CONNECTIONS,
        target=target,
    )
    DatabaseAlarms(NAME, args, opts)


def watch_portal(
    settings: Settings,
    ingress: PortalIngress,
    load_balancer_arn: Output[str],
    objects: PortalObjects,
    target: AlarmTarget,
    opts: ResourceOptions,
) -> None:
    """Watches the load balancer, its targets and certificate, and the pods behind it."""
    cluster = settings.cluster_name
    balancer = LoadBalancerAlarmsArgs(
        load_balancer_arn=load_balancer_arn,
        target_group_arn=target_group_arn(
            cluster, settings.ingress, ingress, objects.service, settings.port
        ),
        certificate_arn=ingress.certificate_arn,
        target=target,
    )
    LoadBalancerAlarms(NAME, balancer, opts)
    PodAlarms(NAME, PodAlarmsArgs(cluster, objects.namespace, DEPLOYMENT, target), opts)
