"""What watches the database, the load balancer and the pods of an eks stack."""

from __future__ import annotations

from pulumi import Output, ResourceOptions

from components.cluster.cluster import ClusterFacts
from components.database.aurora import cluster_identifier
from components.ingress.ingress import PortalIngress
from components.ingress.load_balancer import target_group_arn
from components.monitoring.alarm import AlarmTarget
from components.monitoring.dashboard import Dashboard, DashboardArgs
from components.monitoring.database_alarms import (
    DatabaseAlarms,
    DatabaseAlarmsArgs,
    WatchedDatabase,
)
from components.monitoring.graphs import database_graphs, load_balancer_graphs, pod_graphs
from components.monitoring.load_balancer_alarms import (
    LoadBalancerAlarms,
    LoadBalancerAlarmsArgs,
    WatchedLoadBalancer,
)
from components.monitoring.pod_alarms import PodAlarms, PodAlarmsArgs, WatchedPods
from components.monitoring.topic import AlarmTopic, AlarmTopicArgs
from components.portal.deployment import NAME as DEPLOYMENT
from components.portal.portal import PortalObjects
from settings.keys import RESERVED_CONNECTIONS
from settings.model import Settings
from targets.platform import NAME, Outputs


def watch(
    settings: Settings,
    identifier: str,
    facts: ClusterFacts,
    ingress: PortalIngress,
    load_balancer_arn: Output[str],
    objects: PortalObjects,
    opts: ResourceOptions,
) -> Outputs:
    """Creates the alarms and the dashboard that the settings ask for. Their names begin with
    `identifier`. Returns stack outputs.
    """
    database = _database(settings, identifier)
    cluster = settings.cluster_name
    balancer = WatchedLoadBalancer(
        load_balancer_arn=load_balancer_arn,
        target_group_arn=target_group_arn(
            cluster, settings.ingress, ingress, objects.service, settings.port
        ),
        certificate_arn=ingress.certificate_arn,
    )
    pods = WatchedPods(cluster, objects.namespace, DEPLOYMENT)
    alarms: list[Output[str]] = []
    target = _alarm_target(settings, identifier, facts, opts)
    if target:
        if database:
            alarms += DatabaseAlarms(NAME, DatabaseAlarmsArgs(database, target), opts).arns
        alarms += LoadBalancerAlarms(NAME, LoadBalancerAlarmsArgs(balancer, target), opts).arns
        alarms += PodAlarms(NAME, PodAlarmsArgs(pods, target), opts).arns
    dashboard = None
    if settings.monitoring.dashboard:
        sections = {
            "Load balancer": load_balancer_graphs(balancer),
            "Database": database_graphs(database) if database else [],
            "Pods": pod_graphs(pods),
        }
        dashboard = Dashboard(NAME, DashboardArgs(identifier, facts.region, sections, alarms), opts)
    return {
        "alarmTopicArn": target.topic if target else None,
        "dashboardName": dashboard.dashboard_name if dashboard else None,
    }


def _alarm_target(
    settings: Settings, identifier: str, facts: ClusterFacts, opts: ResourceOptions
) -> AlarmTarget | None:
    given = settings.monitoring.alarms
    if not given:
        return None
    if given != "create":
        return AlarmTarget(given, identifier)
    return AlarmTarget(AlarmTopic(NAME, AlarmTopicArgs(facts.kms_key_arn), opts).arn, identifier)


def _database(settings: Settings, identifier: str) -> WatchedDatabase | None:
    """Aurora, if this stack runs it."""
    database = settings.database
    if settings.database_kind != "aurora":
        return None
    serverless = database.instance_class == "db.serverless"
    return WatchedDatabase(
        cluster_identifier=cluster_identifier(identifier, database),
        instances=database.instances,
        max_capacity=database.max_capacity if serverless else None,
        connections=settings.most_connections + RESERVED_CONNECTIONS,
    )
