"""What must not reach production in Backstage's configuration, from assets/guards.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from settings.app_config import AppConfig
from settings.files import parse_yaml, read_text
from settings.overrides import Path

GUEST = ("auth", "providers", "guest")


@dataclass(frozen=True)
class Guard:
    """A path whose value decides who may do what; its fields are those of the file."""

    path: Path
    why: str
    instead: str
    values: tuple[Any, ...] = ()
    pattern: str | None = None
    unless: str | None = None

    @property
    def root(self) -> Path:
        """The path before its first `*`."""
        return tuple(takewhile(lambda part: part != "*", self.path))

    def refuses(self, value: Any) -> bool:
        """Whether a value is unsafe; text such as "true" counts as what it says."""
        if self.pattern is not None and value is not None:
            return bool(re.search(self.pattern, value if isinstance(value, str) else ""))
        return str(value).lower() in (str(each).lower() for each in self.values)


GUARDS = tuple(
    Guard(**{**each, "path": tuple(each["path"].split("."))})
    for each in parse_yaml(read_text("assets/guards.yaml"))["guards"]
)


@dataclass(frozen=True)
class Unsafe:
    """A value that a guard refuses. in_list: whether it is an entry of a list."""

    guard: Guard
    path: Path
    value: Any
    in_list: bool

    def __str__(self) -> str:
        return f"{'.'.join(self.path)} {self.guard.why}"

    def fix(self, file: str) -> str:
        """What to do in the file that has it."""
        if self.in_list:
            return f"remove {self.value} from {'.'.join(self.path[:-1])} in {file}"
        place, in_words = ".".join(self.path), " " in self.guard.instead
        if in_words:
            return f"change {place} in {file}"
        return f"set {place} to {self.guard.instead} in {file}"


def unsafe(config: AppConfig) -> Iterator[Unsafe]:
    """Every value that violates a guard."""
    for guard in GUARDS:
        for path, value in config.values(guard.path):
            entry = path[: len(guard.root) + 1]
            if guard.unless and config.value(*entry, guard.unless):
                continue
            if guard.refuses(value):
                in_list = isinstance(config.value(*path[:-1]), list)
                yield Unsafe(guard, path, value, in_list)
