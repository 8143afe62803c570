"""The stack's own DNS record: when users can no longer resolve the portal's name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tests.tools.diff.consequences.test_load_balancer import (
    INGRESS,
    annotated,
    traffic,
    unrecorded,
)
from tests.tools.diff.plans import noted, plan, replacing, reviewed, with_inputs
from tools.preview.recording import Recording

ALIAS = "backstage-alias"
Plan = Callable[[str], Recording]
HOST = "portal.example.com"


def test_the_record_ends() -> None:
    (risk,) = traffic(reviewed(plan("oidc"), unrecorded(plan("oidc")), "oidc"))
    assert risk.headline == f"THE DNS RECORD OF {HOST} IS DELETED"
    why, effect, fix = risk.details
    assert why == "Why: the stack has no DNS record any more (hostedZoneName)."
    assert effect == f"{HOST} no longer resolves, so nobody reaches the portal."
    (urn,) = [each for each in plan("oidc").resources if each.endswith(f"::{ALIAS}")]
    assert f"`pulumi state delete --stack oidc '{urn}'`" in fix
    assert traffic(reviewed(unrecorded(plan("oidc")), plan("oidc"), "oidc")) == []


def test_a_record_that_stays() -> None:
    (alias,) = [e for e in plan("oidc").resources.values() if e.name == ALIAS]
    retained = replacing(plan("oidc"), alias.urn, dataclasses.replace(alias, retain_on_delete=True))
    assert traffic(reviewed(retained, unrecorded(plan("oidc")), "oidc")) == []
    renamed = dataclasses.replace(alias, urn=f"{alias.urn}-2", name=f"{ALIAS}-2")
    assert traffic(reviewed(plan("oidc"), replacing(plan("oidc"), alias.urn, renamed))) == []


def hosted(recording: Recording, host: str) -> Recording:
    """The plan with another host, and with it the record's if the stack has one."""
    found = with_inputs(recording, INGRESS, lambda i: i["spec"]["rules"][0].update(host=host))
    if any(each.name == ALIAS for each in recording.resources.values()):
        found = with_inputs(found, ALIAS, lambda i: i.update(name=host))
    return found


REGISTER = " Register the output signInCallbackUrls at the sign-in provider."
OTHER = f"serves b.example.com instead of {HOST}, "
GONE = f"{OTHER}whose DNS record is deleted: it no longer resolves."
POINT = " Point the DNS record of b.example.com at it."


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (plan, plan, GONE),
        (plan, lambda stack: unrecorded(plan(stack)), GONE + POINT),
        (
            lambda stack: unrecorded(plan(stack)),
            lambda stack: unrecorded(plan(stack)),
            f"{OTHER}which gets 404.{POINT}",
        ),
    ],
)
def test_another_host(before: Plan, after: Plan, said: str) -> None:
    found = reviewed(before("oidc"), hosted(after("oidc"), "b.example.com"), "oidc")
    assert noted(found, "Ingress") == [said + REGISTER]


def test_another_host_without_sign_in_and_with_the_same_certificate() -> None:
    after = hosted(plan("prod"), "b.example.com")
    said = f"serves b.example.com instead of backstage.example.com, which gets 404.{POINT}"
    same = " certificateArn stays: `make doctor STACK=prod` says whether it covers b.example.com."
    assert noted(reviewed(plan("prod"), after), "Ingress") == [said + same]
    assert noted(reviewed(plan("prod"), annotated(after, certificate_arn="arn:b")), "Ingress") == [
        said
    ]
