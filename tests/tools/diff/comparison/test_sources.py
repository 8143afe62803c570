"""Two secrets with the same stand-in come from different resources."""

from __future__ import annotations

import dataclasses

import pytest

from tests.tools.diff.plans import done, of, plan, replacing
from tools.diff.comparison.changes import compare
from tools.preview.recording import Recording, Resource

SECRETS = "backstage-secrets"
DATA = "stringData"
ROLE, MASTER, CLUSTER, INSTANCE = (
    "backstage-role-password", "backstage-password", "backstage-1-cluster",
    "backstage-1-instance-0",
)  # fmt: skip


def named(name: str) -> Resource:
    (found,) = [e for e in plan("prod").resources.values() if e.name == name and e.custom]
    return found


def coming_from(sources: list[str]) -> Recording:
    """The plan with other sources of the portal's secrets."""
    found = named(SECRETS)
    urns = [named(each).urn for each in sources]
    changed = dataclasses.replace(
        found, property_dependencies={**found.property_dependencies, DATA: urns}
    )
    return replacing(plan("prod"), found.urn, changed)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([ROLE], [MASTER], f"from {MASTER} instead of {ROLE}"),
        ([ROLE], [ROLE, MASTER], f"also from {MASTER}"),
        ([ROLE, MASTER], [ROLE], f"no longer from {MASTER}"),
        ([CLUSTER], [INSTANCE], f"from {INSTANCE} instead of {CLUSTER}"),
        ([CLUSTER], [CLUSTER, INSTANCE], ""),  # an order, perhaps
        ([MASTER, ROLE], [ROLE, MASTER], ""),
    ],
)
def test_another_source(before: list[str], after: list[str], said: str) -> None:
    change = of(compare(coming_from(before), coming_from(after)), SECRETS)
    lines = [line for each in change.differences for line in each.lines()]
    assert lines == ([f"{DATA} (replaces): [secret], {said}"] if said else [])


def test_the_pods_roll_with_another_source() -> None:
    found = done(coming_from([ROLE]), coming_from([MASTER]))
    assert found == {
        "replace": {SECRETS, "backstage-migrations"}, "update": {"backstage-deployment"},
    }  # fmt: skip


def test_a_source_that_is_new_is_said_once() -> None:
    new = dataclasses.replace(named(MASTER), urn=f"{named(MASTER).urn}-2", name="new")
    found = coming_from([MASTER])
    secrets = found.resources[named(SECRETS).urn]
    of_new = dataclasses.replace(
        secrets, property_dependencies={**secrets.property_dependencies, DATA: [new.urn]}
    )
    after = replacing(found, secrets.urn, of_new)
    after = replacing(after, named(MASTER).urn, named(MASTER), new)
    for source, lines in (
        (CLUSTER, []),
        (ROLE, [f"{DATA} (replaces): [secret], no longer from {ROLE}"]),
    ):
        change = of(compare(coming_from([source]), after), SECRETS)
        assert [line for each in change.differences for line in each.lines()] == [
            *lines, f"{DATA} (replaces): unknown until new is created",
        ]  # fmt: skip


def test_a_source_that_an_alias_moves_is_the_same() -> None:
    password = named(ROLE)
    former = "backstage-portal-password"
    urn = password.urn.replace(f"::{ROLE}", f"::{former}")
    old = dataclasses.replace(password, urn=urn, name=former)
    found = named(SECRETS)
    other = {**found.property_dependencies, DATA: [urn]}
    renamed = replacing(plan("prod"), password.urn, old)
    before = replacing(renamed, found.urn, dataclasses.replace(found, property_dependencies=other))
    moved = dataclasses.replace(password, aliases=[{"spec": {"name": former}}])
    after = replacing(coming_from([ROLE]), password.urn, moved)
    assert of(compare(before, after), SECRETS).operation == "same"
