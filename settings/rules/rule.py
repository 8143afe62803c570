"""How a rule between keys is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from settings.keys import KEYS, TargetName
from settings.model import Settings
from settings.problem import Problem, Warn

Check = Callable[[Settings], Iterator[Problem | Warn]]


@dataclass(frozen=True)
class Rule:
    """A check of keys that are valid each for itself.

    keys: those that it looks at; it is skipped when one of them is invalid. target: the only
    target that it holds for; None: all. check: yields the problems it finds.
    """

    keys: frozenset[str]
    target: TargetName | None
    check: Check


RULES: list[Rule] = []


def rule(*keys: str, target: TargetName | None = None) -> Callable[[Check], Check]:
    """Registers a rule. Raises LookupError for a key that isn't declared."""
    undeclared = sorted(set(keys) - set(KEYS))
    if undeclared:
        raise LookupError(f"a rule looks at undeclared keys: {', '.join(undeclared)}")

    def register(check: Check) -> Check:
        # A rule of one target means nothing once the target itself is invalid.
        looked_at = {*keys, "target"} if target else {*keys}
        RULES.append(Rule(frozenset(looked_at), target, check))
        return check

    return register
