"""The Pulumi CLI in a copy of the project with a file backend."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.programs import ROOT

PASSPHRASE = "of-the-engine-tests"
# Flags that keep an operation from prompting.
UNATTENDED = {
    "preview": ("--non-interactive",),
    **dict.fromkeys(("up", "refresh", "destroy"), ("--non-interactive", "--yes")),
}
LINKED = ("components", "settings", "targets", "assets", "image", "portal", ".git")


@dataclass(frozen=True)
class Step:
    """An operation of the engine on a resource."""

    operation: str
    """`create`, `update`, `replace` or `delete`."""
    type: str
    name: str
    """Logical name."""
    changed: frozenset[str]
    """Properties that differ."""


@dataclass
class Run:
    """Result of a CLI command."""

    code: int
    output: str
    """Standard output, then standard error."""
    log: str
    """The engine's event log, one JSON object per line; empty if there is none."""

    @property
    def changes(self) -> dict[str, int]:
        """Counts of the summary event by operation, such as `create` and `same`."""
        for line in reversed(self.log.splitlines()):
            event = json.loads(line)
            if "summaryEvent" in event:
                found: dict[str, int] = event["summaryEvent"]["resourceChanges"]
                return {key: count for key, count in found.items() if count}
        raise AssertionError(f"no summary:\n{self.output}")

    @property
    def steps(self) -> list[Step]:
        """What was created, updated, replaced or deleted."""
        found = []
        for line in self.log.splitlines():
            event = json.loads(line).get("resourcePreEvent", {}).get("metadata", {})
            if event.get("op") in ("create", "update", "replace", "delete"):
                diffs = {re.split(r"[.\[]", each)[0] for each in event.get("diffs") or ()}
                name = event["urn"].rpartition("::")[2]
                found.append(Step(event["op"], event["type"], name, frozenset(diffs)))
        return found


class Engine:
    """The Pulumi CLI in a copy of the project with its own file backend.

    debug_providers: value of PULUMI_DEBUG_PROVIDERS. limit: seconds that a command may take.
    """

    def __init__(self, directory: Path, debug_providers: str, limit: float = 300) -> None:
        self._limit = limit
        self.directory = directory / "project"
        self.directory.mkdir()
        self._backend = directory / "state"
        self._backend.mkdir()
        for name in LINKED:
            (self.directory / name).symlink_to(ROOT / name)
        for file in (*ROOT.glob("*.py"), *ROOT.glob("Pulumi*.yaml"), ROOT / "requirements.txt"):
            shutil.copy(file, self.directory)
        (self.directory / ".venv").symlink_to(sys.prefix)
        self.shown = ""
        """Output and event logs of all commands so far."""
        self.environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": self._backend.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_DEBUG_COMMANDS": "1",
            "PULUMI_DEBUG_PROVIDERS": debug_providers,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "PULUMI_HOME": str(directory / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "TMPDIR": str(directory),
        }

    def command(self, *arguments: str, check: bool = True, typed: str = "") -> Run:
        """Runs `pulumi ARGUMENTS`. Raises AssertionError if it fails, unless `check` is off.

        typed: its standard input.
        """
        done = subprocess.run(
            ["pulumi", *arguments],
            cwd=self.directory,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=self._limit,
        )
        output = done.stdout + done.stderr
        self.shown += output
        assert not check or done.returncode == 0, f"pulumi {shlex.join(arguments)}\n{output}"
        return Run(done.returncode, output, "")

    @contextmanager
    def started(
        self, operation: str, stack: str, *arguments: str
    ) -> Iterator[subprocess.Popen[str]]:
        """Starts an operation in its own process group; kills it when the context exits."""
        process = subprocess.Popen(
            ["pulumi", operation, "--stack", stack, *UNATTENDED[operation], *arguments],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def operate(self, operation: str, stack: str, *arguments: str, check: bool = True) -> Run:
        """Runs preview, up, refresh or destroy without prompting."""
        log = self.directory / "events.json"
        log.unlink(missing_ok=True)
        run = self.command(
            operation, "--stack", stack, *UNATTENDED[operation], "--event-log", str(log),
            *arguments, check=check,
        )  # fmt: skip
        run.log = log.read_text(encoding="utf-8") if log.exists() else ""
        self.shown += run.log
        return run

    def up(self, stack: str, *arguments: str, check: bool = True) -> Run:
        """Updates without a preview."""
        return self.operate("up", stack, "--skip-preview", *arguments, check=check)

    def set(self, stack: str, key: str, value: str, *flags: str) -> None:
        """Sets a configuration key. flags: such as `--secret`."""
        self.command("config", "set", "--stack", stack, *flags, key, value)

    def new_stack(self, stack: str) -> None:
        """Creates the stack in the backend; its configuration is the committed file."""
        self.command("stack", "init", stack)

    def state(self) -> str:
        """All files of the backend as one text."""
        files = (path for path in self._backend.rglob("*") if path.is_file())
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)

    def outputs(self, stack: str) -> dict[str, Any]:
        """The stack's outputs by name."""
        text = self.command("stack", "output", "--stack", stack, "--json").output
        found: dict[str, Any] = json.loads(text)
        return found
