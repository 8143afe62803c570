"""What a reviewer reads, in a terminal and in a comment."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal

import pytest

from tests.tools.diff.plans import plan, reviewed, with_inputs
from tools.cost.estimate import Range
from tools.diff.comparison.change import Change
from tools.diff.comparison.values import ABSENT, Difference
from tools.diff.consequences.risk import why
from tools.diff.markdown import LIMIT, markdown
from tools.diff.review import Price, Review
from tools.diff.text import price, text
from tools.preview.recording import secret

CANARY = "canary-4f1e"
APP_CONFIG = "backstage-app-config"


def of_app_config(value: str) -> Review:
    after = with_inputs(
        plan("prod"), APP_CONFIG, lambda inputs: inputs["data"].update({"extra.yaml": value})
    )
    return reviewed(plan("prod"), after)


def test_text_of_a_small_change() -> None:
    after = with_inputs(
        plan("prod"), "backstage-autoscaler", lambda i: i["spec"].update(maxReplicas=8)
    )
    every = len(plan("prod").resources)
    custom = sum(each.custom for each in plan("prod").resources.values())
    assert text(reviewed(plan("prod"), after)).splitlines() == [
        "prod: the working tree compared with main (1234567)",
        f"Resources: 1 updated, {custom - 1} unchanged",
        f"    without the {every - custom} components that hold them; "
        f"with those, make preview counts {every}",
        "Data: nothing that holds data is deleted",
        "Pods: The pods of backstage-deployment don't roll.",
        "Price a month: 231.42 USD, unchanged; range 231.42 to 827.10 -> 231.42 to 862.14",
        "Policy: nothing changes",
        "",
        " ~ backstage-autoscaler (kubernetes:autoscaling/v2:HorizontalPodAutoscaler)",
        "       spec.maxReplicas: 6 -> 8",
    ]


def test_difference_of_prices_is_that_of_the_printed_ones() -> None:
    before, after = (Range.of(Decimal(each)) for each in ("231.424", "238.746"))
    assert price(Price(before, after)).startswith("231.42 -> 238.75 USD, +7.33; range 231.42 ")


def test_no_secret_in_a_report() -> None:
    before = with_inputs(
        plan("prod"), "backstage-secrets", lambda i: i.update(stringData=secret({"A": CANARY}))
    )
    after = with_inputs(
        plan("prod"),
        "backstage-secrets",
        lambda i: i.update(stringData=secret({"A": "x", "B": CANARY})),
    )
    after = with_inputs(after, "backstage-1-cluster", lambda i: i.update(masterPassword=CANARY))
    found = reviewed(before, after)
    for shown in (text(found), markdown(found)):
        assert CANARY not in shown
        assert "stringData.B (replaces): [secret], changed" in shown
        assert "masterPassword: [secret], changed" in shown


def test_the_reason_of_a_replacement_is_one_line() -> None:
    values = {"a": "x" * 200}, "first\nsecond"
    found = [Difference(("spec", name), ABSENT, value, replaces=True)
             for name, value in zip("ab", values, strict=True)]  # fmt: skip
    resource = next(iter(plan("prod").resources.values()))
    change = Change("replace", resource, resource, found)
    assert list(why(change)) == ["Why: spec.a.", "Why: spec.b."]


@pytest.mark.parametrize("limit", [LIMIT, 20_000, 1_000, 200])
def test_a_comment_is_not_longer_than_allowed(limit: int) -> None:
    found = of_app_config("x" * 100)
    many = [
        dataclasses.replace(
            each, operation="update", differences=[Difference(("a",), "b" * 90, "c")]
        )
        for each in found.changes * 20
    ]
    shown = markdown(dataclasses.replace(found, changes=many), limit)
    assert limit * 0.5 < len(shown) <= limit
    if limit >= 1_000:
        assert "... the rest: make diff BASE=main STACK=prod\n```\n\n</details>" in shown


def test_a_value_does_not_leave_its_fence() -> None:
    shown = markdown(of_app_config("```\n</details>\n@everyone"))
    assert "\n````diff\n" in shown
    assert shown.endswith("\n````\n\n</details>")


def test_nothing_outside_the_fence_is_markup() -> None:
    found = dataclasses.replace(
        of_app_config("x"),
        warnings=["<img src=x> @team [a](b) | `c`\n# d"],
        configuration=[Difference(("host",), "a", "@team ![x](y)")],
    )
    head = markdown(found).partition("<details>")[0]
    assert not re.search(r"@\w", head)
    assert not re.search(r"(?<!\\)[<\[`!]", head)
    assert head.count("\n# ") == 0
