"""What is unknown before the update in both plans is compared by stand-ins."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from pulumi.runtime import rpc

from tests.programs import previewed
from tests.tools.diff.plans import of, plan, replacing, with_inputs
from tools.diff.comparison.changes import compare
from tools.diff.comparison.stand_ins import StandIn, completed
from tools.diff.comparison.values import differences
from tools.preview.recording import Recording, secret

READ = "backstage-techdocs-read"
CANARY = "canary-4f1e"
ANY = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": "*"}
GONE = StandIn('{"a": [1, 2]}')


def created() -> Recording:
    return previewed("dev", creates=True).recording


def with_statement(inputs: dict[str, Any]) -> None:
    policy = json.loads(inputs["policy"])
    inputs["policy"] = json.dumps({**policy, "Statement": [*policy["Statement"], ANY]})


def test_a_policy_with_another_statement() -> None:
    (role_policy,) = [e for e in plan("dev").resources.values() if e.name == READ]
    assert role_policy.inputs["policy"] == "<computed>"
    more = with_inputs(created(), READ, with_statement)
    changes = compare(plan("dev"), plan("dev"), created=(created(), more))
    (change,) = [each for each in changes if each.operation != "same"]
    assert change.resource.name == READ
    assert [line for each in change.differences for line in each.lines()] == [
        f"policy.Statement (with stand-ins): + {json.dumps(ANY)}"
    ]


def test_stand_ins_of_a_plan_are_equal_to_themselves() -> None:
    changes = compare(plan("dev"), plan("dev"), created=(created(), created()))
    assert {each.operation for each in changes} == {"same"}


def test_what_a_renewed_resource_makes_unknown_is_said_once() -> None:
    host = "portal.dev.example.com"

    def moved(found: Recording) -> Recording:
        return with_inputs(found, "backstage-certificate", lambda i: i.update(domainName=host))

    after = with_inputs(
        moved(created()),
        "backstage-certificate-validation",
        lambda i: i.update(name=f"_standin.{host}.", records=["another"]),
    )
    changes = compare(plan("dev"), moved(plan("dev")), created=(created(), after))
    assert [
        line
        for each in of(changes, "backstage-certificate-validation").differences
        for line in each.lines()
    ] == [
        f"{name}: unknown until backstage-certificate is replaced"
        for name in ("name (replaces)", "records[0]", "type")
    ]


def test_the_logical_name_of_a_resource_that_an_alias_moves() -> None:
    former = "backstage-reader"
    (role,) = [e for e in plan("dev").resources.values() if e.name == "backstage-techdocs-role"]
    alias = dataclasses.replace(role, aliases=[{"spec": {"name": former}}])
    after = replacing(plan("dev"), role.urn, alias)
    urn = role.urn.replace(f"::{role.name}", f"::{former}")
    before = replacing(plan("dev"), role.urn, dataclasses.replace(role, urn=urn, name=former))

    def named(inputs: dict[str, Any]) -> None:
        inputs["role"] = former

    run = with_inputs(created(), READ, named)
    assert of(compare(before, after, created=(run, created())), READ).operation == "same"
    other = with_inputs(run, READ, lambda i: i.update(role=f"{former}-2"))
    (found,) = of(compare(before, after, created=(other, created())), READ).differences
    assert found.before == f"{former}-2"


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (GONE, GONE, []),
        (GONE, StandIn('{"a": [1]}'), ["p.a (with stand-ins): - 2"]),
        ('{"a": [1]}', GONE, ["p.a (with stand-ins): + 2"]),
        ('{"a": [1, 2]}', GONE, ['p: {"a": [1, 2]} -> <computed>']),
        (None, StandIn("x"), ["p (with stand-ins): (absent) -> x"]),
        ([StandIn("x"), "y"], [StandIn("z"), "y"], [
            "p (with stand-ins): + z", "p (with stand-ins): - x",
        ]),
        ([{"a": StandIn("x")}], [], ['p (with stand-ins): - {"a": "x"}']),
        (StandIn(secret("x")), StandIn(CANARY), ["p (with stand-ins): [secret], changed"]),
        (secret({"A": StandIn("x")}), secret({"A": StandIn(CANARY)}), [
            "p.A (with stand-ins): [secret], changed"
        ]),
        ([StandIn(secret(CANARY))], [], ["p[0] (with stand-ins): [secret], changed"]),
    ],
)  # fmt: skip
def test_how_stand_ins_differ(before: Any, after: Any, shown: list[str]) -> None:
    found = differences(before, after, ("p",))
    assert [line for each in found for line in each.lines()] == shown


@pytest.mark.parametrize(
    ("inputs", "run", "found"),
    [
        (rpc.UNKNOWN, "x", lambda: StandIn("x")),
        ("known", "x", lambda: "known"),
        ([rpc.UNKNOWN, 1], ["x", 1], lambda: [StandIn("x"), 1]),
        ([rpc.UNKNOWN], ["x", "y"], lambda: [rpc.UNKNOWN]),  # nobody knows which it is
        (secret(rpc.UNKNOWN), secret("x"), lambda: StandIn(secret("x"))),
        (secret(rpc.UNKNOWN), "x", lambda: StandIn(secret("x"))),
        (secret({"A": rpc.UNKNOWN}), secret({"A": "x"}), lambda: secret({"A": StandIn("x")})),
    ],
)
def test_stand_ins_of_a_plan(inputs: Any, run: Any, found: Callable[[], Any]) -> None:
    (resource,) = [e for e in plan("dev").resources.values() if e.name == READ]
    plan_, created_ = (
        Recording({"u": dataclasses.replace(resource, raw_inputs={"p": each})})
        for each in (inputs, run)
    )
    assert completed(plan_, created_) == {"u": {"p": found()}}
