"""Command line: `python -m tools.report STACK`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from policy.suppressions import SuppressionError
from tools.preview.policy import verdict
from tools.preview.run import PreviewError, run_project
from tools.preview.stack_file import StackFileError, read_stack
from tools.process import ends_with
from tools.report.page import page

ROOT = Path(__file__).resolve().parent.parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Writes the page of a stack; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.report", description=__doc__)
    parser.add_argument("stack", help="name of the stack, such as prod")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of Pulumi.yaml")
    parser.add_argument("--out", type=Path, help="instead of build/report/STACK.html")
    options = parser.parse_args(arguments)
    out = options.out or options.root / "build" / "report" / f"{options.stack}.html"
    try:
        config = read_stack(options.root, options.stack)
        recording, created = (run_project(options.root, config, each) for each in (False, True))
        judged = verdict(recording, created)
        text = page(config, recording, judged, _commit(options.root))
    except (PreviewError, StackFileError, SuppressionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    print(
        f"Written to {out.relative_to(options.root) if out.is_relative_to(options.root) else out}"
    )
    return 0


def _commit(root: Path) -> str:
    """The commit that is checked out, if there is one."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=, with changes"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        return "an unknown commit"
    return done.stdout.strip() or "an unknown commit"


if __name__ == "__main__":
    ends_with(main)
