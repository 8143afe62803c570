"""What a reviewer has to see first, and what else deserves a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

from tools.diff.comparison.change import Change

Kind = Literal["database", "exposure", "data", "traffic"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The most important first."""


@dataclass(frozen=True)
class Risk:
    """What a change can lose, or open: data, a protection, users' requests."""

    headline: str
    details: list[str]
    """Why, what follows, and what protects or doesn't."""
    kind: Kind

    @property
    def severe(self) -> bool:
        """Whether it deserves capitals: a database, or who may reach the portal."""
        return self.kind in ("database", "exposure")

    @property
    def of_data(self) -> bool:
        """Whether data can be lost."""
        return self.kind in ("database", "data")


@dataclass(frozen=True)
class Note:
    """A sentence below the counts, behind its label."""

    label: str
    text: str


def why(change: Change) -> Iterator[str]:
    """What replaces a resource, with the values before and after."""
    if change.provider:
        yield f"Why: {change.provider} changes, its provider's."
    for difference in change.differences:
        if difference.replaces:
            line = replace(difference, replaces=False).lines()[0]
            yield f"Why: {line.removesuffix(':')}."  # of several lines the name
