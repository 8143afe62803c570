"""A database that is replaced or deleted is the first line, whatever else changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tests.programs import changed
from tests.tokens import CLUSTER
from tests.tools.diff.plans import done, noted, of, plan, replacing, reviewed, with_inputs
from tools.diff.comparison.replacements import table
from tools.diff.markdown import markdown
from tools.diff.text import text
from tools.preview.recording import Recording, Resource

NAME = "backstage-1-cluster"
REPLACING = table()[CLUSTER].replaced_by
# Read once, when the cluster is created: components/database/aurora.py ignores later changes.
IGNORED = ("kmsKeyId", "snapshotIdentifier")
OTHER: dict[str, Any] = {"storageEncrypted": False, "availabilityZones": ["us-east-1a"]}


def cluster(recording: Recording) -> Resource:
    (found,) = [each for each in recording.resources.values() if each.type == CLUSTER]
    return found


def refactored(recording: Recording) -> Recording:
    """The plan with another tag on everything, as an unrelated refactoring makes many changes."""
    found = {
        urn: dataclasses.replace(each, raw_inputs={**each.raw_inputs, "tags": {"team": "web"}})
        if each.type.startswith("aws:")
        else each
        for urn, each in recording.resources.items()
    }
    return dataclasses.replace(recording, resources=found)


def renamed(recording: Recording, name: str, **changes: Any) -> Recording:
    former = cluster(recording)
    urn = former.urn.replace(NAME, name)
    return replacing(
        recording, former.urn, dataclasses.replace(former, urn=urn, name=name, **changes)
    )


@pytest.mark.parametrize("name", [each for each in REPLACING if each not in IGNORED])
def test_an_input_that_replaces_it_is_the_first_line(name: str) -> None:
    after = with_inputs(
        refactored(plan("prod")), NAME, lambda inputs: inputs.update({name: OTHER.get(name, "x")})
    )
    found = reviewed(plan("prod"), after)
    lines = text(found).splitlines()
    assert lines[0] == f"THE DATABASE IS REPLACED: {NAME}."
    assert lines[1].startswith(f"    - Why: {name}: ")
    first, second, *_ = markdown(found).splitlines()
    assert first == "> [!CAUTION]"
    assert second == f"> **THE DATABASE IS REPLACED: {NAME.replace('-', chr(92) + '-')}.**"


@pytest.mark.parametrize("name", IGNORED)
def test_an_input_that_is_ignored_changes_nothing(name: str) -> None:
    after = with_inputs(plan("prod"), NAME, lambda inputs: inputs.update({name: "arn:aws:kms"}))
    assert done(plan("prod"), after) == {}


def test_another_logical_name_is_another_database() -> None:
    found = reviewed(plan("prod"), renamed(refactored(plan("prod")), "backstage-database"))
    lines = text(found).splitlines()
    assert lines[0] == f"THE DATABASE IS DELETED: {NAME}."
    assert lines[1:3] == [
        "    - backstage-database is created beside it, empty.",
        "    - Both are named backstage-prod-1: AWS refuses the second.",
    ]
    assert any("give the new name an alias" in line for line in lines)


@pytest.mark.parametrize(
    "alias",
    [
        {"urn": "urn:pulumi:prod::backstage::backstage:database:AuroraPostgres$" + CLUSTER},
        {"spec": {"name": NAME}},
    ],
)
def test_an_alias_moves_it(alias: dict[str, Any]) -> None:
    if "urn" in alias:
        alias = {"urn": f"{alias['urn']}::{NAME}"}
    found = reviewed(plan("prod"), renamed(plan("prod"), "backstage-database", aliases=[alias]))
    assert found.risks == []
    assert of(found.changes, "backstage-database").operation == "move"
    assert f"moved by its alias from {CLUSTER}::{NAME}" in text(found)


EXISTING = {
    "database": "existing",
    "databaseHost": "db.example.com",
    "databaseMaxConnections": 500,
    "databaseAdministratorSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbC",
    **dict.fromkeys(("databaseInstances", "databaseMinCapacity", "databaseMaxCapacity")),
}


def test_keys_that_end_it() -> None:
    found = reviewed(plan("prod"), changed("prod", EXISTING).recording)
    assert text(found).splitlines()[0] == f"THE DATABASE IS DELETED: {NAME}."


@pytest.mark.parametrize("snapshot", [None, "before-18"])
@pytest.mark.parametrize("lifted", [False, True])
def test_the_next_generation_is_no_other_name(snapshot: str | None, lifted: bool) -> None:
    """`databaseGeneration` replaces it deliberately: an alias would undo that."""
    old = cluster(plan("prod"))
    before = plan("prod")
    if lifted:
        given = {**old.raw_inputs, "deletionProtection": False}
        free = dataclasses.replace(old, raw_inputs=given, protect=False)
        before = replacing(before, old.urn, free)
    inputs = {**old.raw_inputs, "clusterIdentifier": "backstage-prod-2"}
    inputs |= {"snapshotIdentifier": snapshot, "deletionProtection": False}
    after = renamed(plan("prod"), "backstage-2-cluster", raw_inputs=inputs, protect=False)
    details = reviewed(before, after).risks[0].details
    origin = f"from the snapshot {snapshot}" if snapshot else "empty"
    assert details[0] == (
        f"databaseGeneration 2 takes its place: backstage-2-cluster is created first, {origin}, "
        "the pods move to it, and the old one is deleted last."
    )
    assert ("What was written after the snapshot is lost." in details) == bool(snapshot)
    assert any("databaseSnapshotIdentifier before" in each for each in details) == (not snapshot)
    assert any("databaseProtectedGeneration to 2" in each for each in details)
    first = "First set databaseDeletionProtection to false in a separate update."
    assert (first in details) != lifted
    assert not any("alias" in each for each in details)


def test_another_region_replaces_it() -> None:
    after = with_inputs(plan("prod"), "backstage-aws", lambda i: i.update(region="eu-west-1"))
    found = reviewed(plan("prod"), after)
    lines = text(found).splitlines()
    assert lines[:2] == [
        f"THE DATABASE IS REPLACED: {NAME}.",
        "    - Why: region of backstage-aws changes, its provider's.",
    ]
    assert (
        of(found.changes, "backstage-1-monitoring-role").operation == "same"
    )  # IAM has no regions


def test_the_replacement_takes_the_instances_with_it() -> None:
    after = with_inputs(plan("prod"), NAME, lambda inputs: inputs.update(databaseName="other"))
    found = reviewed(plan("prod"), after)
    instance = of(found.changes, "backstage-1-instance-0")
    assert instance.operation == "replace"
    assert [each.name for each in instance.differences if each.replaces] == ["clusterIdentifier"]
    assert of(found.changes, NAME).deleted_first
    # Its host is unknown until then, and with it the Secret that the pods read.
    assert of(found.changes, "backstage-secrets").operation == "replace"
    assert [risk.headline for risk in found.risks] == [f"THE DATABASE IS REPLACED: {NAME}"]


LIFTED = "This change lifts `protect`, which would have made the engine refuse it."
REFUSED = "`protect` is on: the engine refuses this update."
AWS_REFUSES = "Deletion protection is on: AWS refuses to delete it."
NOTHING = "Nothing stops it: neither `protect` nor deletion protection is on."
SNAPSHOT = "A final snapshot is taken before; docs/operations.md says how to restore it."
LOST = "No final snapshot is taken: its data is lost, its automated backups included."


@pytest.mark.parametrize(
    ("stack", "protect", "details"),
    [
        ("prod", True, [REFUSED, AWS_REFUSES, SNAPSHOT]),
        ("prod", False, [LIFTED, AWS_REFUSES, SNAPSHOT]),
        ("dev", False, [NOTHING, LOST]),
    ],
)
def test_what_protects_it(stack: str, protect: bool, details: list[str]) -> None:
    after = with_inputs(plan(stack), NAME, lambda inputs: inputs.update(databaseName="other"))
    now = dataclasses.replace(cluster(after), protect=protect)
    (risk,) = reviewed(plan(stack), replacing(after, now.urn, now)).risks
    assert risk.details[1:] == ["Its replacement starts empty.", *details]


SERVER = "backstage-postgres-server"
VOLUME = "Its volume stays until its claim or the namespace is deleted."


def no_volume(inputs: dict[str, Any]) -> None:
    del inputs["spec"]["volumeClaimTemplates"]


def image(name: str) -> Callable[[dict[str, Any]], None]:
    def change(inputs: dict[str, Any]) -> None:
        inputs["spec"]["template"]["spec"]["containers"][0]["image"] = name

    return change


def test_a_database_in_the_cluster_loses_its_volume() -> None:
    before = plan("local")
    found = reviewed(before, with_inputs(before, SERVER, no_volume), "local")
    assert found.risks[0].headline == f"THE DATABASE IS REPLACED: {SERVER}"
    assert found.risks[0].details[1:] == [VOLUME, "Its replacement has no volume and starts empty."]


def test_a_database_without_a_volume_loses_its_data_in_a_restart() -> None:
    before = with_inputs(plan("local"), SERVER, no_volume)
    found = reviewed(before, with_inputs(before, SERVER, image("postgres:18")), "local")
    assert found.risks[0].headline == f"THE DATABASE RESTARTS: {SERVER}"
    assert found.risks[0].details == ["It has no volume: its data is lost."]


@pytest.mark.parametrize(
    ("name", "stops"),
    [
        ("postgres:18", True),
        ("registry:5000/postgres:18.1-alpine@sha256:0", True),
        ("postgres:17.7", False),
        ("postgres:latest", False),
        ("registry:5000/postgres", False),
        ("postgres@sha256:16", False),
    ],
)
def test_a_major_version_cannot_read_the_volume(name: str, stops: bool) -> None:
    found = reviewed(plan("local"), with_inputs(plan("local"), SERVER, image(name)), "local")
    heads = [risk.headline for risk in found.risks]
    assert heads == ([f"THE DATABASE STOPS: {SERVER}"] if stops else [])
    (sentence,) = noted(found, "Database")
    assert sentence.startswith(f"{SERVER} restarts, and its connections end.")


def test_a_database_ends_with_its_namespace() -> None:
    before = plan("local")
    after = with_inputs(
        before, "backstage-namespace", lambda inputs: inputs["metadata"].update(name="portal")
    )
    found = reviewed(before, with_inputs(after, SERVER, no_volume), "local")
    assert (
        found.risks[0].details[-1] == "Its volume is deleted with the namespace: its data is lost."
    )
    assert found.risks[1].headline == "The namespace backstage-namespace is replaced"
