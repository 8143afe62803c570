"""The controller replaces load balancers and target groups where the engine sees an annotation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from components.ingress.authentication import ANNOTATION
from tests.tools.diff.plans import noted, plan, replacing, reviewed, with_inputs
from tools.diff.consequences.risk import Risk
from tools.diff.review import Review
from tools.diff.text import text
from tools.preview.recording import Recording

INGRESS = "backstage-ingress"
CLASS = "backstage-ingress-class"
HEADLINE = f"The load balancer of {INGRESS} is replaced"
DOWN = "The controller deletes the old one first: the portal is down in between."
LATER = (
    "It has a new DNS name. Once it exists, run `pulumi up --refresh`: the update itself doesn't "
    "wait for the name."
)
FOLLOW = "If you manage the DNS record of {}, point it at the output loadBalancerHostname{}."
RECORD = "The stack's DNS record names the old one until then."
SIGN_IN = (
    "The portal refuses every sign-in until then: it trusts the old load balancer "
    "(docs/load-balancer-sign-in.md)."
)


def annotated(recording: Recording, name: str = INGRESS, /, **given: str | None) -> Recording:
    """The plan with other annotations of the controller; None removes one."""

    def change(inputs: dict[str, Any]) -> None:
        annotations = inputs["metadata"].setdefault("annotations", {})
        for key, value in given.items():
            full = ANNOTATION + key.replace("__", ".").replace("_", "-")
            annotations.pop(full, None)
            if value is not None:
                annotations[full] = value

    return with_inputs(recording, name, change)


def traffic(found: Review) -> list[Risk]:
    return [each for each in found.risks if each.kind == "traffic"]


def only(before: Recording, after: Recording, stack: str = "prod") -> Risk:
    (risk,) = traffic(reviewed(before, after, stack))
    return risk


def unrecorded(recording: Recording) -> Recording:
    """The plan without the stack's DNS record."""
    (urn,) = [each for each in recording.resources if each.endswith("::backstage-alias")]
    return replacing(recording, urn)


def test_a_scheme_replaces_it() -> None:
    after = annotated(plan("internet-facing"), scheme="internal", group__name=None)
    risk = only(annotated(plan("internet-facing"), group__name=None), after)
    assert risk.headline == HEADLINE
    assert risk.details == [
        "Why: scheme: internet-facing -> internal (ingressScheme), which AWS can't change in "
        "place.",
        DOWN,
        LATER,
        FOLLOW.format("portal.example.com", ""),
    ]


def test_a_group_has_one_scheme() -> None:
    after = annotated(plan("internet-facing"), scheme="internal", wafv2_acl_arn=None)
    details = only(plan("internet-facing"), after).details
    assert details[2].startswith("Every Ingress of the group public has to name the same scheme")
    assert details[-1] == "The new one has no web ACL (wafAclArn)."


def test_a_record_and_a_sign_in_follow_with_a_refresh() -> None:
    after = annotated(plan("oidc"), scheme="internet-facing")
    assert only(plan("oidc"), after, "oidc").details[1:] == [DOWN, LATER, RECORD, SIGN_IN]
    new = only(unrecorded(plan("oidc")), after, "oidc")
    assert new.details[3] == "The stack's new DNS record names the old one until then."


@pytest.mark.parametrize(
    ("before", "after", "moves"),
    [
        (
            None,
            "shared",
            "The portal moves to that of the group shared, created if missing; the portal's own is "
            "deleted.",
        ),
        (
            "shared",
            None,
            "The portal gets one of its own; that of the group shared is deleted if no other "
            "Ingress uses it.",
        ),
        (
            "a",
            "b",
            "The portal moves to that of the group b, created if missing; that of the group a is "
            "deleted if no other Ingress uses it.",
        ),
    ],
)
def test_another_group_is_another_load_balancer(
    before: str | None, after: str | None, moves: str
) -> None:
    first, second = (annotated(plan("prod"), group__name=each) for each in (before, after))
    risk = only(first, second)
    assert risk.headline == HEADLINE
    assert risk.details == [
        f"Why: group.name: {before or 'none'} -> {after or 'none'} (ingressGroup).",
        moves,
        LATER,
        FOLLOW.format("backstage.example.com", ""),
    ]


def moved(recording: Recording, name: str = INGRESS) -> Recording:
    return with_inputs(recording, name, lambda i: i["metadata"].update(namespace="portal"))


def test_another_namespace_is_another_load_balancer() -> None:
    risk = only(plan("prod"), moved(plan("prod")))
    assert risk.headline == HEADLINE
    assert risk.details == [
        "Why: metadata.namespace: backstage -> portal.",
        "The new one is created first; the old one is deleted at the end of this update.",
        "It has a new DNS name. "
        + FOLLOW.format("backstage.example.com", " before the old one is deleted"),
    ]
    followed = only(plan("oidc"), moved(plan("oidc")), "oidc")
    assert followed.details[-1] == "The stack's DNS record follows in the same update."


def elsewhere(recording: Recording) -> Recording:
    return with_inputs(
        recording, "backstage-kubernetes", lambda i: i.update(clusterIdentifier="next")
    )


def test_another_cluster_is_another_load_balancer() -> None:
    first = "The new one is created first; the old one is deleted at the end of this update."
    for before, last in (
        (plan("oidc"), "The stack's DNS record follows in the same update."),
        (unrecorded(plan("oidc")), "The stack's new DNS record names the new one."),
    ):
        found = traffic(reviewed(before, elsewhere(plan("oidc")), "oidc"))
        assert [each.headline for each in found] == [HEADLINE]
        assert found[0].details[1:] == [first, last]
    risk = only(plan("prod"), elsewhere(plan("prod")))
    assert risk.details[2].endswith("loadBalancerHostname before the old one is deleted.")


def test_an_ingress_that_is_deleted_first() -> None:
    """As when replace_on_changes replaces one that keeps its name."""
    (found,) = [e for e in plan("oidc").resources.values() if e.name == INGRESS]
    strict = dataclasses.replace(found, replace_on_changes=["spec"])
    before = replacing(plan("oidc"), found.urn, strict)
    after = with_inputs(before, INGRESS, lambda i: i["spec"].update(tls=[]))
    assert only(before, after, "oidc").details[-2:] == [
        "The old one is deleted first: the portal is down until users resolve the new name.",
        "The stack's DNS record follows in the same update.",
    ]


def test_the_group_s_load_balancer_is_in_no_namespace() -> None:
    grouped = annotated(plan("prod"), group__name="shared")
    assert traffic(reviewed(grouped, moved(grouped))) == []
    assert only(grouped, elsewhere(grouped)).headline == HEADLINE


def classed(recording: Recording, name: str, controller: str | None = None) -> Recording:
    """The plan with another IngressClass, and with a stack's own one its controller."""
    found = with_inputs(recording, INGRESS, lambda i: i["spec"].update(ingressClassName=name))
    if controller is None:
        return found
    found = with_inputs(found, CLASS, lambda i: i["metadata"].update(name=name))
    return with_inputs(found, CLASS, lambda i: i["spec"].update(controller=controller))


def test_another_class_may_have_another_controller() -> None:
    risk = only(plan("prod"), classed(plan("prod"), "b"))
    assert risk.headline == f"The load balancer of {INGRESS} may be replaced"
    assert risk.details[0].startswith("Why: spec.ingressClassName: alb -> b, which another ")
    auto = plan("auto-mode")
    assert traffic(reviewed(auto, classed(auto, "b", "eks.amazonaws.com/alb"))) == []
    (found,) = traffic(reviewed(auto, classed(auto, "portal", "ingress.k8s.aws/alb")))
    assert found.headline == f"The load balancer of {INGRESS} may be replaced"
    assert found.details[0] == (
        "Why: the controller of the class portal: eks.amazonaws.com/alb -> ingress.k8s.aws/alb "
        "(loadBalancerController). Each controller has load balancers of its own."
    )
    moved_too = annotated(classed(plan("prod"), "b"), scheme="internet-facing")
    assert only(plan("prod"), moved_too).headline == HEADLINE


@pytest.mark.parametrize(
    "given",
    [
        {"ip_address_type": "dualstack"},
        {"subnets": "a,b"},
        {"healthcheck_path": "/health"},
        {"load_balancer_attributes": "idle_timeout.timeout_seconds=60"},
    ],
)
def test_what_changes_in_place(given: dict[str, str]) -> None:
    found = reviewed(plan("prod"), annotated(plan("prod"), **given))
    assert found.risks == []
    assert found.counts["update"] == 1


def test_the_ingress_ends() -> None:
    (urn,) = [each for each in plan("prod").resources if each.endswith(f"::{INGRESS}")]
    risk = only(plan("prod"), replacing(plan("prod"), urn))
    assert risk.headline == f"The Ingress {INGRESS} is deleted"
    assert risk.details == [
        "Nobody reaches the portal through it.",
        "Its load balancer is deleted too.",
    ]
    grouped = annotated(plan("prod"), group__name="shared")
    assert only(grouped, replacing(grouped, urn)).details[1] == (
        "It leaves the load balancer of the group shared."
    )


def plain(inputs: dict[str, Any]) -> None:
    del inputs["metadata"]["annotations"]


def test_an_ingress_for_another_kind_of_controller() -> None:
    after = with_inputs(plan("prod"), INGRESS, plain)
    assert only(plan("prod"), after).headline == f"The load balancer of {INGRESS} is deleted"
    assert traffic(reviewed(after, plan("prod"))) == []


EMPTY = (
    "The load balancer switches to the new one before pods are registered in it: requests get 503 "
    "until then."
)


def of_port(inputs: dict[str, Any]) -> None:
    path = inputs["spec"]["rules"][0]["http"]["paths"][0]
    path["backend"]["service"]["port"] = {"number": 8080}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda found: annotated(found, target_type="instance"),
            "target-type of /: ip -> instance",
        ),
        (
            lambda found: annotated(found, "backstage-service", target_type="instance"),
            "target-type of /: ip -> instance",
        ),
        (
            lambda found: annotated(found, backend_protocol="HTTPS"),
            "backend-protocol of /: HTTP -> HTTPS",
        ),
        (
            lambda found: annotated(found, backend_protocol_version="GRPC"),
            "backend-protocol-version of /: none -> GRPC",
        ),
        (
            lambda found: with_inputs(found, INGRESS, of_port),
            "service of /: backstage:7007 -> backstage:8080",
        ),
    ],
)
def test_a_target_group_is_replaced(change: Callable[[Recording], Recording], why: str) -> None:
    risk = only(plan("prod"), change(plan("prod")))
    assert risk.headline == f"A target group of {INGRESS} is replaced"
    assert risk.details == [f"Why: {why}.", EMPTY]


def test_settings_that_the_controller_keeps() -> None:
    before = annotated(plan("prod"), wafv2_acl_arn="arn:acl", load_balancer_name="a")
    after = annotated(plan("prod"), load_balancer_name="b")
    assert noted(reviewed(before, after), "Load balancer") == [
        "keeps its name: load-balancer-name counts only when one is created.",
        "keeps the web ACL arn:acl: the controller removes none. To remove it, run "
        "aws wafv2 disassociate-web-acl --resource-arn LOAD_BALANCER_ARN.",
    ]
    new = annotated(after, scheme="internet-facing")
    assert noted(reviewed(before, new), "Load balancer") == []


def test_the_database_comes_first_and_the_load_balancer_last() -> None:
    after = annotated(plan("prod"), scheme="internet-facing")
    after = with_inputs(after, "backstage-1-cluster", lambda i: i.update(databaseName="x"))
    after = dataclasses.replace(
        after,
        resources={
            urn: each
            for urn, each in after.resources.items()
            if each.name != "backstage-1-log-group"
        },
    )
    lines = text(reviewed(plan("prod"), after)).splitlines()
    heads = [line for line in lines[: lines.index(f"{HEADLINE}.") + 1] if line[:1].isalpha()]
    assert heads == [
        "THE DATABASE IS REPLACED: backstage-1-cluster.",
        "THE PORTAL BECOMES PUBLIC: backstage.example.com.",
        "The log group backstage-1-log-group is deleted.",
        f"{HEADLINE}.",
    ]
