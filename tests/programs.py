"""Runs the program, or a piece of it, through the offline preview and finds resources in it."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from settings.keys import DEFAULT_DATABASE
from tools.preview.monitor import Recording, Resource
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


@functools.cache
def previewed(stack: str, creates: bool = False) -> Program:
    """The whole program with a stack's configuration; once for all tests."""
    return Program(run_project(ROOT, stack_config(stack), creates))


def changed(stack: str, changes: Mapping[str, object], creates: bool = False) -> Program:
    """The whole program with some keys of a stack changed; None removes a key."""
    values = dict(stack_config(stack).values)
    for key, value in changes.items():
        full = key if ":" in key else f"backstage:{key}"
        values.pop(full, None)
        if value is not None:
            values[full] = value if isinstance(value, str) else json.dumps(value)
    config = dataclasses.replace(stack_config(stack), values=values)
    return Program(run_project(ROOT, config, creates))


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
