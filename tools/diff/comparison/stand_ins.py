"""What stands for a value that is unknown before the update, so that both sides can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.runtime import rpc

from settings.files import mapped
from tools.diff.comparison.lists import name_of
from tools.preview.recording import Recording, is_secret, secret

Inputs = dict[str, Any]


@dataclass(frozen=True)
class StandIn:
    """An unknown value's stand-in, from a run of the program that has one for every output."""

    value: Any


def completed(
    plan: Recording, created: Recording, renamed: Mapping[str, str] | None = None
) -> dict[str, Inputs]:
    """Inputs by URN, with a `StandIn` for each unknown value.

    renamed: new logical names by former ones, of resources that an alias moves. Stand-ins contain
    logical names; what a moved resource has computed stays.
    """
    found = {}
    for urn, resource in plan.resources.items():
        run = created.resources.get(urn)
        inputs = resource.raw_inputs
        found[urn] = _filled(inputs, run.raw_inputs, renamed or {}) if run else inputs
    return found


def _filled(value: Any, run: Any, renamed: Mapping[str, str]) -> Any:
    if value == rpc.UNKNOWN:
        return StandIn(_with_names(run, renamed))
    if is_secret(value):
        inside = revealed(run)
        if value["value"] == rpc.UNKNOWN:
            return StandIn(secret(_with_names(inside, renamed)))
        return secret(_filled(value["value"], inside, renamed))
    if isinstance(value, dict) and isinstance(run, dict):
        return {key: _filled(each, run.get(key), renamed) for key, each in value.items()}
    if isinstance(value, list) and isinstance(run, list) and len(value) == len(run):
        return [_filled(each, other, renamed) for each, other in zip(value, run, strict=True)]
    return value


def _with_names(value: Any, renamed: Mapping[str, str]) -> Any:
    if not renamed:
        return value
    names = re.compile(rf"(?<![\w-])({'|'.join(re.escape(each) for each in renamed)})(?![\w-])")

    def leaf(text: Any) -> Any:
        return names.sub(lambda match: renamed[match[1]], text) if isinstance(text, str) else text

    return mapped(value, leaf)


def unknown_paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of what is unknown before an update, secrets included."""
    value = revealed(value)
    if value == rpc.UNKNOWN:
        yield path
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from unknown_paths(entry, (*path, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from unknown_paths(entry, (*path, name_of(entry) or f"[{index}]"))


def revealed(value: Any) -> Any:
    """What a secret wraps; any other value as it is."""
    return value["value"] if is_secret(value) else value


def has_stand_in(value: Any) -> bool:
    """Whether a stand-in is anywhere in a value."""
    if isinstance(value, dict):
        return any(has_stand_in(each) for each in value.values())
    if isinstance(value, list):
        return any(has_stand_in(each) for each in value)
    return isinstance(value, StandIn)


def shown(value: Any) -> Any:
    """A value with its stand-ins as plain values."""
    return mapped(value, lambda leaf: leaf.value if isinstance(leaf, StandIn) else leaf)
