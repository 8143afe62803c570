"""Levels of enforcement in a file of Pulumi's form, as `--policy-pack-config` takes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from policy.rule import Level
from policy.rules import RULES

LEVELS = get_args(Level)


class LevelError(Exception):
    """A file that sets no levels; the text says why."""


def load(file: Path) -> dict[str, Level]:
    """Levels by name of a rule. `all` sets those that the file doesn't name. Raises LevelError."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LevelError(f"{file}: can't be read: {error}") from error
    if not isinstance(content, dict):
        raise LevelError(f'{file}: has to be an object, such as {{"rds-port": "mandatory"}}')
    found: dict[str, Level] = {}
    for name, entry in sorted(content.items(), key=lambda item: item[0] != "all"):
        level: Any = entry.get("enforcementLevel") if isinstance(entry, dict) else entry
        if name != "all" and name not in RULES:
            raise LevelError(f"{file}: there is no rule {name!r}; see docs/policy.md")
        if level not in LEVELS:
            raise LevelError(f"{file}: {name} is {level!r}; allowed: {', '.join(LEVELS)}")
        found |= dict.fromkeys(RULES if name == "all" else (name,), level)
    return found
