"""The real controller with one pod: readiness gate, requests, deregistration and cleanup."""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

import pytest

from components.ingress.authentication import ANNOTATION
from tests.cluster.site import delete_ingresses, wait_for_load_balancer
from tools.kubectl import Cluster, Manifest

if TYPE_CHECKING:
    from tools.alb.stand_in import Alb

pytestmark = pytest.mark.alb

NAMESPACE = "alb-smoke"
HOST = "smoke.example.com"
PORT = 7007
# Any image with node; the nodes need it.
IMAGE = os.environ.get("PORTAL_IMAGE", "backstage-portal:local")
SERVER = f"""
const server = require('http').createServer((request, response) => response.end(
  JSON.stringify({{pod: process.env.HOSTNAME, headers: request.headers}})));
server.keepAliveTimeout = 125000;
server.listen({PORT});
process.on('SIGTERM', () => process.exit());
"""
GATE = "target-health.elbv2.k8s.aws"


def annotated(**annotations: str) -> dict[str, str]:
    return {ANNOTATION + key.replace("_", "-"): value for key, value in annotations.items()}


def ingress(host: str, annotations: Mapping[str, str]) -> Manifest:
    backend = {"service": {"name": "server", "port": {"number": PORT}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "server", "annotations": dict(annotations)},
        "spec": {
            "ingressClassName": "alb",
            "rules": [
                {
                    "host": host,
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ],
        },
    }


def service() -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "server"},
        "spec": {"selector": {"app": "server"}, "ports": [{"port": PORT, "targetPort": PORT}]},
    }


def deployment() -> Manifest:
    container = {
        "name": "server",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["node", "-e", SERVER],
        "ports": [{"containerPort": PORT}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "server"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "server"}},
            "template": {
                "metadata": {"labels": {"app": "server"}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 5},
            },
        },
    }


@dataclass(frozen=True)
class Smoke:
    cluster: Cluster
    alb: Alb
    hostname: str

    def get(self, path: str = "/", host: str = HOST) -> tuple[int, str]:
        """Sends an HTTPS request through the load balancer. Returns status and body."""
        context = ssl.create_default_context(cadata=self.alb.ca)
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        opener.addheaders = []
        request = Request(self.alb.url(self.hostname) + path, headers={"Host": host})
        with opener.open(request, timeout=20) as answer:
            return answer.status, answer.read().decode()


@pytest.fixture(scope="module")
def smoke(alb: Alb) -> Iterator[Smoke]:
    """A Deployment of one pod behind an Ingress."""
    cluster = Cluster(NAMESPACE)
    cluster.new_namespace()
    cluster.run("label", "namespace", NAMESPACE, "elbv2.k8s.aws/pod-readiness-gate-inject=enabled")
    annotations = annotated(
        scheme="internal", target_type="ip", listen_ports='[{"HTTPS":443}]',
        certificate_arn=alb.aws.certificate(HOST), healthcheck_interval_seconds="5",
        healthcheck_timeout_seconds="2",
        target_group_attributes="deregistration_delay.timeout_seconds=15",
    )  # fmt: skip
    cluster.apply([service(), ingress(HOST, annotations)])
    try:
        hostname = wait_for_load_balancer(cluster)
        # The controller injects readiness gates only into pods created after the target group.
        cluster.apply([deployment()])
        yield Smoke(cluster, alb, hostname)
    finally:
        delete_ingresses(cluster)
        cluster.delete_namespace()


def condition(pod: Manifest, kind: str) -> Manifest:
    found = [each for each in pod["status"].get("conditions", []) if each["type"].startswith(kind)]
    return found[0] if found else {"status": "Unknown"}


def test_pod_is_ready_only_after_its_target_is_healthy(smoke: Smoke) -> None:
    def pods() -> list[Manifest]:
        return smoke.cluster.get("pods")

    smoke.cluster.until(lambda: len(pods()) == 1, 30, "the Deployment has its pod")
    gates = [each["conditionType"] for each in pods()[0]["spec"]["readinessGates"]]
    assert [each.partition("/")[0] for each in gates] == [GATE]
    ready_at = 0.0
    while not ready_at:
        (pod,) = pods()
        healthy = [each for each in smoke.alb.events if each.state == "healthy"]
        if condition(pod, "Ready")["status"] == "True":
            ready_at = time.time()
            assert healthy, "ready before its target was healthy"
        time.sleep(0.2)
    assert condition(pod, GATE)["status"] == "True"
    assert condition(pod, "ContainersReady")["status"] == "True"
    states = [each.state for each in smoke.alb.events if each.host == pod["status"]["podIP"]]
    assert states == ["initial", "initial", "healthy"]


def test_requests_reach_the_pod(smoke: Smoke) -> None:
    smoke.cluster.run("rollout", "status", "deployment/server", "--timeout=120s")
    (pod,) = smoke.cluster.get("pods")
    status, body = smoke.get("/page")
    answer = json.loads(body)
    assert (status, answer["pod"]) == (200, pod["metadata"]["name"])
    assert answer["headers"]["x-forwarded-proto"] == "https"
    assert answer["headers"]["x-forwarded-port"] == "443"
    assert answer["headers"]["host"] == HOST


def test_terminating_pod_is_deregistered(smoke: Smoke) -> None:
    (pod,) = smoke.cluster.get("pods")
    smoke.cluster.run("delete", "pod", pod["metadata"]["name"], "--wait=false")

    def states() -> list[str]:
        return [each.state for each in smoke.alb.events if each.host == pod["status"]["podIP"]]

    smoke.cluster.until(lambda: "gone" in states(), 60, "its target is gone")
    assert states()[-3:] == ["draining", "out of service", "gone"]
    smoke.cluster.run("rollout", "status", "deployment/server", "--timeout=120s")
    assert smoke.get()[0] == 200


def test_deleting_the_ingress_deletes_load_balancer_and_target_group(smoke: Smoke) -> None:
    aws = smoke.alb.aws
    balancer = aws.load_balancer(smoke.hostname)["LoadBalancerArn"]
    (group,) = [each["TargetGroupArn"] for each in aws.target_groups(balancer)]
    delete_ingresses(smoke.cluster)
    assert balancer not in [each["LoadBalancerArn"] for each in aws.load_balancers()]
    assert group not in [each["TargetGroupArn"] for each in aws.target_groups()]
