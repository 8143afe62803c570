"""Violations that somebody accepts for a while, from suppressions.yaml."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from policy.evaluate import Violation
from policy.rules import RULES

FILE = Path(__file__).resolve().parent / "suppressions.yaml"


class SuppressionError(Exception):
    """A suppression that can't be used; the text says which, why, and what to do."""


@dataclass(frozen=True)
class Suppression:
    rule: str
    resource: str
    """A URN or a logical name, in which `*` stands for any text"""
    stack: str
    reason: str
    owner: str
    expires: datetime.date
    """The last day on which it holds"""

    def covers(self, violation: Violation) -> bool:
        """Whether it accepts a violation, whatever the day."""
        resource = violation.resource
        named = any(fnmatchcase(each, self.resource) for each in (resource.name, resource.urn))
        return self.rule == violation.rule.name and self.stack == resource.stack and named

    def __str__(self) -> str:
        return f"{self.rule} on {self.resource} in {self.stack}"


_FIELDS = tuple(each.name for each in fields(Suppression))


@dataclass
class Suppressed:
    """Violations after the suppressions of a stack are applied."""

    left: list[Violation] = field(default_factory=list)
    accepted: list[tuple[Violation, Suppression]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Suppressions of the stack that have expired or match nothing"""


@dataclass(frozen=True)
class Suppressions:
    """The suppressions of one project. path: as messages name the file."""

    path: str
    project: str
    entries: Sequence[Suppression]

    def of(self, project: str, stack: str) -> list[Suppression]:
        """Those that concern a stack."""
        if project != self.project:
            return []
        return [entry for entry in self.entries if entry.stack == stack]

    def applied(
        self, violations: Iterable[Violation], project: str, stack: str, today: datetime.date
    ) -> Suppressed:
        """Sorts out what is accepted."""
        result = Suppressed()
        used = set()
        for violation in violations:
            for entry in self.of(project, stack):
                if entry.covers(violation):
                    result.accepted.append((violation, entry))
                    used.add(entry)
                    break
            else:
                result.left.append(violation)
        for entry in self.of(project, stack):
            if entry.expires < today:
                result.problems.append(
                    f"{self.path}: {entry} expired on {entry.expires}: fix the violation, or have "
                    f"{entry.owner} decide anew and move `expires`"
                )
            elif entry not in used:
                result.problems.append(
                    f"{self.path}: {entry} matches no violation: remove the entry"
                )
        return result


def load(file: Path = FILE, shown: str = "policy/suppressions.yaml") -> Suppressions:
    """Reads the file; without one nothing is suppressed. Raises SuppressionError."""
    if not file.exists():
        return Suppressions(shown, "", [])
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise SuppressionError(f"{shown}: can't be read: {error}") from error
    if not isinstance(content, dict) or set(content) != {"project", "suppressions"}:
        raise SuppressionError(f"{shown}: has to hold `project` and `suppressions`, and no more")
    entries = content["suppressions"] or []
    if not isinstance(entries, list):
        raise SuppressionError(f"{shown}: suppressions has to be a list")
    read = [_entry(each, f"{shown}: entry {n}") for n, each in enumerate(entries, 1)]
    return Suppressions(shown, str(content["project"]), read)


def _entry(given: Any, where: str) -> Suppression:
    if not isinstance(given, dict):
        raise SuppressionError(f"{where} has to be an object with {', '.join(_FIELDS)}")
    if missing := [name for name in _FIELDS if given.get(name) in (None, "")]:
        raise SuppressionError(f"{where} lacks {', '.join(missing)}")
    if unknown := sorted(str(key) for key in given if key not in _FIELDS):
        raise SuppressionError(
            f"{where} has {', '.join(unknown)}; it may have {', '.join(_FIELDS)}"
        )
    if given["rule"] not in RULES:
        raise SuppressionError(f"{where}: there is no rule {given['rule']!r}; see docs/policy.md")
    expires = given["expires"]
    if type(expires) is not datetime.date:
        raise SuppressionError(f"{where}: expires is {expires!r}; write a date, such as 2027-05-26")
    texts = {name: str(given[name]) for name in _FIELDS if name != "expires"}
    return Suppression(**texts, expires=expires)
