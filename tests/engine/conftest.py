"""A copy of the program with a file backend and the doubles, per test or shared by stack."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.doubles import World, served
from tests.programs import ROOT

PASSPHRASE = "of-the-engine-tests"
# Flags that keep an operation from prompting.
UNATTENDED = {
    "preview": ("--non-interactive",),
    **dict.fromkeys(("up", "refresh", "destroy"), ("--non-interactive", "--yes")),
}
LINKED = ("components", "settings", "targets", "assets", "image", "portal", ".git")


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


class Engine:
    """The Pulumi CLI in a copy of the project with its own file backend.

    debug_providers: value of PULUMI_DEBUG_PROVIDERS.
    """

    def __init__(self, directory: Path, debug_providers: str) -> None:
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
            timeout=300,
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


CANARY = "canary-of-a-github-token"


@dataclass
class Stack:
    """A deployed stack that has `CANARY` in `secretEnv`."""

    engine: Engine
    world: World
    planned: dict[str, int]
    """Changes of the first preview."""
    created: dict[str, int]
    """Changes of the first update."""


class Stacks:
    """Committed stacks, each deployed once and shared by the tests."""

    def __init__(self, directory: Path, servers: ExitStack) -> None:
        self._directory, self._servers = directory, servers
        self._deployed: dict[str, Stack] = {}
        self._count = 0

    def shared(self, name: str) -> Stack:
        """The stack as earlier tests left it."""
        if name not in self._deployed:
            self._deployed[name] = self._up(name)
        return self._deployed[name]

    def taken(self, name: str) -> Stack:
        """The same, for a test that destroys or redefines it; later tests get a new one."""
        stack = self.shared(name)
        del self._deployed[name]
        return stack

    def _up(self, name: str) -> Stack:
        self._count += 1
        directory = self._directory / str(self._count)
        directory.mkdir()
        world = World()
        engine = Engine(directory, self._servers.enter_context(served(world)))
        engine.new_stack(name)
        engine.set(name, "secretEnv.GITHUB_TOKEN", CANARY, "--path", "--secret")
        planned = engine.operate("preview", name, "--diff").changes
        return Stack(engine, world, planned, engine.up(name, "--diff").changes)


def needs_the_cli() -> None:
    """Skips the test without the Pulumi CLI."""
    if shutil.which("pulumi") is None:
        pytest.skip("no pulumi on PATH; `make engine` installs it into .local/engine")


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stacks]:
    """Deployed stacks, each with its own doubles."""
    needs_the_cli()
    with ExitStack() as servers:
        yield Stacks(tmp_path_factory.mktemp("stacks"), servers)


@pytest.fixture
def world() -> World:
    """State of the doubles of `engine`."""
    return World()


@pytest.fixture
def engine(tmp_path: Path, world: World) -> Iterator[Engine]:
    """An engine without stacks, with doubles of every provider."""
    needs_the_cli()
    with served(world) as debug_providers:
        yield Engine(tmp_path, debug_providers)
