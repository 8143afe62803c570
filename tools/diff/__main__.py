"""Command line: `python -m tools.diff STACK --base COMMIT`."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from policy.suppressions import SuppressionError
from tools.diff.base import BaseError, checked_out, plans_of
from tools.diff.configuration import configuration, encrypted_names, holders
from tools.diff.markdown import LIMIT, failed, markdown
from tools.diff.policy import policy_change, verdict_of
from tools.diff.review import Review, review
from tools.diff.text import text
from tools.preview.policy import verdict
from tools.preview.run import PreviewError, run_project
from tools.preview.stack_file import StackFileError, read_stack
from tools.process import ends_with

ROOT = Path(__file__).resolve().parent.parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Prints what the working tree changes in a stack; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.diff", description=__doc__)
    parser.add_argument("stack", help="name of the stack, such as prod")
    parser.add_argument("--base", default="origin/main", help="commit to compare with")
    parser.add_argument("--format", choices=("text", "markdown"), default="text")
    parser.add_argument("--limit", type=int, default=LIMIT, help="characters of the Markdown")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of Pulumi.yaml")
    options = parser.parse_args(arguments)
    try:
        found = reviewed(options.root, options.stack, options.base)
    except (PreviewError, StackFileError, SuppressionError, BaseError) as error:
        problem = f"{options.base}: {error}" if isinstance(error, BaseError) else str(error)
        print(f"error: {problem}", file=sys.stderr)
        if options.format == "markdown":  # or the comment would still show the commit before
            print(failed(options.stack, problem, options.limit))
        return 1
    print(text(found) if options.format == "text" else markdown(found, options.limit))
    return 0


def reviewed(root: Path, stack: str, revision: str) -> Review:
    """Previews both sides, at the same time, and compares them."""
    config = read_stack(root, stack)
    file = f"Pulumi.{stack}.yaml"
    with checked_out(root, revision) as (tree, commit), ThreadPoolExecutor(1) as other:
        pending = other.submit(plans_of, root, tree, stack)
        after, created = (run_project(root, config, creates) for creates in (False, True))
        changed = configuration(tree / file, root / file)
        encrypted = holders(created, encrypted_names(changed))
        before, created_before = pending.result()
        judged = policy_change(verdict_of(tree, before, created_before), verdict(after, created))
        name = revision if revision.startswith(commit) else f"{revision} ({commit})"
        both = (created_before, created)
        return review(stack, name, before, after, changed, encrypted, judged, both)


if __name__ == "__main__":
    ends_with(main)
