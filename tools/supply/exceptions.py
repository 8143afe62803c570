"""Vulnerabilities that somebody accepts for a while, from exceptions.yaml."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from policy.entries import EntryError, entries, read
from tools.supply.errors import SupplyError

FILE = Path(__file__).resolve().parent / "exceptions.yaml"
SBOMS = ("program", "policy", "portal", "image")


@dataclass(frozen=True)
class Accepted:
    """One vulnerability of one package in one SBOM."""

    id: str
    """The advisory's id or one of its aliases, such as `CVE-2026-12345`"""
    sbom: str
    """One of `SBOMS`"""
    package: str
    reason: str
    owner: str
    expires: datetime.date
    """The last day on which it holds"""

    def __str__(self) -> str:
        return f"{self.id} of {self.package} in {self.sbom}"


def load(file: Path = FILE) -> list[Accepted]:
    """The entries of a file. Raises SupplyError for one that can't be used."""
    try:
        content = read(file, file.name, "exceptions")
        choices = {"sbom": (SBOMS, ", ".join(SBOMS))}
        return entries(Accepted, content["exceptions"], file.name, "exceptions", choices)
    except EntryError as error:
        raise SupplyError(str(error)) from error
