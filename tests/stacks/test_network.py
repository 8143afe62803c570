"""NetworkPolicies: whom pods of each target may talk to."""

from __future__ import annotations

import json

import pytest

from tests.programs import LOCAL_STACKS, STACKS, changed, previewed
from tests.stacks.pods import POSTGRES, templates
from tests.tokens import NETWORK_POLICY


def test_portal_on_eks() -> None:
    spec = previewed("internet-facing").inputs(NETWORK_POLICY)["spec"]
    inbound, metrics = spec["ingress"]
    assert inbound == {
        "from": [{"ipBlock": {"cidr": "10.0.0.0/16"}}, {"ipBlock": {"cidr": "100.64.0.0/16"}}],
        "ports": [{"port": 7007, "protocol": "TCP"}],
    }
    assert metrics == {
        "from": [{"namespaceSelector": {}}],
        "ports": [{"port": 9464, "protocol": "TCP"}],
    }
    anywhere, database, agent = spec["egress"]
    assert {each["port"] for each in anywhere["ports"]} == {53, 443, 6379, 8443}
    assert "to" not in anywhere
    assert database["ports"] == [{"port": 5432, "protocol": "TCP"}]
    assert "10.0.0.0/19" in {each["ipBlock"]["cidr"] for each in database["to"]}
    assert agent == {
        "to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}],
        "ports": [{"port": 80, "protocol": "TCP"}],
    }


@pytest.mark.parametrize("stack", LOCAL_STACKS)
def test_portal_on_local(stack: str) -> None:
    program = previewed(stack, creates=True)
    spec = program.inputs(NETWORK_POLICY)["spec"]
    assert "169.254.170.23" not in json.dumps(spec)
    portal, metrics = spec["ingress"]
    for rule, port in ((portal, 7007), (metrics, 9464)):
        assert rule == {
            "from": [{"namespaceSelector": {}}],
            "ports": [{"port": port, "protocol": "TCP"}],
        }
    anywhere, database, api_server = spec["egress"]
    assert {each["port"] for each in anywhere["ports"]} == {53, 443}
    assert {each["port"] for each in api_server["ports"]} == {6443, 8443}
    assert not {"to"} & {*anywhere, *api_server}
    assert database["ports"] == [{"port": 5432, "protocol": "TCP"}]
    [peer] = database["to"]
    assert list(peer) == ["podSelector"]
    labels = peer["podSelector"]["matchLabels"]
    reached = {
        name
        for name, template in templates(program).items()
        if labels.items() <= template["metadata"]["labels"].items()
    }
    assert reached == {POSTGRES}


@pytest.mark.parametrize(
    ("changes", "ingress", "egress"),
    [({"metrics": False}, 1, 3), ({"kubernetesPlugin": False}, 2, 2)],
    ids=["no metrics", "no Kubernetes plugin"],
)
def test_unused_rules_are_left_out(changes: dict[str, object], ingress: int, egress: int) -> None:
    spec = changed("local", changes).inputs(NETWORK_POLICY)["spec"]
    assert (len(spec["ingress"]), len(spec["egress"])) == (ingress, egress)


@pytest.mark.parametrize("stack", STACKS)
def test_no_policy_when_switched_off(stack: str) -> None:
    assert len(previewed(stack).all(NETWORK_POLICY)) == (stack != "auto-mode")
