"""Levels of enforcement in a file of Pulumi's form, as `--policy-pack-config` takes it."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from policy.rule import Level
from policy.rules import RULES

LEVELS = get_args(Level)


class LevelError(Exception):
    """A file that sets no levels; a line for each reason."""


def load(file: Path) -> dict[str, Level]:
    """Levels by name of a rule. `all` sets those that the file doesn't name. Raises LevelError."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise LevelError(f"{file}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise LevelError(f"{file}: line {error.lineno}: no JSON: {error.msg}") from error
    except ValueError as error:
        raise LevelError(f"{file}: not UTF-8 text") from error
    if not isinstance(content, dict):
        raise LevelError(f'{file}: has to be an object, such as {{"rds-port": "mandatory"}}')
    found: dict[str, Level] = {}
    faults: list[str] = []
    for name, entry in sorted(content.items(), key=lambda item: item[0] != "all"):
        level: Any = entry.get("enforcementLevel") if isinstance(entry, dict) else entry
        if name != "all" and name not in RULES:
            near = "".join(get_close_matches(name, RULES, 1, 0.8))
            meant = f"; did you mean {near}?" if near else "; see docs/policy.md"
            faults.append(f"{file}: there is no rule {name!r}{meant}")
        if level not in LEVELS:
            faults.append(f"{file}: {name} is {level!r}; allowed: {', '.join(LEVELS)}")
        found |= dict.fromkeys(RULES if name == "all" else (name,), level)
    if faults:
        raise LevelError("\n".join(faults))
    return found
