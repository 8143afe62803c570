"""Where two inputs differ, and how a value is shown. Secrets are compared and never shown."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pulumi.runtime import rpc

from components.ingress.authentication import ANNOTATION
from tools.diff.comparison.lists import paired, split
from tools.diff.comparison.rendering import parsed_json, yaml_lines
from tools.diff.comparison.stand_ins import StandIn, has_stand_in, revealed, shown
from tools.preview.recording import SECRET, is_secret, masked_value

Path = tuple[str, ...]
ABSENT = "(absent)"
_CONTEXT = 1  # unchanged lines around a changed one
_LINES = 30
_WIDTH = 160


@dataclass(frozen=True)
class Difference:
    """One value below a resource's inputs; before and after are masked."""

    path: Path
    before: Any
    after: Any
    until: str = ""
    """What the update does first, where the value is unknown before."""
    replaces: bool = False
    """Whether the provider can't change it in place."""
    stand_ins: bool = False
    """Whether stand-ins are compared, as the value is unknown before the update."""
    sources: str = ""
    """Of a secret: which resources it comes from now, and which before."""

    @property
    def name(self) -> str:
        """`spec.template.spec.containers[portal].image`"""
        return joined(self.path)

    def lines(self) -> list[str]:
        """`name: before -> after`, or the changed lines of a text."""
        mark = f"{' (replaces)' * self.replaces}{' (with stand-ins)' * self.stand_ins}"
        added = ABSENT in (self.before, self.after)
        element = self.path[-1].startswith("[")
        name = joined(self.path[:-1] if added and _is_place(self.path[-1]) else self.path) + mark
        if self.until:
            return [f"{name}: unknown until {self.until}"]
        sign, value = ("-", self.before) if self.after == ABSENT else ("+", self.after)
        if added and (lines := _in_full(value)):
            return [f"{name}:", *(f"{sign}{line}" for line in lines)]
        if _is_text(self.before, self.after):
            return [f"{name}:", *_changed_lines(self.before, self.after)]
        if self.before == self.after == SECRET:
            return [f"{name}: {SECRET}, {self.sources or 'changed'}"]
        if isinstance(self.before, list) and isinstance(self.after, list):
            return [f"{name}: the same elements in another order"]
        if added and element:
            return [f"{name}: {sign}" if value == {} else f"{name}: {sign} {_shown(value)}"]
        return [f"{name}: {_shown(self.before)} -> {_shown(self.after)}"]


def joined(path: Path) -> str:
    """A path as one text."""
    text = ""
    for part in path:
        text += part if part.startswith("[") or not text else f".{part}"
    return text


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """Where two raw inputs differ, from the top to the values that do."""
    if isinstance(before, StandIn) or isinstance(after, StandIn):
        yield from _of_stand_ins(before, after, path)
        return
    hidden = is_secret(before) or is_secret(after)
    before, after = revealed(before), revealed(after)
    if before == after:
        return
    pair = (before, after) if hidden else _alike(_parsed(before, path), _parsed(after, path), path)
    if all(isinstance(each, dict) for each in pair):
        below = _of_mappings(*pair, path)
    elif all(isinstance(each, list) for each in pair):
        below = _of_mappings(*paired(*pair), path)
    else:
        below = iter(())
    # Elements in another order, or JSON written in another way, have nothing below.
    found = list(below) or [_whole(before, after, path)]
    for each in found:
        yield replace(each, before=SECRET, after=SECRET) if hidden else each


def _of_stand_ins(before: Any, after: Any, path: Path) -> Iterator[Difference]:
    """Of two values of which one at least is unknown before the update."""
    first, second = (e.value if isinstance(e, StandIn) else e for e in (before, after))
    found = list(differences(first, second, path))
    if not found and type(before) is not type(after):
        yield Difference(path, *(_masked(_unknown(each)) for each in (before, after)))
    yield from (replace(each, stand_ins=True) for each in found)


def _unknown(value: Any) -> Any:
    return rpc.UNKNOWN if isinstance(value, StandIn) else value


def _whole(before: Any, after: Any, path: Path) -> Difference:
    by_stand_ins = has_stand_in([before, after])
    return Difference(path, _masked(before), _masked(after), stand_ins=by_stand_ins)


def _of_mappings(before: Any, after: Any, path: Path) -> Iterator[Difference]:
    for key in sorted(before.keys() | after.keys()):
        yield from differences(before.get(key), after.get(key), (*path, key))


def _is_place(part: str) -> bool:
    """Whether it is the place of an element, as opposed to its name."""
    return part.startswith("[") and part[1:-1].lstrip("+").isdigit()


def _parsed(value: Any, path: Path) -> Any:
    """What a text of JSON holds, or an annotation lists; any other value as it is."""
    if not isinstance(value, str) or value == rpc.UNKNOWN:
        return value
    if value.startswith(("{", "[")):
        return parsed_json(value)
    # Some of the load balancer's annotations list their elements with commas.
    return split(value) if path and path[-1].startswith(ANNOTATION) and "," in value else value


def _alike(before: Any, after: Any, path: Path) -> tuple[Any, Any]:
    """Beside a list or a flat mapping, nothing is an empty one, and one element is a list of it.

    Not an element of a list, which is shown as a whole.
    """
    element = bool(path) and _is_place(path[-1])
    for one, other, swapped in ((before, after, False), (after, before, True)):
        instead = one
        if one is None and not element and (isinstance(other, list) or _is_flat(other)):
            instead = type(other)()
        elif isinstance(one, str) and one != rpc.UNKNOWN and isinstance(other, list):
            instead = [one]
        if instead is not one:
            return (other, instead) if swapped else (instead, other)
    return before, after


def _is_flat(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and not is_secret(value)
        and not any(
            isinstance(each, (dict, list)) and not is_secret(each) for each in value.values()
        )
    )


def _masked(value: Any) -> Any:
    return ABSENT if value is None else masked_value(shown(value))


def _in_full(value: Any) -> list[str]:
    """Lines of a mapping, a list or JSON that one line has no room for, such as a policy."""
    known = parsed_json(value) if isinstance(value, str) else value
    if not isinstance(known, (dict, list)) or len(json.dumps(known)) <= _WIDTH:
        return []
    return yaml_lines(known)


def _is_text(*values: Any) -> bool:
    texts = [value for value in values if isinstance(value, str)]
    return len(texts) == len(values) and any("\n" in text for text in texts)


def _changed_lines(before: str, after: str) -> list[str]:
    old, new = ([] if text == ABSENT else text.splitlines() for text in (before, after))
    lines = [
        "..." if line.startswith("@@") else _shortened(line)
        for line in list(difflib.unified_diff(old, new, n=_CONTEXT, lineterm=""))[2:]
    ]
    more = len(lines) - _LINES
    return lines if more <= 0 else [*lines[:_LINES], f"... {more} more lines"]


def _shown(value: Any) -> str:
    """A masked value on one line, shortened."""
    return _shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _shortened(text: str) -> str:
    text = text.replace("\n", "\\n")
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}... ({len(text)} characters)"
