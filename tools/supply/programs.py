"""Runs the programs that `make .local/bin/NAME` installs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from tools.supply.errors import SupplyError


def run(name: str, arguments: Sequence[str]) -> str:
    """Returns the standard output. Raises SupplyError for a missing program and for any exit code
    but 0; its messages go to standard error."""
    executable = shutil.which(name)
    if executable is None:
        raise SupplyError(f"{name} isn't on PATH: make .local/bin/{name}")
    done = subprocess.run([executable, *arguments], stdout=subprocess.PIPE, text=True)  # noqa: S603
    if done.returncode:
        raise SupplyError(f"{name} {arguments[0]} failed with exit code {done.returncode}")
    return done.stdout
