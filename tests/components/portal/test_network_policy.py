"""NetworkPolicy of the portal's pods, and the peers and rules that it is made of."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi import ResourceOptions

from components.kubernetes.labels import SELECTOR
from components.kubernetes.network import any_pod, egress, networks, pods
from components.portal.network_policy import PortalNetworkPolicy, PortalNetworkPolicyArgs
from tests.components.parts import MODES, connection, facts, run
from tests.tokens import NETWORK_POLICY


def policy(creates: bool = False, metrics: bool = True, **fields: Any) -> dict[str, Any]:
    """Specification of the policy of a portal on port 8080."""

    def build(opts: ResourceOptions) -> None:
        args = PortalNetworkPolicyArgs(
            namespace="ns",
            port=8080,
            clients=facts().vpc_cidrs.apply(networks),
            metrics=metrics,
            database=connection(),
            egress_ports=fields.get("egress_ports", ()),
            egress=fields.get("egress", ()),
        )
        PortalNetworkPolicy("n", args, opts)

    found: dict[str, Any] = run(build, creates).inputs(NETWORK_POLICY)["spec"]
    return found


@MODES
def test_only_clients_and_database_are_reached(creates: bool) -> None:
    spec = policy(creates, metrics=False)
    assert spec == {
        "podSelector": {"matchLabels": SELECTOR},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [{"ipBlock": {"cidr": "10.8.0.0/16"}}],
                "ports": [{"port": 8080, "protocol": "TCP"}],
            }
        ],
        "egress": [
            {
                "ports": [
                    {"port": 53, "protocol": "UDP"},
                    {"port": 53, "protocol": "TCP"},
                    {"port": 443, "protocol": "TCP"},
                ]
            },
            {
                "ports": [{"port": 5433, "protocol": "TCP"}],
                "to": [{"ipBlock": {"cidr": "10.8.1.0/24"}}],
            },
        ],
    }


def test_every_pod_may_read_the_metrics() -> None:
    _, metrics = policy()["ingress"]
    assert metrics == {
        "from": [{"namespaceSelector": {}}],
        "ports": [{"port": 9464, "protocol": "TCP"}],
    }


@pytest.mark.parametrize("ports", [(), (6379, 8443)])
def test_egress_ports_open_to_anywhere(ports: tuple[int, ...]) -> None:
    anywhere, *_ = policy(egress_ports=ports)["egress"]
    assert "to" not in anywhere
    assert {each["port"] for each in anywhere["ports"]} == {53, 443, *ports}


def test_rules_of_the_platform_are_added() -> None:
    *_, agent, api_server = policy(
        egress=[egress(networks(["169.254.170.23/32"]), 80), egress(None, 6443, 8443)]
    )["egress"]
    assert agent == {
        "ports": [{"port": 80, "protocol": "TCP"}],
        "to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}],
    }
    assert api_server == {
        "ports": [{"port": port, "protocol": "TCP"} for port in (6443, 8443)],
    }


def test_peers() -> None:
    def build(opts: ResourceOptions) -> None:
        pulumi.export("pods", pods({"a": "b"}))
        pulumi.export("any", any_pod())
        pulumi.export("networks", networks(["10.0.0.0/8", "192.168.0.0/16"]))

    assert run(build).outputs == {
        "pods": [{"pod_selector": {"match_labels": {"a": "b"}}}],
        "any": [{"namespace_selector": {}}],
        "networks": [
            {"ip_block": {"cidr": "10.0.0.0/8"}},
            {"ip_block": {"cidr": "192.168.0.0/16"}},
        ],
    }
