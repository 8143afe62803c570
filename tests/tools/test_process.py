"""A command whose reader stops reading, as `| head` does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import ROOT

COMMANDS = [
    file
    for file in sorted((ROOT / "tools").rglob("*.py"))
    if 'if __name__ == "__main__":' in file.read_text("utf-8")
]
# Prints more than a pipe holds.
COMMAND = """
import sys
from pathlib import Path
from tools.process import ends_with

def main():
    for _ in range(3000):
        print("x" * 100)
        print("y" * 100, file=sys.stderr)
    Path(sys.argv[1]).write_text("done")
    return 3

ends_with(main)
"""


@pytest.mark.parametrize("gone", ["stdout", "stderr"])
def test_it_ends_as_if_everything_were_read(tmp_path: Path, gone: str) -> None:
    read, write = os.pipe()
    os.close(read)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, gone: write}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, str(tmp_path / "file")],
        cwd=ROOT,
        check=False,
        text=True,
        stdout=streams["stdout"],
        stderr=streams["stderr"],
    )
    os.close(write)
    assert done.returncode == 3
    assert (tmp_path / "file").read_text() == "done"
    line = ("y" if gone == "stdout" else "x") * 100
    assert (done.stdout or done.stderr) == f"{line}\n" * 3000


def test_it_runs_without_an_output(tmp_path: Path) -> None:
    closed = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", sys.executable, "-c", COMMAND]
    done = subprocess.run([*closed, str(tmp_path / "file")], cwd=ROOT, check=False)
    assert done.returncode == 3
    assert (tmp_path / "file").read_text() == "done"


@pytest.mark.parametrize("file", COMMANDS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_command_ends_so(file: Path) -> None:
    block = file.read_text("utf-8").rpartition('if __name__ == "__main__":')[2]
    # The report of measurements prints little, and record.py runs in other commits.
    others = ("tools/reliability/report.py", "tools/diff/record.py")
    expected = str(file.relative_to(ROOT)) not in others
    assert bool(re.search(r"^    ends_with\(", block, re.MULTILINE)) == expected
