"""Lists in YAML of what somebody accepts until a day, with the reason and the owner."""

from __future__ import annotations

import datetime
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from policy.node import LOADER

Entry = TypeVar("Entry")


class _Loader(LOADER):  # type: ignore[misc, valid-type]
    """Dates are text, so that one that the calendar lacks is reported with its entry."""

    yaml_implicit_resolvers = {  # noqa: RUF012, as in the base class
        first: [each for each in resolvers if not each[0].endswith(":timestamp")]
        for first, resolvers in LOADER.yaml_implicit_resolvers.items()
    }


class EntryError(Exception):
    """An entry that can't be used; the text says which, why, and what to do."""


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


def entries(kind: type[Entry], given: Any, shown: str, name: str) -> list[Entry]:
    """The list below a key, as a dataclass of texts and the date `expires`, all required.

    name: the key. Raises EntryError.
    """
    if given is None:
        return []
    if not isinstance(given, list):
        raise EntryError(f"{shown}: {name} has to be a list")
    return [_entry(kind, each, f"{shown}: entry {n}") for n, each in enumerate(given, 1)]


def _entry(kind: type[Entry], given: Any, where: str) -> Entry:
    names = tuple(each.name for each in fields(kind))  # type: ignore[arg-type]
    if not isinstance(given, dict):
        raise EntryError(f"{where} has to be an object with {', '.join(names)}")
    if missing := [name for name in names if given.get(name) in (None, "")]:
        raise EntryError(f"{where} lacks {', '.join(missing)}")
    if unknown := sorted(str(key) for key in given if key not in names):
        raise EntryError(f"{where} has {', '.join(unknown)}; it may have {', '.join(names)}")
    try:
        expires = datetime.date.fromisoformat(str(given["expires"]))
    except ValueError:
        said = f"{where}: expires is {given['expires']!r}; write a date, such as 2027-05-26"
        raise EntryError(said) from None
    values: dict[str, Any] = {name: str(given[name]) for name in names} | {"expires": expires}
    return kind(**values)
