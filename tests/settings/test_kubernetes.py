"""What the portal may read follows from what Backstage's configuration shows."""

from __future__ import annotations

from settings.app_config import AppConfig
from settings.kubernetes import GROUPS, shown


def test_what_the_shipped_configuration_shows() -> None:
    readable = shown(AppConfig.load("assets/app-config.production.yaml"))
    assert readable == {
        "": ["pods", "services"],
        "apps": ["daemonsets", "deployments", "replicasets", "statefulsets"],
        "autoscaling": ["horizontalpodautoscalers"],
        "batch": ["cronjobs", "jobs"],
        "metrics.k8s.io": ["pods"],
        "networking.k8s.io": ["ingresses"],
    }


def test_custom_resources_of_the_plugin_and_of_a_cluster() -> None:
    config = AppConfig.parse("""
        kubernetes:
          objectTypes: [services, customresources, unknown]
          customResources: [{group: argoproj.io, apiVersion: v1alpha1, plural: rollouts}, wrong]
          clusterLocatorMethods:
            - type: config
              clusters: [{name: c, customResources: [{group: argoproj.io, plural: applications}]}]
    """)
    assert shown(config) == {"": ["services"], "argoproj.io": ["applications", "rollouts"]}


def test_nothing_shown_is_nothing_to_read() -> None:
    assert shown(AppConfig.parse("app: {}")) == {}
    assert "secrets" not in GROUPS
