"""Runs the program, or a piece of it, through the offline preview and finds resources in it."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from settings.keys import DEFAULT_DATABASE
from tests import SHARED
from tools.preview.recording import Recording, Resource
from tools.preview.run import run_program, run_project
from tools.preview.stack_file import StackConfig, read_stack

ROOT = Path(__file__).resolve().parent.parent
STACK_FILES = {path.stem: path for path in sorted((ROOT / "tests" / "stacks").glob("*.yaml"))}
COMMITTED = ("dev", "prod", "local")  # copies of the project's own, which users edit
STACKS = tuple(STACK_FILES)
BUILDING = ("dev", "existing-environment", "irsa", "local-build")  # stacks that build an app
CREATING = ("dev", "existing-environment")  # stacks that create a repository and a bucket
OWN_NAMESPACE = tuple(stack for stack in STACKS if stack != "existing-environment")
MIGRATING = tuple(stack for stack in STACKS if stack != "local-build")  # stacks with migrationJob

# Runs of the program, here by a digest of their configuration, in the folder for all workers.
_PROGRAMS: dict[str, Program] = {}


class Program:
    """What a run registered, by type and name."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.outputs = recording.outputs

    def all(self, type_: str) -> list[Resource]:
        """Every resource of a type token, such as `aws:rds/cluster:Cluster`."""
        return [each for each in self.recording.resources.values() if each.type == type_]

    def one(self, type_: str, name: str | None = None) -> Resource:
        """The only resource of a type, or the one of that name."""
        found = [each for each in self.all(type_) if name in (None, each.name)]
        assert len(found) == 1, f"{len(found)} resources {type_} {name or ''}"
        return found[0]

    def inputs(self, type_: str, name: str | None = None) -> dict[str, Any]:
        """Inputs of `one`, masked."""
        return self.one(type_, name).inputs

    def types(self) -> set[str]:
        """Type tokens of every resource."""
        return {each.type for each in self.recording.resources.values()}


@functools.cache
def stack_config(stack: str) -> StackConfig:
    """The configuration in a stack file under tests/."""
    return read_stack(ROOT, stack, STACK_FILES[stack])


def _target(stack: str) -> str:
    return stack_config(stack).values.get("backstage:target", "eks")


def _database(stack: str) -> str:
    default = DEFAULT_DATABASE[_target(stack)]  # type: ignore[index]
    return stack_config(stack).values.get("backstage:database", default)


def _sets(stack: str, key: str, value: str) -> bool:
    return stack_config(stack).values.get(f"backstage:{key}") == value


EKS_STACKS = tuple(stack for stack in STACKS if _target(stack) == "eks")
LOCAL_STACKS = tuple(stack for stack in STACKS if _target(stack) == "local")
AURORA_STACKS = tuple(stack for stack in STACKS if _database(stack) == "aurora")
TOKEN_STACKS = tuple(stack for stack in STACKS if _sets(stack, "databaseAuthentication", "iam"))
MANAGED_STACKS = tuple(
    stack for stack in STACKS if _sets(stack, "databaseMasterPassword", "managed")
)
EXISTING_STACKS = tuple(stack for stack in STACKS if _database(stack) == "existing")
# The administrator's login is in a secret that this program doesn't write.
STORED_STACKS = (*MANAGED_STACKS, *EXISTING_STACKS)
IN_CLUSTER_STACKS = tuple(stack for stack in STACKS if _database(stack) == "in-cluster")


def previewed(stack: str, creates: bool = False) -> Program:
    """The whole program with a stack's configuration; runs once for all tests."""
    return _run(stack_config(stack), creates)


def changed(stack: str, changes: Mapping[str, object], creates: bool = False) -> Program:
    """The same with some keys changed, as `configured` does."""
    return _run(configured(stack, changes), creates)


def patched(stack: str, changes: Mapping[str, object] | None = None) -> Program:
    """The same, run anew: for a test that replaces what the program or the preview calls."""
    return Program(run_project(ROOT, configured(stack, changes or {})))


def configured(stack: str, changes: Mapping[str, object]) -> StackConfig:
    """A stack's configuration with some keys changed; None removes a key."""
    values = dict(stack_config(stack).values)
    for key, value in changes.items():
        full = key if ":" in key else f"backstage:{key}"
        values.pop(full, None)
        if value is not None:
            values[full] = value if isinstance(value, str) else json.dumps(value)
    return dataclasses.replace(stack_config(stack), values=values)


def _run(config: StackConfig, creates: bool) -> Program:
    content = json.dumps([dataclasses.astuple(config), creates], sort_keys=True, default=sorted)
    key = hashlib.sha256(content.encode()).hexdigest()
    if key not in _PROGRAMS:
        _PROGRAMS[key] = Program(_recorded(Path(os.environ[SHARED]) / key, config, creates))
    return _PROGRAMS[key]


def _recorded(file: Path, config: StackConfig, creates: bool) -> Recording:
    """The program's run, from the file if another worker of this test run wrote it."""
    try:
        found: Recording = pickle.loads(file.read_bytes())
    except FileNotFoundError:
        found = run_project(ROOT, config, creates)
        own = file.with_suffix(f".{os.getpid()}")
        own.write_bytes(pickle.dumps(found))
        own.replace(file)
    return found


def differing(before: Program, after: Program) -> set[str]:
    """Logical names of the resources whose inputs differ, or that only one of both has."""
    first, second = before.recording.resources, after.recording.resources
    return {
        urn.rpartition("::")[2]
        for urn in first.keys() | second.keys()
        if urn not in first or urn not in second or first[urn].raw_inputs != second[urn].raw_inputs
    }


def built(build: Callable[[], object], creates: bool) -> Program:
    """A piece of a program, without configuration; `build` makes its own providers."""
    config = StackConfig("backstage", "test", {}, [], frozenset({"aws", "kubernetes"}))
    return Program(run_program(build, config, creates))
