"""A stack's configuration as the engine hands it to the program."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi.runtime

from settings.files import FileError, read_text
from settings.key_schema import takes_text
from settings.keys import KEYS
from settings.nearest import nearest
from settings.problem import Problem, config_path, with_fixes
from settings.values.variables import ENCRYPTED
from tools.preview import engine_yaml
from tools.preview.engine_yaml import Document, Rewritten


class StackFileError(Exception):
    """A project or stack file that can't be read; the text says which and why."""


@dataclass(frozen=True)
class StackConfig:
    """project: its name. stack: its name. values: full key to text, lists and objects as JSON.
    secret_keys: full keys that are encrypted, wholly or in part. explicit_packages: packages whose
    default provider is switched off. file, lines: the stack file, and the lines of its keys, the
    project's without namespace. environment: whether Pulumi ESC adds values, which aren't read.
    """

    project: str
    stack: str
    values: dict[str, str]
    secret_keys: list[str]
    explicit_packages: frozenset[str]
    file: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)
    environment: bool = False

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
    if not stack:
        raise StackFileError(f"no stack is named{_stacks(root / 'Pulumi..yaml')}")
    project = _document(root / "Pulumi.yaml", "Pulumi.yaml").content
    name = str(project.get("name", ""))
    file = config_file or root / f"Pulumi.{stack}.yaml"
    shown = file.relative_to(root) if file.is_relative_to(root) else file
    if not file.exists():
        raise StackFileError(f"{shown}: No such file{_stacks(file)}")
    document = _document(file, shown)
    content = document.content
    if not content:
        raise StackFileError(f"{shown}: An empty file{_stacks(file)}")
    outside = sorted(str(key) for key in content if ":" in str(key))
    if outside:
        raise StackFileError(f"{shown}: {outside[0]} has to be indented under config:")
    found = content.get("config") or {}
    if not isinstance(found, dict):
        raise StackFileError(f"{shown}: config isn't a mapping of keys to values")
    _check_texts(shown, name, document)
    values: dict[str, str] = {}
    secret_keys: list[str] = []
    declared = project.get("config") or {}
    for key, entry in {**{k: _declared(v) for k, v in declared.items()}, **found}.items():
        if entry is None:
            continue
        full = str(key) if ":" in str(key) else f"{name}:{key}"
        if full in values and key in found:
            line = f"line {document.lines[str(key)]}"
            raise StackFileError(
                f"{shown}: {line}: {full} is there twice, once without its namespace"
            )
        plain, encrypted = _decrypted(entry)
        values[full] = plain if isinstance(plain, str) else json.dumps(plain)
        if encrypted:
            secret_keys.append(full)
    explicit = json.loads(values.get("pulumi:disable-default-providers", "[]"))
    lines = {key.removeprefix(f"{name}:"): line for key, line in document.lines.items()}
    environment = bool(content.get("environment"))
    packages = frozenset(explicit)
    return StackConfig(name, stack, values, secret_keys, packages, str(shown), lines, environment)


def _document(path: Path, shown: Path | str) -> Document:
    try:
        return engine_yaml.read(read_text(str(path)))
    except FileError as error:
        raise StackFileError(f"{shown}: {error}") from error


def _stacks(file: Path) -> str:
    """The other stacks of the project, and a command that makes one of them the file's start."""
    files = {each.name.split(".")[1]: each.name for each in file.parent.glob("Pulumi.*.yaml")
             if each != file}  # fmt: skip
    if not files:
        return ""
    there = f"; there are the stacks {', '.join(sorted(files))}"
    stack = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
    if not stack:
        return there
    given = stack.removeprefix("Pulumi.").removesuffix(".yaml")  # where the file is named
    near = nearest(given, files) if not file.exists() else None
    if near:
        return f"{there}. Did you mean {near}?"
    model = files.get("prod") or min(files.values())
    return with_fixes(f"{there}. To begin with the values of one:", f"cp {model} {file.name}")


def _check_texts(file: Path, project: str, document: Document) -> None:
    """Raises StackFileError for values that the program would get with another text."""
    blocks = [block for each in document.rewritten if (block := _rewritten(project, each))]
    if blocks:
        count = f"{len(blocks)} value{'s'[: len(blocks) > 1]}"
        head = f"{file}: YAML reads {count} as something else than what is written:"
        raise StackFileError("\n".join([head, *blocks]))


def _rewritten(project: str, value: Rewritten) -> str | None:
    """What to write instead of a value; None where its text is nothing to the key."""
    name, *place = value.place
    key = KEYS.get(str(name).removeprefix(f"{project}:"))
    given = f"{value.written}, which YAML reads as {value.read}"
    if key and takes_text(key, place):
        allowed, instead = "text in quotes", json.dumps(value.written)
        if key.holds_secrets:
            given, instead = "[secret], which YAML reads as another text", '"VALUE"'
    elif key and value.is_octal:
        allowed, instead = "a number without leading zeros", value.written.lstrip("0_")
    else:
        return None
    last = value.place[-1]
    fix = f"{'- ' if isinstance(last, int) else f'{last}: '}{instead}"
    return Problem(_shown(project, value.place), given, allowed, fix).text(f"line {value.line}")


def _shown(project: str, place: tuple[str | int, ...]) -> str:
    first, *rest = place
    return config_path(str(first).removeprefix(f"{project}:"), rest)


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
