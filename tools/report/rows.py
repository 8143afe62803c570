"""The settings of a stack, each with its value and where the value comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from settings.keys import GROUPS, KEYS, Key
from settings.load import load
from settings.model import Settings
from tools.preview.recording import SECRET
from tools.preview.run import run_program
from tools.preview.stack_file import StackConfig
from tools.schema.key_row import key_row

Origin = Literal["stack file", "derived", "default"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)


@dataclass(frozen=True)
class Row:
    """One setting; `value` is empty where it is unset."""

    name: str
    value: str
    origin: Origin
    meaning: str


def setting_rows(config: StackConfig) -> list[Row]:
    """What the stack file sets, what the program derives, then every other key that it knows."""
    found: list[Settings] = []
    run_program(lambda: found.append(load()), config)
    (settings,) = found
    rows = [*_keys(settings, config), *_derived(settings)]
    return sorted(rows, key=lambda row: ORIGINS.index(row.origin))


def _keys(settings: Settings, config: StackConfig) -> Iterator[Row]:
    target, database = settings.target, settings.database_kind
    for key in KEYS.values():
        if key.known_to is None or key.known_to.knows(target, database):
            yield _row(key, config)


def _row(key: Key, config: StackConfig) -> Row:
    default, meaning = (each.replace("`", "") for each in key_row(key, policy="policy"))
    given = config.values.get(key.full(config.project))
    if given is None:
        return Row(key.name, default, "default", meaning)
    return Row(key.name, _masked(given) if key.holds_secrets else given, "stack file", meaning)


def _masked(text: str) -> str:
    """A map of secrets: its names, and nothing of its values."""
    try:
        entries = json.loads(text)
    except json.JSONDecodeError:
        return SECRET
    return json.dumps(dict.fromkeys(entries, SECRET)) if isinstance(entries, dict) else SECRET


def _derived(settings: Settings) -> Iterator[Row]:
    """The properties of the settings and of their groups that are numbers, texts, or yes or no."""
    seen = set()
    for model in (settings, *(getattr(settings, group) for group in GROUPS)):
        for name, declared in _properties(type(model)):
            value = getattr(model, name)
            doc = " ".join((declared.__doc__ or "").split())
            # A docstring that begins with a key is about the same value in another unit.
            again = name in seen or doc.startswith("`")
            if isinstance(value, (bool, int, str)) and not again:
                seen.add(name)
                text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
                meaning = doc.partition(". ")[0].replace("`", "")
                yield Row(name.replace("_", " "), text, "derived", meaning)


def _properties(model: type[Any]) -> Iterator[tuple[str, property]]:
    """Those that the program declares, the inherited ones left out."""
    for name, declared in vars(model).items():
        if isinstance(declared, property) and not name.startswith("_"):
            yield name, declared
