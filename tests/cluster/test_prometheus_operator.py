"""What prometheus-operator makes of the PodMonitor and the PrometheusRule, run by Prometheus.

Both run on this machine against the cluster of KUBECONFIG, which has the operator's CRDs.
"""

from __future__ import annotations

import base64
import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.cluster.site import deploy, local
from tests.components.monitoring import promql
from tests.processes import running
from tests.prometheus import Prometheus, prometheus_with
from tools.alb.aws import free_port
from tools.kubectl import Cluster, Manifest
from tools.reliability.portal import Portal

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kubernetes")]

NAMESPACE = "backstage-watched"
LABELS = {"release": "watch"}
CRD = "podmonitors.monitoring.coreos.com"
# No pod of its own: only the operator's rendering counts.
PROMETHEUS: Manifest = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "Prometheus",
    "metadata": {"name": "watch", "namespace": NAMESPACE},
    "spec": {
        "replicas": 0,
        "podMonitorSelector": {"matchLabels": LABELS},
        "ruleSelector": {"matchLabels": LABELS},
    },
}


@pytest.fixture(scope="module")
def portal(kubernetes: None) -> Iterator[Portal]:
    for program in ("prometheus-operator", "prometheus"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on PATH")
    found = subprocess.run(["kubectl", "get", "crd", CRD], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"the cluster has no {CRD}")
    watched = {"monitoring": "prometheus-operator", "monitoringLabels": LABELS}
    portal = deploy(NAMESPACE, local(NAMESPACE, watched).objects)
    yield portal
    portal.cluster.delete_namespace()


@pytest.fixture(scope="module")
def prometheus(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with the operator's configuration, which it reads from outside the cluster."""
    cluster, folder = portal.cluster, tmp_path_factory.mktemp("prometheus")
    cluster.apply([PROMETHEUS])
    listen = f"--web.listen-address=127.0.0.1:{free_port('127.0.0.1')}"
    command = ["prometheus-operator", f"--namespaces={NAMESPACE}", listen]
    with running(command, folder / "operator.log"):
        cluster.until(lambda: bool(jobs(cluster) and rule_files(cluster)), 120, "it is written")
    config = written(cluster)
    for job in config["scrape_configs"]:
        for discovery in job["kubernetes_sd_configs"]:
            discovery["kubeconfig_file"] = os.environ["KUBECONFIG"]
    for name, text in rule_files(cluster).items():
        (folder / name).write_text(text, encoding="utf-8")
    config["rule_files"] = [*rule_files(cluster)]
    with prometheus_with(folder, config) as found:
        yield found


def named(name: str) -> tuple[str, str]:
    return "--field-selector", f"metadata.name=prometheus-watch{name}"


def written(cluster: Cluster) -> dict[str, Any]:
    """The operator's configuration; empty before it is written."""
    for secret in cluster.get("secrets", *named("")):
        text = gzip.decompress(base64.b64decode(secret["data"]["prometheus.yaml.gz"]))
        # What the operator's sidecar replaces by the pod's environment.
        config: dict[str, Any] = yaml.safe_load(text.replace(b"$(SHARD)", b"0"))
        return config
    return {}


def jobs(cluster: Cluster) -> list[str]:
    return [job["job_name"] for job in written(cluster).get("scrape_configs", ())]


def rule_files(cluster: Cluster) -> dict[str, str]:
    """Content by name."""
    maps = cluster.get("configmaps", *named("-rulefiles-0"))
    return {name: text for each in maps for name, text in each.get("data", {}).items()}


def test_every_pod_is_scraped_under_the_job_that_the_alerts_name(
    portal: Portal, prometheus: Prometheus
) -> None:
    def up() -> dict[str, str]:
        query = f'up{{job="{NAMESPACE}/backstage", namespace="{NAMESPACE}"}}'
        found = prometheus.query(query) or ()
        return {each["metric"]["pod"]: each["value"][1] for each in found}

    portal.cluster.until(lambda: up() == dict.fromkeys(portal.names(), "1"), 90, "all pods are up")


def test_every_alert_is_loaded_and_quiet(portal: Portal, prometheus: Prometheus) -> None:
    (manifest,) = portal.cluster.get("prometheusrules")
    quiet = dict.fromkeys(promql.of_rules(manifest), ("ok", "inactive"))
    portal.cluster.until(
        lambda: {e["name"]: (e["health"], e["state"]) for e in prometheus.rules()} == quiet,
        120,
        "all alerts are evaluated and quiet",
    )
