"""The program on the real engine with doubles, per test or shared by stack."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.cli import Engine
from tests.engine.doubles import World, served

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
