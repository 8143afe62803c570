"""What prometheus-operator and Grafana read to watch the portal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

from components.kubernetes.labels import LABELS, SELECTOR
from components.kubernetes.names import digested
from components.monitoring.prometheus_rules import Rule, job_of, portal_rules

API_VERSION = "monitoring.coreos.com/v1"
INTERVAL = "30s"
GRAFANA = Path(__file__).parents[2] / "assets" / "grafana-dashboard.json"


class _Endpoint(TypedDict):
    port: str
    interval: str


class _Selector(TypedDict):
    matchLabels: Mapping[str, str]


class _PodMonitorSpec(TypedDict):
    selector: _Selector
    podMetricsEndpoints: list[_Endpoint]


_Alert = TypedDict(
    "_Alert",
    {
        "alert": str,
        "expr": str,
        "for": str,
        "labels": Mapping[str, str],
        "annotations": Mapping[str, str],
    },
)


class _Group(TypedDict):
    name: str
    rules: list[_Alert]


class _PrometheusRuleSpec(TypedDict):
    groups: list[_Group]


@dataclass(frozen=True)
class PrometheusArgs:
    namespace: Input[str]
    namespace_name: str
    """The same, known before an update."""
    metrics_port: str
    """Name of the container's port."""
    heap_bytes: int
    """The limit of a pod's heap."""
    labels: Mapping[str, str]
    """By which a Prometheus selects its PodMonitors and PrometheusRules."""


class PrometheusMonitoring(pulumi.ComponentResource):
    """Creates a PodMonitor, a PrometheusRule, and a ConfigMap with a dashboard for Grafana.

    Source: monitoring.coreos.com/v1, pkg/apis/monitoring/v1; the label `grafana_dashboard` is the
    default of Grafana's chart.
    """

    def __init__(
        self, name: str, args: PrometheusArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:monitoring:PrometheusMonitoring", name, None, opts)
        self._name, self._args = name, args
        job = job_of(args.namespace_name, name)
        self._custom("PodMonitor", "pod-monitor", _pod_monitor(args.metrics_port))
        rules = portal_rules(job, args.heap_bytes)
        self._custom("PrometheusRule", "rules", _rules(name, args.namespace_name, rules))
        text = grafana_dashboard(args.namespace_name, job)
        k8s.core.v1.ConfigMap(
            f"{name}-grafana-dashboard",
            k8s.core.v1.ConfigMapInitArgs(
                # A fixed name, so that the old one is deleted first: the sidecar deletes its file.
                metadata=self._metadata(f"{name}-grafana-dashboard", {"grafana_dashboard": "1"}),
                data={f"{name}-{args.namespace_name}.json": text},
            ),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def _custom(self, kind: str, role: str, spec: Mapping[str, Any]) -> None:
        k8s.apiextensions.CustomResource(
            f"{self._name}-{role}",
            api_version=API_VERSION,
            kind=kind,
            metadata=self._metadata(self._name, self._args.labels),
            spec=spec,
            opts=ResourceOptions(parent=self),
        )

    def _metadata(self, name: str, labels: Mapping[str, str]) -> k8s.meta.v1.ObjectMetaArgs:
        return k8s.meta.v1.ObjectMetaArgs(
            name=name, namespace=self._args.namespace, labels={**LABELS, **labels}
        )


def _pod_monitor(port: str) -> _PodMonitorSpec:
    return {
        "selector": {"matchLabels": SELECTOR},
        "podMetricsEndpoints": [{"port": port, "interval": INTERVAL}],
    }


def _rules(name: str, namespace: str, rules: Sequence[Rule]) -> _PrometheusRuleSpec:
    return {"groups": [{"name": name, "rules": [_alert(namespace, rule) for rule in rules]}]}


def _alert(namespace: str, rule: Rule) -> _Alert:
    return {
        "alert": rule.name,
        "expr": rule.expression,
        "for": f"{rule.minutes}m",
        # Sums over pods have no label that says which portal it is.
        "labels": {"severity": rule.severity, "namespace": namespace},
        "annotations": {"summary": rule.title, "runbook_url": rule.section},
    }


def grafana_dashboard(namespace: str, job: str) -> str:
    """The dashboard of one portal, as JSON. job: the label of its metrics."""
    dashboard = json.loads(GRAFANA.read_text(encoding="utf-8"))
    # Grafana knows a dashboard by its uid, of at most 40 characters.
    dashboard["uid"] = digested("backstage", namespace)
    dashboard["title"] = f"Backstage ({namespace})"
    (variable,) = (each for each in dashboard["templating"]["list"] if each["name"] == "job")
    variable["query"] = job
    return json.dumps(dashboard, indent=1)
