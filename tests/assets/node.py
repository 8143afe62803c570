"""Runs a script of assets/ as its Job does: in the portal's folder, with Node."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.programs import ROOT

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="needs node on PATH")


def start(
    script: str, folder: Path, variables: Mapping[str, str], *arguments: str
) -> subprocess.Popen[str]:
    """Starts a script in `folder` with nothing but `variables` and PATH in its environment."""
    return subprocess.Popen(
        ["node", str(ROOT / "assets" / script), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    script: str, folder: Path, variables: Mapping[str, str], *arguments: str
) -> tuple[int, str, str]:
    """Returns exit code, standard output and standard error."""
    process = start(script, folder, variables, *arguments)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err
