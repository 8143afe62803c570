"""Backstage's configuration files, mounted into the portal's pods."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import yaml

from settings.files import FileError, children, mapped, parse_yaml, read_text
from settings.overrides import Path, merged, overridden

SHIPPED = "assets/app-config.production.yaml"
CONFIG_MAP_BYTES = 1_000_000  # the API server takes objects of up to 1 MiB
KNEX_POOL_SIZE = 10  # knex's default upper limit

# ${NAME}, ${NAME:-default}; $${NAME} is literal.
# Source: @backstage/config-loader, substitution transform.
_SUBSTITUTION = re.compile(r"(\$?)\$\{([^{}]*)\}")

# Durations as @backstage/config reads them: an object, ms, or ISO 8601. policy/backstage.py has the
# same: the pack's environment lacks what `settings` imports. A year has 365 days, a month 30.
_UNITS = {"years": 31536000, "months": 2592000, "weeks": 604800, "days": 86400, "hours": 3600,
          "minutes": 60, "seconds": 1, "milliseconds": 0.001}  # fmt: skip
_SHORT = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
# As the npm package ms reads a text; each group is a name in _SHORT.
_MS = re.compile(
    r"(?P<n>\d*\.?\d+) *(?:(?P<ms>ms|msecs?|milliseconds?)|(?P<s>s|secs?|seconds?)"
    r"|(?P<m>m|mins?|minutes?)|(?P<h>h|hrs?|hours?)|(?P<d>d|days?)|(?P<w>w|weeks?))",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = r"(-?\d{1,20}(?:\.\d{1,20})?)"
_ISO_8601 = re.compile(
    rf"P(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:(-?\d{{1,20}})(?:[.,](\d{{1,20}}))?S)?)?",
    re.ASCII,
)


@dataclass(frozen=True)
class AppConfig:
    """A Backstage configuration: a YAML mapping of at most 1 MB.

    path: as given in `appConfigPaths`.
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

    @classmethod
    def generated(cls, document: Mapping[str, Any]) -> AppConfig:
        """What the program itself configures."""
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
        return cls("the generated configuration", text, document)

    @classmethod
    def of(cls, layers: Iterable[AppConfig], variables: Mapping[str, str]) -> AppConfig:
        """What Backstage makes of files, each of which overrides the one before, and of the pod's
        `APP_CONFIG_` variables.
        """
        document: Any = {}
        for layer in layers:
            document = merged(document, layer.document)
        return cls("the configuration", "", overridden(document, variables))

    def substituted(self, variables: Mapping[str, str]) -> AppConfig:
        """The configuration with every `${NAME}` that `variables` or a default give a value."""
        return dataclasses.replace(self, document=_substituted(self.document, variables))

    def __str__(self) -> str:
        return self.path

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

    def leaves(self) -> Iterator[tuple[Path, Any]]:
        """Every value that is neither a mapping nor a list, by its path."""
        found: list[tuple[Path, Any]] = [((), self.document)]
        for path, node in found:  # which grows as it goes
            found += [((*path, name), value) for name, value in children(node)]
            if not isinstance(node, (dict, list)):
                yield path, node

    def value(self, *path: str) -> Any:
        """The value at a path; None when there is none."""
        return next((value for _, value in self.values(path)), None)

    def seconds(self, *path: str) -> float | None:
        """A duration such as `{minutes: 2}`, `2 minutes` or `PT2M`; None when none can be read."""
        value = self.value(*path)
        if isinstance(value, dict) and set(value) <= set(_UNITS):
            numbers = [n for n in value.values() if isinstance(n, (int, float))]
            if numbers and len(numbers) == len(value):
                return sum(_UNITS[unit] * number for unit, number in value.items())
        text = value.strip() if isinstance(value, str) else ""
        if match := _MS.fullmatch(text):
            return float(match["n"]) * _SHORT[match.lastgroup or ""]
        return _iso_8601(text)

    @property
    def pool_size(self) -> int:
        """Connections to the database that a plugin of one pod keeps at most."""
        pool = ("knexConfig", "pool", "max")
        shared = self.value("backend", "database", *pool)
        own = [size for _, size in self.values(("backend", "database", "plugin", "*", *pool))]
        sizes = [size for size in own if isinstance(size, int)]
        return max(shared if isinstance(shared, int) and shared > 0 else KNEX_POOL_SIZE, *sizes, 1)


def _iso_8601(text: str) -> float | None:
    """Seconds of a duration such as `P1DT2.5H`; of a fraction of a second, whole milliseconds."""
    match = _ISO_8601.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    *numbers, fraction = match.groups()
    found = sum(float(n or 0) * unit for n, unit in zip(numbers, _UNITS.values(), strict=False))
    milliseconds = math.floor(float(f"0.{fraction or 0}") * 1000)
    negative = numbers[-1] is not None and numbers[-1].startswith("-")
    return found + (-milliseconds if negative else milliseconds) / 1000


@cache
def shipped() -> AppConfig:
    """The file that every configuration begins with."""
    return AppConfig.load(SHIPPED)


def _substituted(node: Any, variables: Mapping[str, str]) -> Any:
    def value(match: re.Match[str]) -> str:
        name, separator, default = match[2].partition(":-")
        known = variables.get(name.strip()) or (default if separator else None)
        return match[0] if match[1] or known is None else known

    return mapped(
        node, lambda leaf: _SUBSTITUTION.sub(value, leaf) if isinstance(leaf, str) else leaf
    )


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
