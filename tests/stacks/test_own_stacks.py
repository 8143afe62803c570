"""The project's own stack files, whatever a user makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs import ROOT
from tools.preview.run import run_project
from tools.preview.stack_file import read_stack

OWN = sorted(ROOT.glob("Pulumi.*.yaml"))


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_a_stack_of_the_project_previews(path: Path) -> None:
    stack = path.name.split(".")[1]
    recording = run_project(ROOT, read_stack(ROOT, stack))
    assert {"url", "image", "databaseEndpoint"} <= set(recording.outputs)
