"""What the real controller makes of Ingresses, and the way from a client to a pod through it."""

from __future__ import annotations

import json
import os
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

import pytest

from components.ingress import ANNOTATION
from tests.cluster.site import balanced_by
from tests.programs import changed
from tools.preview.manifests import manifests
from tools.reliability.cluster import Cluster, Manifest

if TYPE_CHECKING:
    from tools.reliability.alb import Alb
    from tools.reliability.aws import Aws

pytestmark = pytest.mark.alb

NAMESPACE = "alb-smoke"
HOST = "smoke.example.com"
PORT = 7007
# On the cluster's nodes; any image with node.
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


def delete_ingresses(cluster: Cluster) -> None:
    """While the controller runs, or nobody would take its finalizers away."""
    cluster.run("delete", "ingress", "--all", "--timeout=60s")


@dataclass(frozen=True)
class Smoke:
    cluster: Cluster
    alb: Alb
    hostname: str

    def get(self, path: str = "/", host: str = HOST) -> tuple[int, str]:
        """An HTTPS request through the load balancer: status and body."""
        context = ssl.create_default_context(cadata=self.alb.ca)
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        opener.addheaders = []
        request = Request(self.alb.url(self.hostname) + path, headers={"Host": host})
        with opener.open(request, timeout=20) as answer:
            return answer.status, answer.read().decode()


@pytest.fixture(scope="module")
def smoke(alb: Alb) -> Iterator[Smoke]:
    """A server of one pod behind an Ingress of its own."""
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
        cluster.until(lambda: bool(balanced_by(cluster)), 60, "the Ingress has a load balancer")
        # Gates are for pods that come after the Service's target group.
        cluster.apply([deployment()])
        yield Smoke(cluster, alb, balanced_by(cluster))
    finally:
        delete_ingresses(cluster)
        cluster.delete_namespace()


def condition(pod: Manifest, kind: str) -> Manifest:
    found = [each for each in pod["status"].get("conditions", []) if each["type"].startswith(kind)]
    return found[0] if found else {"status": "Unknown"}


def test_a_pod_gets_ready_only_after_its_target_is_healthy(smoke: Smoke) -> None:
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


def test_a_pod_that_ends_is_deregistered(smoke: Smoke) -> None:
    (pod,) = smoke.cluster.get("pods")
    smoke.cluster.run("delete", "pod", pod["metadata"]["name"], "--wait=false")

    def states() -> list[str]:
        return [each.state for each in smoke.alb.events if each.host == pod["status"]["podIP"]]

    smoke.cluster.until(lambda: "gone" in states(), 60, "its target is gone")
    assert states()[-3:] == ["draining", "out of service", "gone"]
    smoke.cluster.run("rollout", "status", "deployment/server", "--timeout=120s")
    assert smoke.get()[0] == 200


def test_deleting_the_ingress_leaves_nothing(smoke: Smoke) -> None:
    aws = smoke.alb.aws
    balancer = aws.load_balancer(smoke.hostname)["LoadBalancerArn"]
    (group,) = [each["TargetGroupArn"] for each in aws.target_groups(balancer)]
    delete_ingresses(smoke.cluster)
    assert balancer not in [each["LoadBalancerArn"] for each in aws.load_balancers()]
    assert group not in [each["TargetGroupArn"] for each in aws.target_groups()]


@dataclass(frozen=True)
class Made:
    """What the controller made of an Ingress, read from the API."""

    aws: Aws
    load_balancer: Mapping[str, Any]
    listeners: list[dict[str, Any]]
    target_group: Mapping[str, Any]
    given: Mapping[str, str]
    """The annotations, without their prefix."""

    def has(self, arn: str, wanted: str) -> bool:
        """Whether attributes are as a list `key=value,...` says."""
        return pairs(wanted).items() <= dict(self.aws.attributes(arn)).items()


def pairs(text: str) -> dict[str, str]:
    return {key: value for key, _, value in (each.partition("=") for each in text.split(","))}


def group_field(key: str) -> Callable[[Made, str], bool]:
    return lambda made, value: str(made.target_group[key]) == value


def listeners_match(made: Made, value: str) -> bool:
    wanted = sorted(
        (port, protocol) for each in json.loads(value) for protocol, port in each.items()
    )
    return sorted((each["Port"], each["Protocol"]) for each in made.listeners) == wanted


def certified(made: Made, value: str) -> bool:
    certificates = [
        {each["CertificateArn"] for each in listener["Certificates"]}
        for listener in made.listeners
        if listener["Protocol"] == "HTTPS"
    ]
    return bool(certificates) and all(value in each for each in certificates)


def policies(made: Made, value: str) -> bool:
    secure = [each for each in made.listeners if each["Protocol"] == "HTTPS"]
    return bool(secure) and all(each["SslPolicy"] == value for each in secure)


def let_in(made: Made, value: str) -> bool:
    rules = made.aws.ingress_rules(made.load_balancer["SecurityGroups"])
    ports = {each["Port"] for each in made.listeners}
    cidrs = {
        entry["CidrIp"] for rule in rules if rule.get("FromPort") in ports
        for entry in rule["IpRanges"]
    }  # fmt: skip
    return cidrs == set(value.split(","))


def tagged(made: Made, value: str) -> bool:
    """The load balancer, its listeners and its target group."""
    arns = [
        made.load_balancer["LoadBalancerArn"],
        made.target_group["TargetGroupArn"],
        *(each["ListenerArn"] for each in made.listeners),
    ]
    return all(pairs(value).items() <= made.aws.tags(arn).items() for arn in arns)


def grouped(made: Made, value: str) -> bool:
    tags = made.aws.tags(made.load_balancer["LoadBalancerArn"])
    return tags["ingress.k8s.aws/stack"] == value


def load_balancer_attributes(made: Made, value: str) -> bool:
    return made.has(made.load_balancer["LoadBalancerArn"], value)


def target_group_attributes(made: Made, value: str) -> bool:
    return made.has(made.target_group["TargetGroupArn"], value)


# What each annotation means. One that isn't here fails the test that looks it up.
MEANINGS: dict[str, Callable[[Made, str], bool]] = {
    "scheme": lambda made, value: bool(made.load_balancer["Scheme"] == value),
    "target-type": group_field("TargetType"),
    "listen-ports": listeners_match,
    "backend-protocol": group_field("Protocol"),
    "certificate-arn": certified,
    "ssl-policy": policies,
    "healthcheck-protocol": group_field("HealthCheckProtocol"),
    "healthcheck-port": group_field("HealthCheckPort"),
    "healthcheck-path": group_field("HealthCheckPath"),
    "healthcheck-interval-seconds": group_field("HealthCheckIntervalSeconds"),
    "healthcheck-timeout-seconds": group_field("HealthCheckTimeoutSeconds"),
    "healthy-threshold-count": group_field("HealthyThresholdCount"),
    "unhealthy-threshold-count": group_field("UnhealthyThresholdCount"),
    "success-codes": lambda made, value: bool(made.target_group["Matcher"]["HttpCode"] == value),
    "target-group-attributes": target_group_attributes,
    "load-balancer-attributes": load_balancer_attributes,
    "inbound-cidrs": let_in,
    "tags": tagged,
    "group.name": grouped,
}


def arrived(made: Made, key: str) -> bool:
    assert key in MEANINGS, f"no test knows what {ANNOTATION}{key} means"
    return MEANINGS[key](made, made.given[key])


def other(value: str) -> str:
    """A value that an annotation didn't have."""
    return re.sub(r"\d+", "444", value) if value.startswith("[") else f"{value}0"


# Beside prod's own Ingress, with what prod leaves out; but for the WAF, which moto doesn't tie to a
# load balancer.
VARIANTS: dict[str, dict[str, Any]] = {
    "prod": {},
    "public": {
        "ingressScheme": "internet-facing",
        "ingressInboundCidrs": ["192.0.2.0/24", "203.0.113.7/32"],
    },
    "shared": {"ingressGroup": "platform"},
    "logged": {"accessLogsBucket": "access-logs"},
    "plain": {"allowHttp": True, "certificateArn": None},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_annotation_arrives_as_what_it_means(alb: Alb, variant: str) -> None:
    namespace = f"alb-{variant}"
    recording = changed("prod", VARIANTS[variant], creates=True).recording
    objects = {each["kind"]: each for each in manifests(recording) if each["kind"] in
               ("Namespace", "Service", "Ingress")}  # fmt: skip
    metadata = objects["Ingress"]["metadata"]
    key = f"{ANNOTATION}certificate-arn"
    assert (key in metadata["annotations"]) == (variant != "plain")
    if variant != "plain":
        metadata["annotations"][key] = alb.aws.certificate(
            objects["Ingress"]["spec"]["rules"][0]["host"]
        )
    objects["Namespace"]["metadata"]["name"] = namespace
    for kind in ("Service", "Ingress"):
        objects[kind]["metadata"]["namespace"] = namespace
    cluster = Cluster(namespace)
    cluster.delete_namespace()
    cluster.apply([objects["Namespace"], objects["Service"], objects["Ingress"]])
    try:
        cluster.until(lambda: bool(balanced_by(cluster)), 60, "the Ingress has a load balancer")
        balancer = alb.aws.load_balancer(balanced_by(cluster))
        arn = balancer["LoadBalancerArn"]
        (group,) = alb.aws.target_groups(arn)
        given = {
            key.removeprefix(ANNOTATION): value
            for key, value in metadata["annotations"].items()
            if key.startswith(ANNOTATION)
        }
        made = Made(alb.aws, balancer, alb.aws.listeners(arn), group, given)
        assert [key for key in given if not arrived(made, key)] == []
        # And none of the checks takes anything for right.
        wrong = replace(made, given={key: other(value) for key, value in given.items()})
        assert [key for key in given if arrived(wrong, key)] == []
    finally:
        delete_ingresses(cluster)
        cluster.delete_namespace()
    assert arn not in [each["LoadBalancerArn"] for each in alb.aws.load_balancers()]
