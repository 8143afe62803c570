"""Violations that somebody accepts for a while, from suppressions.yaml."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from policy.entries import EntryError, entries, read
from policy.evaluate import Violation
from policy.rules import RULES

FILE = Path(__file__).resolve().parent / "suppressions.yaml"


class SuppressionError(EntryError):
    """Suppressions that can't be used; a line for each says which, why, and what to do."""


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
        content = read(file, shown, "project", "suppressions")
        given, choices = content["suppressions"], {"rule": (RULES, "one in docs/policy.md")}
        found = entries(Suppression, given, shown, "suppressions", choices)
    except EntryError as error:
        raise SuppressionError(str(error)) from error
    return Suppressions(shown, str(content["project"]), found)
