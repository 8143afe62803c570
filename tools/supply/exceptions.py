"""Vulnerabilities that somebody accepts for a while, from exceptions.yaml."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from tools.supply.errors import SupplyError

FILE = Path(__file__).resolve().parent / "exceptions.yaml"
SBOMS = ("program", "portal", "image")


@dataclass(frozen=True)
class Accepted:
    """One vulnerability of one package in one SBOM."""

    id: str
    """The advisory's id or one of its aliases, such as `CVE-2026-12345`"""
    sbom: str
    """`program`, `portal` or `image`"""
    package: str
    reason: str
    owner: str
    expires: datetime.date
    """The last day on which it holds"""

    def __str__(self) -> str:
        return f"{self.id} of {self.package} in {self.sbom}"


_FIELDS = tuple(each.name for each in fields(Accepted))


def load(file: Path = FILE) -> list[Accepted]:
    """The entries of a file. Raises SupplyError for one that can't be used."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise SupplyError(f"{file.name} can't be read: {error}") from error
    if not isinstance(content, dict) or set(content) != {"exceptions"}:
        raise SupplyError(f"{file.name} has to hold `exceptions`, and no more")
    entries = content["exceptions"]
    if not isinstance(entries, list):
        raise SupplyError(f"{file.name}: exceptions has to be a list")
    return [_entry(each, f"{file.name}: entry {n}") for n, each in enumerate(entries, 1)]


def _entry(given: Any, where: str) -> Accepted:
    if not isinstance(given, dict):
        raise SupplyError(f"{where} has to be an object with {', '.join(_FIELDS)}")
    if missing := [name for name in _FIELDS if given.get(name) in (None, "")]:
        raise SupplyError(f"{where} lacks {', '.join(missing)}")
    if unknown := sorted(str(key) for key in given if key not in _FIELDS):
        raise SupplyError(f"{where} has {', '.join(unknown)}; it may have {', '.join(_FIELDS)}")
    if given["sbom"] not in SBOMS:
        raise SupplyError(f"{where}: sbom is {given['sbom']!r}; it may be {', '.join(SBOMS)}")
    if type(given["expires"]) is not datetime.date:
        raise SupplyError(
            f"{where}: expires is {given['expires']!r}; write a date, such as 2027-05-26"
        )
    texts = {name: str(given[name]) for name in _FIELDS if name != "expires"}
    return Accepted(**texts, expires=given["expires"])
