"""Backstage's configuration file, mounted into the portal's pods."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from settings.files import FileError, children, parse_yaml, read_text
from settings.overrides import Path, merged

CONFIG_MAP_BYTES = 1_000_000  # the API server takes objects of up to 1 MiB
KNEX_POOL_SIZE = 10  # knex's default upper limit

# ${NAME}, ${NAME:-default}; $${NAME} is literal.
# Source: @backstage/config-loader, substitution transform.
_SUBSTITUTION = re.compile(r"(\$?)\$\{([^{}]*)\}")


@dataclass(frozen=True)
class AppConfig:
    """A Backstage configuration: a YAML mapping of at most 1 MB.

    path: as given in `appConfigPath`.
    """

    path: str
    text: str
    document: Mapping[str, Any]

    @classmethod
    def load(cls, path: str) -> AppConfig:
        """Reads a file of the project. Raises FileError."""
        return cls.parse(read_text(path), path)

    @classmethod
    def parse(cls, text: str, path: str = "app-config.yaml") -> AppConfig:
        """Raises FileError with the line of what is wrong."""
        if len(text.encode()) > CONFIG_MAP_BYTES:
            raise FileError("larger than a ConfigMap holds, 1 MB")
        return cls(path, text, parse_yaml(text))

    def overridden(self, variables: Mapping[str, str]) -> AppConfig:
        """The configuration that Backstage has with the pod's `APP_CONFIG_` variables."""
        return dataclasses.replace(self, document=merged(self.document, variables))

    @cached_property
    def variables(self) -> frozenset[str]:
        """Environment variables that it needs: every `${NAME}` without a default."""
        return frozenset(
            name.strip()
            for _, text in _strings(self.document)
            for name, default in _substitutions(text)
            if default is None
        )

    def values(self, pattern: Path) -> Iterator[tuple[Path, Any]]:
        """Every path that matches `pattern`, in which `*` is any name or index, and its value."""
        found: list[tuple[Path, Any]] = [((), self.document)]
        for part in pattern:
            found = [
                ((*path, name), value)
                for path, node in found
                for name, value in children(node)
                if part in ("*", name)
            ]
        yield from found

    def value(self, *path: str) -> Any:
        """The value at a path; None when there is none."""
        return next((value for _, value in self.values(path)), None)

    def seconds(self, *path: str) -> float | None:
        """A duration such as `{minutes: 2}` or `125s`; None when there is none to read."""
        value = self.value(*path)
        units = {"minutes": 60, "seconds": 1, "milliseconds": 0.001}
        if isinstance(value, dict) and set(value) <= set(units):
            numbers = [n for n in value.values() if isinstance(n, (int, float))]
            if numbers and len(numbers) == len(value):
                return sum(units[unit] * number for unit, number in value.items())
        match = re.fullmatch(r"([0-9.]+)\s*(ms|s|m)", value) if isinstance(value, str) else None
        return float(match[1]) * {"ms": 0.001, "s": 1, "m": 60}[match[2]] if match else None

    @property
    def pool_size(self) -> int:
        """Connections to the database that a plugin of one pod keeps at most."""
        pool = ("knexConfig", "pool", "max")
        shared = self.value("backend", "database", *pool)
        own = [size for _, size in self.values(("backend", "database", "plugin", "*", *pool))]
        sizes = [size for size in own if isinstance(size, int)]
        return max(shared if isinstance(shared, int) and shared > 0 else KNEX_POOL_SIZE, *sizes, 1)

    @property
    def sign_in(self) -> Mapping[str, frozenset[str]]:
        """By sign-in provider, the variables without which it signs nobody in."""
        return {
            path[-1]: frozenset(
                name.strip()
                for _, text in _strings(provider)
                for name, default in _substitutions(text)
                if default
            )
            for path, provider in self.values(("auth", "providers", "*"))
            if provider is not None
        }


def _strings(node: object) -> Iterator[tuple[str, str]]:
    for name, value in children(node):
        if isinstance(value, str):
            yield name, value
        else:
            yield from _strings(value)


def _substitutions(text: str) -> Iterator[tuple[str, str | None]]:
    for escape, expression in _SUBSTITUTION.findall(text):
        name, separator, default = expression.partition(":-")
        if not escape:
            yield name, default if separator else None
