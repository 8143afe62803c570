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


def unsafe(config: AppConfig) -> Iterator[tuple[Guard, str]]:
    """Every guard that the configuration violates, with `path why`."""
    for guard in GUARDS:
        for path, value in config.values(guard.path):
            entry = path[: len(guard.root) + 1]
            if guard.unless and config.value(*entry, guard.unless):
                continue
            if guard.refuses(value):
                yield guard, f"{'.'.join(path)} {guard.why}"
