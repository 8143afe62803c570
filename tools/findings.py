"""What a check found, and how a list of findings is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from settings.problem import labelled

OK, MISSING, UNCHECKED = "ok", "missing", "not checked"
State = Literal["ok", "missing", "not checked"]
_STATE_WIDTH = len(UNCHECKED)
_NAME_WIDTH = 24


@dataclass(frozen=True)
class Finding:
    """text: what was found, or why nothing could be. fix: the command that closes a gap, or lets
    the check run; a line for each where there are several ways.
    """

    state: State
    text: str
    fix: str = ""


def ok(text: str) -> Finding:
    """What is needed is there."""
    return Finding("ok", text)


def missing(text: str, *ways: str) -> Finding:
    """A gap. ways: commands, or steps, each of which closes it."""
    return Finding("missing", text, "\n".join(ways))


def unchecked(text: str, *ways: str) -> Finding:
    """Nothing is known. text: why; completes "because". ways: to find out."""
    return Finding("not checked", text, "\n".join(ways))


@dataclass(frozen=True)
class Check:
    """find: may raise what the module that made it documents."""

    name: str
    find: Callable[[], Finding]


class Unanswered(Exception):
    """Nobody could say whether something is there; the text says why. ways: to find out."""

    def __init__(self, text: str, *ways: str) -> None:
        super().__init__(text)
        self.ways = ways


def run(checks: Iterable[Check], blocked: str = "") -> Iterator[tuple[str, Finding]]:
    """Runs checks in their order; what raises Unanswered wasn't checked.

    blocked: why none of them can be run.
    """
    for check in checks:
        try:
            found = unchecked(blocked) if blocked else check.find()
        except Unanswered as error:
            found = unchecked(str(error), *error.ways)
        yield check.name, found


class Report:
    """Prints findings as they come, one line each, and below it the fix."""

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def add(self, findings: Iterable[tuple[str, Finding]]) -> list[Finding]:
        """Prints findings by the names of their checks, and returns them."""
        added = []
        for name, found in findings:
            because = "because " if found.state == UNCHECKED else ""
            print(
                f"{found.state:{_STATE_WIDTH}}  {name:{_NAME_WIDTH}}  {because}{found.text}",
                flush=True,
            )
            for line in labelled(found.fix.splitlines(), " " * (_STATE_WIDTH + 2)):
                print(line, flush=True)
            added.append(found)
        self._found += added
        return added

    def close(self) -> int:
        """Prints the number of findings by state. Returns the exit code, 1 if there are gaps."""
        count = dict.fromkeys((OK, MISSING, UNCHECKED), 0)
        for found in self._found:
            count[found.state] += 1
        print("\n" + ", ".join(f"{number} {state}" for state, number in count.items()))
        return 1 if count[MISSING] else 0
