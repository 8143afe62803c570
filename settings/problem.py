"""A configuration problem, and the commands that fix one."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import dumps

import pulumi


@dataclass(frozen=True)
class Problem:
    """One invalid value in a stack's configuration.

    key: as in the stack file, without the project's namespace. given: what was found, never a
    secret. allowed: what would be accepted. fix: the command, or the step, that fixes it; several
    where there are several ways.
    """

    key: str
    given: str
    allowed: str
    fix: str | tuple[str, ...]

    @property
    def ways(self) -> tuple[str, ...]:
        """Each way to fix it, the best one first."""
        return (self.fix,) if isinstance(self.fix, str) else self.fix

    def text(self, place: str = "") -> str:
        """The lines of a message. place: of the key in the stack file, if it is known."""
        said = [
            f"  {self.key}" + (f" ({place})" if place else ""),
            f"    given:   {self.given}",
            f"    allowed: {self.allowed}",
        ]
        return "\n".join([*said, *labelled(self.ways, "    ", 9)])


def with_faults(given: str, faults: Sequence[str]) -> str:
    """What was given, and what is wrong with it: a line each, if there are several faults."""
    if len(faults) == 1:
        return f"{given} ({faults[0]})"
    return f"\n{' ' * 13}".join([f"{given}:", *faults])


def unset_beside(names: Sequence[str]) -> str:
    """What was given of a key that is unset, while others that need it aren't."""
    return f"nothing, but {', '.join(names)} {'are' if len(names) > 1 else 'is'} set"


class ConfigurationError(pulumi.RunError):
    """Every problem of a stack's configuration."""

    def __init__(self, stack: str, problems: Sequence[Problem]) -> None:
        self._stack, self._problems = stack, problems
        super().__init__(self.text())

    def text(self, file: str = "", lines: Mapping[str, int] | None = None) -> str:
        """The message. lines: of keys in the stack file, which order it; others come last."""
        count = len(self._problems)
        head = f"Stack '{self._stack}' has {count} configuration problem{'s'[: count > 1]}:"
        found = [((lines or {}).get(each.key), each) for each in self._problems]
        found.sort(key=lambda each: math.inf if each[0] is None else each[0])
        listed = [each.text(f"{file}: line {line}" if line else "") for line, each in found]
        return "\n".join([head, *listed, "Nothing was changed."])


def labelled(ways: Sequence[str], indent: str, width: int = 5) -> Iterator[str]:
    """A line for each way to fix something, each to paste as it is. width: of its label."""
    for number, way in enumerate(ways):
        yield f"{indent}{'or:' if number else 'fix:':{width}}{way}"


def with_fixes(text: str, *ways: str) -> str:
    """A message of a tool, and below it each way to fix what it says."""
    return "\n".join([text, *labelled(ways, "  ")])


class Warn(str):
    """A warning: the configuration is valid, but probably not intended."""


class Printed(str):
    """A command that prints a value, in place of that value."""


class StandsFor(ValueError):
    """A value that the key doesn't take, but that stands for `value`; None: for an unset key.

    then: what is left to do, a sentence.
    """

    def __init__(self, value: str | None, then: str = "", said: str = "") -> None:
        super().__init__(said)
        self.value, self.then = value, then


class Misspelt(StandsFor):
    """A value that resembles `meant`, which is allowed."""

    def __init__(self, meant: str) -> None:
        super().__init__(meant, said=f"did you mean {meant}?")


# What the CLI takes for secret names, and refuses plain values of.
SECRET_NAME = re.compile("password|secret|token", re.IGNORECASE)


def config_set(key: str, value: str | None, flags: str = "") -> str:
    """The command that sets `key`, quoted for a POSIX shell; the CLI asks for a missing value."""
    if SECRET_NAME.search(key) and "--secret" not in flags and "--plaintext" not in flags:
        flags = f"{flags} --plaintext".strip()
    quoted = [_quoted(word) for word in (key, value) if word is not None]
    words = ["pulumi config set", f"--stack {pulumi.get_stack()}", flags, *quoted]
    return " ".join(word for word in words if word)


def _quoted(word: str) -> str:
    return f'"$({word})"' if isinstance(word, Printed) else shlex.quote(word)


def config_path(key: str, place: Iterable[str | int]) -> str:
    """A place within a key's value, as `pulumi config --path` takes it."""
    return key + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)


def config_set_secret(name: str, key: str = "secretEnv") -> str:
    """The command that sets an entry of a key that holds secrets, and leaves its value out of the
    history.
    """
    lines = " < key.pem" if name == "privateKey" else ""  # the CLI asks for a single one
    return config_set(f"{key}.{name}", None, "--path --secret") + lines


def config_rm(key: str, entry: str | int = "") -> str:
    """The command that unsets `key`, or one entry of the object or list that it holds."""
    if entry == "":
        return f"pulumi config rm --stack {pulumi.get_stack()} {key}"
    named = isinstance(entry, str) and entry.replace("-", "_").isidentifier()
    path = f"{key}.{entry}" if named else f"{key}[{dumps(entry)}]"
    quoted = f"'{path}'" if "'" not in path else shlex.quote(path)
    return f"pulumi config rm --stack {pulumi.get_stack()} --path {quoted}"
