"""The scripts that the Jobs run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.programs import ROOT


@pytest.mark.skipif(not shutil.which("node"), reason="needs node on PATH")
@pytest.mark.parametrize("path", sorted((ROOT / "assets").glob("*.js")), ids=lambda path: path.name)
def test_script_parses(path: Path) -> None:
    done = subprocess.run(["node", "--check", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
