"""What opens the portal to more people has a line of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.tools.diff.consequences.test_load_balancer import INGRESS, annotated
from tests.tools.diff.plans import noted, plan, replacing, reviewed, with_inputs
from tools.diff.consequences.cidrs import beyond
from tools.diff.consequences.risk import Risk
from tools.diff.markdown import markdown
from tools.preview.recording import Recording

OWN = "No sign-in at the load balancer: the portal's own is the only one."


def opened(before: Recording, after: Recording) -> list[Risk]:
    return [each for each in reviewed(before, after).risks if each.kind == "exposure"]


def test_the_portal_becomes_public() -> None:
    after = annotated(plan("prod"), scheme="internet-facing")
    (risk,) = opened(plan("prod"), after)
    assert risk.headline == "THE PORTAL BECOMES PUBLIC: backstage.example.com"
    assert risk.details == [
        "Why: its load balancer becomes internet-facing (ingressScheme).",
        "It accepts requests from anyone on the Internet (0.0.0.0/0).",
        OWN,
    ]
    assert opened(after, plan("prod")) == []
    lines = markdown(reviewed(plan("prod"), after)).splitlines()
    assert lines[:2] == [
        "> [!CAUTION]",
        r"> **THE PORTAL BECOMES PUBLIC: backstage.example.com.**",
    ]


def test_public_for_some_networks_and_behind_a_sign_in() -> None:
    after = annotated(plan("oidc"), scheme="internet-facing", inbound_cidrs="203.0.113.0/24")
    (risk,) = opened(plan("oidc"), after)
    assert risk.details[1:] == [
        "It accepts requests from 203.0.113.0/24.",
        "The load balancer signs users in (oidc).",
    ]


def test_a_public_ingress_that_is_new() -> None:
    public = annotated(plan("prod"), scheme="internet-facing")
    (found,) = [each for each in public.resources.values() if each.name == INGRESS]
    (risk,) = opened(replacing(public, found.urn), public)
    assert risk.headline.startswith("THE PORTAL BECOMES PUBLIC")
    renamed = dataclasses.replace(found, urn=f"{found.urn}-2", name=f"{found.name}-2")
    assert opened(public, replacing(public, found.urn, renamed)) == []
    assert opened(Recording(), public) == []  # a stack that is new opens nothing


@pytest.mark.parametrize(
    "given",
    [{"auth_type": None}, {"auth_type": "none"}, {"auth_on_unauthenticated_request": "allow"}],
)
def test_sign_in_at_the_load_balancer_ends(given: dict[str, str | None]) -> None:
    (risk,) = opened(plan("oidc"), annotated(plan("oidc"), **given))
    assert risk.headline == "SIGN-IN AT THE LOAD BALANCER ENDS: portal.example.com"
    assert risk.details == [
        "Why: ingressAuthentication oidc ends.",
        OWN,
        "Requests without a session reach the pods, from every network with a route to it "
        "(0.0.0.0/0).",
    ]


def test_a_path_without_sign_in() -> None:
    def change(inputs: dict[str, Any]) -> None:
        paths = inputs["spec"]["rules"][0]["http"]["paths"]
        paths.append({**paths[0], "path": "/api/techdocs"})

    after = with_inputs(plan("oidc"), INGRESS, change)
    (risk,) = opened(plan("oidc"), after)
    assert risk.headline == "PATHS NO LONGER NEED SIGN-IN AT THE LOAD BALANCER: /api/techdocs"
    assert opened(after, plan("oidc")) == []


def test_more_networks() -> None:
    plans = [
        annotated(plan("internet-facing"), inbound_cidrs=each)
        for each in ("10.1.0.0/16,10.2.0.0/16", "10.1.4.0/24,10.0.0.0/8, 11.0.0.0/8", None)
    ]
    (risk,) = opened(plans[0], plans[1])
    assert risk.headline == "MORE NETWORKS REACH THE LOAD BALANCER: portal.example.com"
    assert risk.details == [
        "It now accepts requests from 10.0.0.0/8, 11.0.0.0/8 (ingressInboundCidrs).",
        "Before: 10.1.0.0/16, 10.2.0.0/16.",
    ]
    (anyone,) = opened(plans[1], plans[2])
    assert "anyone on the Internet (0.0.0.0/0)" in anyone.details[0]
    assert opened(plans[1], plans[0]) == []
    (shut,) = noted(reviewed(plans[1], plans[0]), "Load balancer")
    assert shut == (
        "accepts requests from 10.1.0.0/16, 10.2.0.0/16 only; before, from 10.1.4.0/24, "
        "10.0.0.0/8, 11.0.0.0/8."
    )


@pytest.mark.parametrize(
    ("wider", "former", "found"),
    [
        (["10.0.0.0/8"], ["0.0.0.0/0"], []),
        (["::/0"], ["0.0.0.0/0"], ["::/0"]),
        (["fd00::/16"], ["fd00::/8"], []),
        (["<computed>"], ["10.0.0.0/8"], ["<computed>"]),
        (["<computed>"], ["<computed>"], []),
    ],
)
def test_networks_beyond_others(wider: list[str], former: list[str], found: list[str]) -> None:
    assert beyond(wider, former) == found


def test_tls_ends() -> None:
    after = annotated(plan("prod"), listen_ports='[{"HTTP":80}]', certificate_arn=None)
    (risk,) = opened(plan("prod"), after)
    assert risk.headline == "THE PORTAL IS SERVED WITHOUT TLS: backstage.example.com"
    both = annotated(plan("prod"), listen_ports='[{"HTTP":80},{"HTTPS":443}]')
    assert opened(plan("prod"), both) == []


def urn_of(recording: Recording, name: str) -> str:
    (found,) = [e.urn for e in recording.resources.values() if e.custom and e.name == name]
    return found


def test_a_network_policy_ends() -> None:
    urn = urn_of(plan("prod"), "backstage-network-policy")
    less = replacing(plan("prod"), urn)
    (risk,) = opened(plan("prod"), less)
    assert risk.headline == "EVERY POD OF THE CLUSTER REACHES THE PORTAL'S PODS"
    assert risk.details[0] == "Deleted: backstage-network-policy (networkPolicy)."
    # With the pods that it guarded, nothing is left to reach.
    assert opened(plan("prod"), replacing(less, urn_of(less, "backstage-deployment"))) == []
    found = plan("prod").resources[urn]
    renamed = dataclasses.replace(found, urn=f"{urn}-2", name="other")
    assert opened(plan("prod"), replacing(plan("prod"), urn, renamed)) == []


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ({"cidrIpv4": "10.0.0.0/8"}, "10.0.0.0/8"),
        ({"referencedSecurityGroupId": "sg-2"}, "sg-2"),
        ({"referencedSecurityGroupId": "sg-0f1e2d3c4b5a69788"}, None),
    ],
)
def test_the_database_accepts_more(source: dict[str, str], shown: str | None) -> None:
    rule = plan("prod").resources[urn_of(plan("prod"), "backstage-from-cluster")]
    new = dataclasses.replace(rule, urn=f"{rule.urn}-2", name="new", raw_inputs=source)
    after = replacing(plan("prod"), rule.urn, rule, new)
    found = opened(plan("prod"), after)
    assert [risk.headline for risk in found] == (
        ["MORE NETWORKS REACH THE DATABASE"] if shown else []
    )
    if shown:
        assert found[0].details[0].startswith(f"It now accepts connections from {shown} (")
        assert found[0].details[1] == "Before: sg-0f1e2d3c4b5a69788."
    assert opened(after, plan("prod")) == []
    of_another_group = dataclasses.replace(new, property_dependencies={})
    assert opened(plan("prod"), replacing(plan("prod"), rule.urn, rule, of_another_group)) == []
    group = urn_of(after, "backstage-security-group")
    assert opened(replacing(replacing(after, group), rule.urn), after) == []
