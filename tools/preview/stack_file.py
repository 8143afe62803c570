"""A stack's configuration as the engine hands it to the program."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi.runtime

from settings.files import FileError, parse_yaml, read_text
from settings.values.variables import ENCRYPTED


class StackFileError(Exception):
    """A project or stack file that can't be read; the text says which and why."""


@dataclass(frozen=True)
class StackConfig:
    """project: its name. stack: its name. values: full key to text, lists and objects as JSON.
    secret_keys: full keys that are encrypted, wholly or in part. explicit_packages: packages whose
    default provider is switched off.
    """

    project: str
    stack: str
    values: dict[str, str]
    secret_keys: list[str]
    explicit_packages: frozenset[str]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Makes it the configuration of the running program, the way the language host does."""
        names = {
            "PULUMI_CONFIG": json.dumps(self.values),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(self.secret_keys),
        }
        before = {name: os.environ.get(name) for name in names}
        os.environ.update(names)
        pulumi.runtime.set_all_config(self.values, self.secret_keys)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def read_stack(root: Path, stack: str, config_file: Path | None = None) -> StackConfig:
    """Reads Pulumi.yaml and the stack's file.

    root: the project's folder. config_file: another file than `Pulumi.<stack>.yaml`, as with
    `pulumi --config-file`. Raises StackFileError.
    """
    project = _mapping(root / "Pulumi.yaml")
    name = str(project.get("name", ""))
    file = config_file or root / f"Pulumi.{stack}.yaml"
    content = _mapping(file)
    outside = sorted(str(key) for key in content if ":" in str(key))
    if outside:
        raise StackFileError(f"{file}: {outside[0]} has to be under config:")
    found = content.get("config") or {}
    if not isinstance(found, dict):
        raise StackFileError(f"{file}: config isn't a mapping")
    values: dict[str, str] = {}
    secret_keys: list[str] = []
    declared = project.get("config") or {}
    for key, entry in {**{k: _declared(v) for k, v in declared.items()}, **found}.items():
        if entry is None:
            continue
        full = str(key) if ":" in str(key) else f"{name}:{key}"
        if full in values and key in found:
            raise StackFileError(f"{file}: {full} is there twice, once without its namespace")
        plain, encrypted = _decrypted(entry)
        values[full] = plain if isinstance(plain, str) else json.dumps(plain)
        if encrypted:
            secret_keys.append(full)
    explicit = json.loads(values.get("pulumi:disable-default-providers", "[]"))
    return StackConfig(name, stack, values, secret_keys, frozenset(explicit))


def _mapping(path: Path) -> dict[str, Any]:
    if not path.exists():
        stacks = sorted(file.name.split(".")[1] for file in path.parent.glob("Pulumi.*.yaml"))
        raise StackFileError(f"{path}: No such file; there are the stacks {', '.join(stacks)}")
    try:
        return parse_yaml(read_text(str(path)))
    except FileError as error:
        raise StackFileError(f"{path}: {error}") from error


def _declared(entry: Any) -> Any:
    if isinstance(entry, dict):
        return entry.get("value", entry.get("default"))
    return entry


def is_encrypted(entry: Any) -> bool:
    """Whether a value of a stack file is a ciphertext: `{secure: ...}`."""
    return isinstance(entry, dict) and set(entry) == {"secure"}


def _decrypted(entry: Any) -> tuple[Any, bool]:
    """The value with stand-ins for what is encrypted, and whether anything is."""
    if is_encrypted(entry):
        return ENCRYPTED, True
    if isinstance(entry, dict):
        parts = {key: _decrypted(value) for key, value in entry.items()}
        return {key: part[0] for key, part in parts.items()}, any(p[1] for p in parts.values())
    if isinstance(entry, list):
        items = [_decrypted(value) for value in entry]
        return [item[0] for item in items], any(item[1] for item in items)
    return entry, False
