"""The plan of another commit: checked out beside the working tree, previewed by its own code."""

from __future__ import annotations

import dataclasses
import filecmp
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from settings.problem import with_fixes
from tools.preview.recording import Recording, Resource

RECORD = Path(__file__).with_name("record.py")
REQUIREMENTS = "requirements.txt"
_FIELDS = frozenset(each.name for each in dataclasses.fields(Resource))


class BaseError(Exception):
    """A commit that can't be compared with; the text says why, and how to fix it."""


@contextmanager
def checked_out(root: Path, revision: str) -> Iterator[tuple[Path, str]]:
    """Yields a folder with the files of a commit, and the commit's short hash."""
    commit = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    if not commit:
        ways = ("git fetch origin", "make diff BASE=main")
        raise BaseError(with_fixes("no commit of this repository", *ways))
    with tempfile.TemporaryDirectory(prefix="backstage-diff-") as folder:
        tree = Path(folder) / "base"
        _git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree, commit[:7]
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


def plans_of(root: Path, tree: Path, stack: str) -> tuple[Recording, Recording | None]:
    """Previews the stack of a checked-out commit, with unknown values and with stand-ins.

    Both are empty if the commit doesn't have that stack. The second is None if the commit's preview
    has no stand-ins.

    Raises BaseError with what its preview says.
    """
    if not (tree / f"Pulumi.{stack}.yaml").exists():
        return Recording(), Recording()
    python = _python(root, tree)
    command = [python, str(RECORD), stack]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BaseError(f"its own preview fails:\n{done.stderr.strip()}")
    found = json.loads(done.stdout)
    plan, created = found["plans"]
    return (
        Recording(_resources(plan), warnings=found["warnings"]),
        None if created is None else Recording(_resources(created)),
    )


def _resources(plan: list[dict[str, Any]]) -> dict[str, Resource]:
    return {each.urn: each for each in map(_resource, plan)}


def _resource(values: dict[str, Any]) -> Resource:
    """What another release of the preview recorded, as far as this one knows it."""
    return Resource(**{key: value for key, value in values.items() if key in _FIELDS})


def _python(root: Path, tree: Path) -> str:
    """This interpreter, or that of an environment with the commit's own requirements."""
    theirs = tree / REQUIREMENTS
    if not theirs.exists() or filecmp.cmp(root / REQUIREMENTS, theirs, shallow=False):
        return sys.executable
    digest = hashlib.sha256(theirs.read_bytes()).hexdigest()[:12]
    environment = root / ".local" / "diff" / digest
    python = environment / "bin" / "python"
    if not (environment / "installed").exists():
        print(f"installing the other commit's {REQUIREMENTS} into {environment}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)  # noqa: S603
        install = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([python, "-m", "pip", *install, "-r", theirs], check=True)  # noqa: S603
        (environment / "installed").touch()
    return str(python)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise BaseError(with_fixes("git isn't on PATH", "install git")) from error
    if done.returncode and "rev-parse" not in arguments:
        raise BaseError(f"git {arguments[0]} failed:\n{done.stderr.strip()}")
    return done.stdout
