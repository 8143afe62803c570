"""A configuration problem, and the commands that fix one."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from json import dumps

import pulumi


@dataclass(frozen=True)
class Problem:
    """One invalid value in a stack's configuration.

    key: as in the stack file, without the project's namespace. given: what was found, never a
    secret. allowed: what would be accepted. fix: the command, or the step, that fixes it.
    """

    key: str
    given: str
    allowed: str
    fix: str


class Warn(str):
    """A warning: the configuration is valid, but probably not intended."""


def config_set(key: str, value: str, flags: str = "") -> str:
    """The command that sets `key`, quoted for a POSIX shell."""
    quoted = [shlex.quote(key), shlex.quote(value)]
    words = ["pulumi config set", f"--stack {pulumi.get_stack()}", flags, *quoted]
    return " ".join(word for word in words if word)


def config_set_secret(name: str) -> str:
    """The command that sets one variable of `secretEnv`."""
    return config_set(f"secretEnv.{name}", "VALUE", "--path --secret")


def config_rm(key: str, entry: str = "") -> str:
    """The command that unsets `key`, or one entry of the object that it holds."""
    if not entry:
        return f"pulumi config rm --stack {pulumi.get_stack()} {key}"
    path = f"{key}.{entry}" if entry.replace("-", "_").isidentifier() else f"{key}[{dumps(entry)}]"
    quoted = f"'{path}'" if "'" not in path else shlex.quote(path)
    return f"pulumi config rm --stack {pulumi.get_stack()} --path {quoted}"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant: another case, or few letters apart."""
    by_lower_case = {each.lower(): each for each in names}
    near = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=0.75)
    return by_lower_case[near[0]] if near else None
