"""Lists in YAML of what somebody accepts until a day, with the reason and the owner."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml

from policy.node import LOADER

Entry = TypeVar("Entry")
Choices = Mapping[str, tuple[Iterable[str], str]]


class _Loader(LOADER):  # type: ignore[misc, valid-type]
    """Dates are text, so that one that the calendar lacks is reported with its entry."""

    yaml_implicit_resolvers = {  # noqa: RUF012, as in the base class
        first: [each for each in resolvers if not each[0].endswith(":timestamp")]
        for first, resolvers in LOADER.yaml_implicit_resolvers.items()
    }


class EntryError(Exception):
    """Entries that can't be used; a line for each says which, why, and what to do."""


def read(file: Path, shown: str, *keys: str) -> dict[str, Any]:
    """The content of a file that has to hold these keys. shown: its name in messages.

    Raises EntryError.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise EntryError(f"{shown}: can't be read: {error}") from error
    if not isinstance(content, dict) or set(content) != set(keys):
        wanted = " and ".join(f"`{key}`" for key in keys)
        raise EntryError(f"{shown}: has to hold {wanted}, and no more")
    return content


def entries(kind: type[Entry], given: Any, shown: str, name: str, choices: Choices) -> list[Entry]:
    """The list below a key, as a dataclass of texts and the date `expires`, all required.

    name: the key. choices: what some of the texts may be, also in words. Raises EntryError with
    every fault.
    """
    if given is None:
        return []
    if not isinstance(given, list):
        raise EntryError(f"{shown}: {name} has to be a list")
    faults = [
        f"{shown}: entry {number}{fault}"
        for number, each in enumerate(given, 1)
        for fault in _faults(kind, each, choices)
    ]
    if faults:
        raise EntryError("\n".join(faults))
    return [_entry(kind, each) for each in given]


def _names(kind: type[Entry]) -> list[str]:
    return [each.name for each in fields(kind)]  # type: ignore[arg-type]


def _faults(kind: type[Entry], given: Any, choices: Choices) -> Iterator[str]:
    names = _names(kind)
    if not isinstance(given, dict):
        yield f" has to be an object with {', '.join(names)}"
        return
    if missing := [name for name in names if given.get(name) in (None, "")]:
        yield f" lacks {', '.join(missing)}"
    if unknown := sorted(str(key) for key in given if key not in names):
        yield f" has {', '.join(unknown)}; it may have {', '.join(names)}"
    if "expires" not in missing and _date(given["expires"]) is None:
        yield f": expires is {given['expires']!r}; write a date, such as 2027-05-26"
    for name, (allowed, words) in choices.items():
        if name not in missing and (text := str(given[name])) not in allowed:
            near = get_close_matches(text, allowed, 1)
            meant = f"did you mean {near[0]}?" if near else f"it may be {words}"
            yield f": {name} is {text!r}; {meant}"


def _date(given: Any) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(str(given))
    except ValueError:
        return None


def _entry(kind: type[Entry], given: Mapping[str, Any]) -> Entry:
    texts: dict[str, Any] = {name: str(given[name]) for name in _names(kind)}
    return kind(**texts | {"expires": _date(given["expires"])})
