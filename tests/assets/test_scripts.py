"""The syntax of every script that a Job mounts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.assets.node import needs_node
from tests.programs import ROOT


@needs_node
@pytest.mark.parametrize("path", sorted((ROOT / "assets").glob("*.js")), ids=lambda path: path.name)
def test_script_parses(path: Path) -> None:
    done = subprocess.run(["node", "--check", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
