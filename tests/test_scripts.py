"""The scripts that the Jobs run in the portal's image."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from components.portal import SCRIPTS
from tests.programs import ROOT

FILES = sorted((ROOT / "assets").glob("*.js"))


def test_every_script_is_mounted() -> None:
    assert {path.name for path in FILES} == set(SCRIPTS)


@pytest.mark.skipif(not shutil.which("node"), reason="needs node on PATH")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_script_parses(path: Path) -> None:
    done = subprocess.run(["node", "--check", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
