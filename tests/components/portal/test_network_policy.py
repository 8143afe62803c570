"""NetworkPolicies of the namespace's pods, and the peers and rules that they are made of."""

from __future__ import annotations

import dataclasses
from typing import Any

import pulumi
import pytest
from pulumi import ResourceOptions

from components.kubernetes.labels import SELECTOR
from components.kubernetes.network import ANYWHERE, any_pod, egress, networks, pods
from components.portal.network_policy import PortalNetworkPolicy, PortalNetworkPolicyArgs
from settings.keys import PortalSettings
from tests.components.parts import MODES, connection, run
from tests.tokens import NETWORK_POLICY

TCP, UDP = "TCP", "UDP"
DNS = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        },
        {"ipBlock": {"cidr": "169.254.20.10/32"}},
        {"ipBlock": {"cidr": "172.20.0.10/32"}},
    ],
    "ports": [{"port": 53, "protocol": UDP}, {"port": 53, "protocol": TCP}],
}
DATABASE = {
    "to": [{"ipBlock": {"cidr": "10.8.1.0/24"}}],
    "ports": [{"port": 5433, "protocol": TCP}],
}
WORLD = [
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}},
    {"ipBlock": {"cidr": "::/0", "except": ["fe80::/10", "fd00:ec2::/32"]}},
]
HTTPS = {"to": WORLD, "ports": [{"port": 443, "protocol": TCP}]}


def policies(
    creates: bool = False,
    database: dict[str, str] | None = None,
    rules: Any = (),
    **settings: Any,
) -> dict[str, dict[str, Any]]:
    """Specifications by name, of a portal on port 8080. database: labels of its pods."""

    def build(opts: ResourceOptions) -> None:
        args = PortalNetworkPolicyArgs(
            namespace="ns",
            port=8080,
            settings=PortalSettings(**settings),
            clients=networks(["10.8.0.0/19"]),
            database=dataclasses.replace(connection(), pods=database),
            resolver=["172.20.0.10/32"],
            egress=rules,
        )
        PortalNetworkPolicy("n", args, opts)

    found = run(build, creates).all(NETWORK_POLICY)
    assert {each.inputs["metadata"]["namespace"] for each in found} == {"ns"}
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in found}


@MODES
def test_pods_reach_what_they_need_and_nothing_else(creates: bool) -> None:
    both = ["Ingress", "Egress"]
    assert policies(creates, metrics=False) == {
        "n": {
            "podSelector": {"matchLabels": SELECTOR},
            "policyTypes": both,
            "ingress": [
                {
                    "from": [{"ipBlock": {"cidr": "10.8.0.0/19"}}],
                    "ports": [{"port": 8080, "protocol": TCP}],
                }
            ],
            "egress": [DNS, DATABASE, HTTPS],
        },
        "n-database-role": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "n-database-role"}},
            "policyTypes": both,
            "ingress": [],
            "egress": [DNS, DATABASE],
        },
        "n-migrations": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "n-migrations"}},
            "policyTypes": both,
            "ingress": [],
            "egress": [DNS, DATABASE, HTTPS],
        },
    }


@pytest.mark.parametrize("migrates", [True, False])
def test_database_in_the_namespace_answers_portal_and_jobs(migrates: bool) -> None:
    found = policies(database={"app.kubernetes.io/name": "db"}, migration_job=migrates)
    jobs = ["n-database-role", *(["n-migrations"] if migrates else [])]
    assert set(found) == {"n", "n-postgres", *jobs}
    clients = [SELECTOR, *({"app.kubernetes.io/name": job} for job in jobs)]
    assert found["n-postgres"] == {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "db"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [{"podSelector": {"matchLabels": labels}} for labels in clients],
                "ports": [{"port": 5433, "protocol": TCP}],
            }
        ],
        "egress": [],
    }


def test_every_pod_may_read_the_metrics() -> None:
    _, metrics = policies()["n"]["ingress"]
    assert metrics == {
        "from": [{"namespaceSelector": {}}],
        "ports": [{"port": 9464, "protocol": TCP}],
    }


@pytest.mark.parametrize("name", ["n", "n-migrations"])
def test_egress_keys_narrow_networks_and_widen_ports(name: str) -> None:
    cidrs, ports = ("168.0.0.0/6", "10.0.0.0/8"), (6379, 8443)
    assert policies(egress_cidrs=cidrs, egress_ports=ports)[name]["egress"][2] == {
        "to": [
            {"ipBlock": {"cidr": "168.0.0.0/6", "except": ["169.254.0.0/16"]}},
            {"ipBlock": {"cidr": "10.0.0.0/8"}},
        ],
        "ports": [{"port": port, "protocol": TCP} for port in (443, 6379, 8443)],
    }


def test_rules_of_the_platform_are_the_portals_only() -> None:
    agent = egress(networks(["169.254.170.23/32"]), 80)
    found = policies(rules=[agent, egress(networks(ANYWHERE), 6443)])
    *_, node, api_server = found["n"]["egress"]
    assert node == {
        "ports": [{"port": 80, "protocol": TCP}],
        "to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}],
    }
    assert api_server == {"ports": [{"port": 6443, "protocol": TCP}], "to": WORLD}
    assert found["n-migrations"]["egress"] == [DNS, DATABASE, HTTPS]


def test_peers() -> None:
    def build(opts: ResourceOptions) -> None:
        pulumi.export("pods", pods({"a": "b"}))
        pulumi.export("any", any_pod())
        pulumi.export("networks", networks(["10.0.0.0/8", "169.254.0.0/16"]))

    assert run(build).outputs == {
        "pods": [{"pod_selector": {"match_labels": {"a": "b"}}}],
        "any": [{"namespace_selector": {}}],
        "networks": [
            {"ip_block": {"cidr": "10.0.0.0/8"}},
            {"ip_block": {"cidr": "169.254.0.0/16"}},
        ],
    }
