"""A copy of the program, a file backend and the doubles: for a test, or for those of a stack."""

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
# What an operation needs that nobody watches.
UNATTENDED = {
    "preview": ("--non-interactive",),
    **dict.fromkeys(("up", "refresh", "destroy"), ("--non-interactive", "--yes")),
}
LINKED = ("components", "targets", "assets", "image", "portal", ".git")


@dataclass
class Run:
    """What a command of the CLI did."""

    code: int
    output: str
    """Standard output and error together."""
    log: str
    """The engine's event log."""

    @property
    def changes(self) -> dict[str, int]:
        """How many resources were created, updated, ... ; those of the summary event."""
        for line in reversed(self.log.splitlines()):
            event = json.loads(line)
            if "summaryEvent" in event:
                found: dict[str, int] = event["summaryEvent"]["resourceChanges"]
                return {key: count for key, count in found.items() if count}
        raise AssertionError(f"no summary:\n{self.output}")


class Engine:
    """The Pulumi CLI in a copy of the project, with a backend of its own."""

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
        """What every command printed, and the event logs."""
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
        """Runs `pulumi ARGUMENTS`; fails the test when it does, unless `check` is off.

        typed: what it reads where it asks.
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
        """An operation under way, in a process group of its own; killed at the end."""
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
        """Runs preview, up, refresh or destroy without asking."""
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
        """An update without its preview, which would show the same."""
        return self.operate("up", stack, "--skip-preview", *arguments, check=check)

    def set(self, stack: str, key: str, value: str, *flags: str) -> None:
        """Sets a key of the stack's configuration."""
        self.command("config", "set", "--stack", stack, *flags, key, value)

    def new_stack(self, stack: str) -> None:
        """Makes the stack in the backend; its file is the committed one."""
        self.command("stack", "init", stack)

    def state(self) -> str:
        """Everything that the backend stores, as text."""
        files = (path for path in self._backend.rglob("*") if path.is_file())
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)

    def outputs(self, stack: str) -> dict[str, Any]:
        """The stack's outputs."""
        text = self.command("stack", "output", "--stack", stack, "--json").output
        found: dict[str, Any] = json.loads(text)
        return found


CANARY = "canary-of-a-github-token"


@dataclass
class Stack:
    """A committed stack that is up, with a secret of its user's."""

    engine: Engine
    world: World
    planned: dict[str, int]
    """What the first preview counted."""
    made: dict[str, int]
    """What the first update counted."""


class Stacks:
    """Committed stacks, each brought up once for all tests that leave it as it is configured."""

    def __init__(self, directory: Path, servers: ExitStack) -> None:
        self._directory, self._servers = directory, servers
        self._made: dict[str, Stack] = {}
        self._count = 0

    def shared(self, name: str) -> Stack:
        """The stack, after whatever earlier tests did to it."""
        if name not in self._made:
            self._made[name] = self._up(name)
        return self._made[name]

    def taken(self, name: str) -> Stack:
        """The same, for a test after which it is gone or not what it was."""
        stack = self.shared(name)
        del self._made[name]
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
    """Skips what runs where there is no CLI."""
    if shutil.which("pulumi") is None:
        pytest.skip("no pulumi on PATH; `make engine` installs it into .local/engine")


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stacks]:
    """Stacks that are up, each attached to doubles of its own."""
    needs_the_cli()
    with ExitStack() as servers:
        yield Stacks(tmp_path_factory.mktemp("stacks"), servers)


@pytest.fixture
def world() -> World:
    """What the doubles did, and what shall go wrong."""
    return World()


@pytest.fixture
def engine(tmp_path: Path, world: World) -> Iterator[Engine]:
    """A fresh engine, attached to doubles of every provider."""
    needs_the_cli()
    with served(world) as debug_providers:
        yield Engine(tmp_path, debug_providers)
