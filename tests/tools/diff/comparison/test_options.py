"""A change of a resource's options can replace it, or end its protection, and no input shows it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.tools.diff.plans import done, of, plan, replacing, reviewed, with_inputs
from tools.diff.comparison.changes import compare
from tools.diff.text import text
from tools.preview.recording import Recording

CLUSTER = "backstage-1-cluster"
KEY = "arn:aws:kms:us-east-1:123456789012:key/8f7e6d5c"


def with_options(recording: Recording, name: str, **options: Any) -> Recording:
    """The plan with other options of the custom resource of that logical name."""
    (found,) = [e for e in recording.resources.values() if e.custom and e.name == name]
    return replacing(recording, found.urn, dataclasses.replace(found, **options))


def first(before: Recording, after: Recording) -> list[str]:
    return text(reviewed(before, after)).splitlines()[:2]


def test_an_input_that_is_no_longer_ignored_may_have_any_value() -> None:
    """The cluster that runs has the key that it was created with, whatever both plans say."""
    before = with_inputs(plan("prod"), CLUSTER, lambda inputs: inputs.update(kmsKeyId=KEY))
    after = with_options(before, CLUSTER, ignore_changes=["snapshotIdentifier"])
    assert first(before, after) == [
        f"THE DATABASE IS REPLACED: {CLUSTER}.",
        f"    - Why: kmsKeyId: (ignored so far) -> {KEY}.",
    ]
    # Without a value the provider keeps what there is.
    assert done(plan("prod"), with_options(plan("prod"), CLUSTER, ignore_changes=[])) == {}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"deletionProtection": False},
            "AWS no longer refuses to delete it: deletion protection is off.",
        ),
        ({"skipFinalSnapshot": True}, "Deleting it no longer takes a final snapshot."),
    ],
)
def test_a_database_loses_its_protection(change: dict[str, bool], says: str) -> None:
    after = with_inputs(plan("prod"), CLUSTER, lambda inputs: inputs.update(change))
    assert first(plan("prod"), after) == [
        f"THE DATABASE LOSES ITS PROTECTION: {CLUSTER}.", f"    - {says}",
    ]  # fmt: skip
    assert reviewed(after, plan("prod")).risks == []


def test_the_engine_s_protection_is_an_option() -> None:
    after = with_options(plan("prod"), CLUSTER, protect=False)
    assert first(plan("prod"), after) == [
        f"THE DATABASE LOSES ITS PROTECTION: {CLUSTER}.",
        "    - The engine no longer refuses to delete it: `protect` is off.",
    ]
    (difference,) = of(compare(plan("prod"), after), CLUSTER).differences
    assert difference.lines() == ["option protect: true -> false"]


def test_an_option_is_no_input_that_replaces() -> None:
    after = with_options(plan("prod"), "backstage-password", protect=True)
    assert done(plan("prod"), after) == {"update": {"backstage-password"}}


@pytest.mark.parametrize("names", [["backupRetentionPeriod"], ["*"]])
def test_replace_on_changes(names: list[str]) -> None:
    after = with_inputs(
        plan("prod"), CLUSTER, lambda inputs: inputs.update(backupRetentionPeriod=30)
    )
    assert of(compare(plan("prod"), after), CLUSTER).operation == "update"
    after = with_options(after, CLUSTER, replace_on_changes=names)
    assert first(plan("prod"), after)[0] == f"THE DATABASE IS REPLACED: {CLUSTER}."


def test_a_trigger_replaces() -> None:
    before = with_options(plan("prod"), CLUSTER, replacement_trigger={"day": 1})
    after = with_options(plan("prod"), CLUSTER, replacement_trigger={"day": 2})
    assert first(before, after) == [
        f"THE DATABASE IS REPLACED: {CLUSTER}.",
        "    - Why: option replacementTrigger.day: 1 -> 2.",
    ]
    assert done(plan("prod"), after) == {}  # one that is new replaces nothing


def test_a_resource_is_replaced_with_another() -> None:
    (password,) = [each for each in plan("prod").resources if each.endswith("::backstage-password")]
    before = with_options(plan("prod"), CLUSTER, replace_with=[password])
    after = with_inputs(
        before, "backstage-password", lambda inputs: inputs["keepers"].update(version="2")
    )
    assert first(before, after) == [
        f"THE DATABASE IS REPLACED: {CLUSTER}.",
        "    - Why: option replaceWith: unknown until backstage-password is replaced.",
    ]
