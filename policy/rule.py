"""What a rule is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from policy.node import Node, UnknownError
from policy.plan import Plan, Resource

T = TypeVar("T")
Level = Literal["mandatory", "advisory", "disabled"]
Severity = Literal["low", "medium", "high", "critical"]
Check = Callable[[Resource, Plan], Iterator[str]]


@dataclass(frozen=True)
class Rule:
    """A rule about resources of some types.

    `check` yields a message for each violation, and raises UnknownError where it can't tell.
    """

    name: str
    on: tuple[str, ...]
    """Type tokens"""
    controls: tuple[str, ...]
    """Ids of Security Hub, of CIS benchmarks, of Pod Security; none for a promise of our own"""
    severity: Severity
    what: str
    """What holds when it is met"""
    fix: str
    check: Check
    level: Level = "mandatory"
    whole: bool = False
    """Whether it looks at other resources too; the engine then runs it after all are registered"""


RULES: dict[str, Rule] = {}
"""Every rule by name; `policy.rules` fills it."""


def rule(
    name: str,
    *on: str,
    what: str,
    fix: str,
    controls: tuple[str, ...] = (),
    severity: Severity = "medium",
    level: Level = "mandatory",
    whole: bool = False,
) -> Callable[[Check], Check]:
    """Registers the decorated check as a rule."""

    def register(check: Check) -> Check:
        if name in RULES:
            raise ValueError(f"two rules are named {name}")
        RULES[name] = Rule(name, on, controls, severity, what, fix, check, level, whole)
        return check

    return register


def require(name: str, *on: str, at: str, met: Callable[[Node], bool], says: str, what: str,
            fix: str, controls: tuple[str, ...] = (), severity: Severity = "medium",
            level: Level = "mandatory") -> None:  # fmt: skip
    """Registers a rule about one property, `at` a path with dots. says: `{}` is its value."""

    @rule(name, *on, what=what, fix=fix, controls=controls, severity=severity, level=level)
    def check(resource: Resource, _: Plan) -> Iterator[str]:
        node = resource.inputs.at(*at.split("."))
        if not met(node):
            shown = "unset" if node.raw is None else json.dumps(node.value).strip('"')
            yield says.format(shown)


def each(things: Iterable[T], check: Callable[[T], str | Iterable[str] | None]) -> Iterator[str]:
    """What a check says of each thing; an unknown one doesn't hide the next one's violation."""
    unknown: UnknownError | None = None
    for thing in things:
        try:
            said = check(thing) or ()
            yield from [said] if isinstance(said, str) else said
        except UnknownError as error:
            unknown = unknown or error
    if unknown:
        raise unknown


def together(*parts: Iterable[str]) -> Iterator[str]:
    """What several checks say; an unknown of one doesn't hide the next one's violations."""
    yield from each(parts, lambda part: part)


def holding(things: Iterable[T], test: Callable[[T], bool]) -> Iterator[T]:
    """Those that a test holds for. Raises UnknownError last, if it met something unknown."""
    unknown: UnknownError | None = None
    for thing in things:
        try:
            holds = test(thing)
        except UnknownError as error:
            unknown = unknown or error
            continue
        if holds:
            yield thing
    if unknown:
        raise unknown


def some(things: Iterable[T], test: Callable[[T], bool]) -> bool:
    """Whether a test holds for any of them, however much of the others is unknown."""
    return next(holding(things, test), None) is not None
