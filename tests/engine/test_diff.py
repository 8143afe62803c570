"""`make diff` says what the engine then does."""

from __future__ import annotations

import pytest

from tests.engine.cli import Run
from tests.engine.conftest import Stacks
from tests.programs import ROOT
from tools.diff.comparison.changes import compare
from tools.preview.recording import Recording
from tools.preview.run import run_project
from tools.preview.stack_file import read_stack

pytestmark = pytest.mark.engine

OPERATIONS = ("create", "update", "replace", "delete")


def planned(stacks: Stacks, stack: str) -> Recording:
    """The offline plan of the stack file as it is."""
    return run_project(ROOT, read_stack(stacks.shared(stack).engine.directory, stack))


def predicted(before: Recording, after: Recording) -> set[tuple[str, str, str]]:
    return {
        (each.operation, each.resource.type, each.resource.name)
        for each in compare(before, after)
        if each.operation in OPERATIONS and each.resource.custom
    }


def seen(run: Run) -> set[tuple[str, str, str]]:
    """Steps, without the components and the second half of a replacement."""
    return {
        (each.operation, each.type, each.name)
        for each in run.steps
        if not each.type.startswith(("backstage:", "pulumi:pulumi:"))
    }


@pytest.mark.parametrize(
    ("stack", "changes"),
    [
        ("prod", {"databaseInstances": "3", "imageTag": "2" * 40}),
        ("prod", {"databasePasswordVersion": "3"}),
        ("prod", {"namespace": "portal"}),
        ("dev", {"databaseGeneration": "2"}),
        ("dev", {"host": "moved.dev.example.com"}),
        ("local", {"databaseStorageSize": "ephemeral"}),
    ],
    ids=["image", "passwords", "namespace", "generation", "host", "volume"],
)
def test_the_engine_does_what_the_diff_says(
    stacks: Stacks, stack: str, changes: dict[str, str]
) -> None:
    engine = stacks.shared(stack).engine
    before = planned(stacks, stack)
    for key, value in changes.items():
        engine.set(stack, key, value)
    expected = predicted(before, planned(stacks, stack))
    assert expected
    assert seen(engine.up(stack)) == expected
