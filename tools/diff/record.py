"""Prints the plan of the project in the working directory as JSON, by that project's own preview:
with unknown values, then with stand-ins for them, or null if that preview has none.

Run as a file, `python .../tools/diff/record.py STACK`: the commit that is compared with has its own
`tools` and `settings`. The plan has secrets in it: it goes to a pipe, never to a file.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
from pathlib import Path


def main() -> int:
    """Returns the exit code; the error is on stderr."""
    root = Path.cwd()
    sys.path[0] = str(root)  # instead of this file's folder

    from tools.preview.run import PreviewError, run_project
    from tools.preview.stack_file import StackFileError, read_stack

    try:
        with contextlib.redirect_stdout(sys.stderr):
            config = read_stack(root, sys.argv[1])
            recording = run_project(root, config)
            has_stand_ins = "creates" in inspect.signature(run_project).parameters
            created = run_project(root, config, creates=True) if has_stand_ins else None
    except (PreviewError, StackFileError) as error:
        print(error, file=sys.stderr)
        return 1
    plans = [
        run and [vars(each) for each in run.resources.values()] for run in (recording, created)
    ]
    json.dump({"plans": plans, "warnings": recording.warnings}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
