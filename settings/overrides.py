"""Backstage's `APP_CONFIG_a_b` variables, read as Backstage reads them.

Source: @backstage/config-loader, EnvConfigSource and mergeConfigs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

PREFIX = "APP_CONFIG_"
Path = tuple[str, ...]
_PART = re.compile(r"[a-z][a-z0-9]*([-:][a-z0-9]+)*", re.IGNORECASE | re.ASCII)


def path_of(name: str) -> Path:
    """The configuration path that a variable sets; empty when it is no override."""
    return tuple(name.removeprefix(PREFIX).split("_")) if name.startswith(PREFIX) else ()


def overlap(one: Path, other: Path) -> bool:
    """Whether one path is the other or lies above it; `*` is any name."""
    return all("*" in pair or pair[0] == pair[1] for pair in zip(one, other, strict=False))


def overriding(names: Iterable[str], path: Path) -> list[str]:
    """The variables that set a path, or something above or below it, sorted."""
    return sorted(each for each in names if path_of(each) and overlap(path_of(each), path))


def fault(name: str, text: str | None) -> str | None:
    """Why Backstage doesn't start with the variable; None when it does, or doesn't see it.

    text: None when the value is a secret.
    """
    for part in path_of(name):
        if text != "" and not _PART.fullmatch(part):
            return f"{part!r} is no name that Backstage accepts: a letter, then letters and digits"
    if path_of(name) and text is not None and parsed(text) is None:
        return "null, which Backstage refuses"
    return None


def parsed(text: str) -> Any:
    """A value as Backstage reads it: JSON, or else the text itself."""
    try:
        return json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return text


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} isn't JSON")


def overridden(document: Any, variables: Mapping[str, str]) -> Any:
    """The configuration with its overrides; `variables` have no `fault` and don't overlap."""
    result = document
    for name, text in variables.items():
        path = path_of(name)
        if path and text:
            value = parsed(text)
            for part in reversed(path):
                value = {part: value}
            result = merged(result, value)
    return result


def merged(below: Any, above: Any) -> Any:
    """Two configurations as one: objects are merged, null removes what it covers.

    Source: @backstage/config, ConfigReader.
    """
    if not isinstance(above, dict):
        return above
    lower = below if isinstance(below, dict) else {}
    both = {**lower, **{name: merged(lower.get(name), value) for name, value in above.items()}}
    return {name: value for name, value in both.items() if value is not None}
