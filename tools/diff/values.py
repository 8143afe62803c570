"""Where two inputs differ, and how a value is shown. Secrets are compared and never shown."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulumi.runtime import rpc

from tools.preview.monitor import SECRET, is_secret, masked_value

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

    @property
    def name(self) -> str:
        """`spec.template.spec.containers[portal].image`"""
        text = ""
        for part in self.path:
            text += part if part.startswith("[") or not text else f".{part}"
        return text

    def lines(self) -> list[str]:
        """`name: before -> after`, or the changed lines of a text."""
        name = f"{self.name} (replaces)" if self.replaces else self.name
        if self.until:
            return [f"{name}: unknown until {self.until}"]
        if _is_text(self.before, self.after):
            return [f"{name}:", *_changed_lines(self.before, self.after)]
        if self.before == self.after == SECRET:
            return [f"{name}: {SECRET}, changed"]
        return [f"{name}: {_shown(self.before)} -> {_shown(self.after)}"]


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """Where two raw inputs differ, from the top to the values that do."""
    hidden = is_secret(before) or is_secret(after)
    before, after = _revealed(before), _revealed(after)
    if before == after:
        return
    pair = (before, after) if hidden else (_parsed(before), _parsed(after))
    if all(isinstance(each, dict) for each in pair):
        below = _of_mappings(*pair, path)
    elif all(isinstance(each, list) for each in pair):
        below = _of_mappings(*_of_lists(*pair), path)
    else:
        below = iter([Difference(path, _masked(before), _masked(after))])
    # Elements in another order, or JSON written in another way, have nothing below.
    found = list(below) or [Difference(path, _masked(before), _masked(after))]
    for each in found:
        yield Difference(each.path, SECRET, SECRET) if hidden else each


def _of_mappings(before: Any, after: Any, path: Path) -> Iterator[Difference]:
    for key in sorted(before.keys() | after.keys()):
        yield from differences(before.get(key), after.get(key), (*path, key))


def _of_lists(before: list[Any], after: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Elements by name, if all have one, as Kubernetes merges them; else by their place."""
    names = [[_name(item) for item in each] for each in (before, after)]
    if all(None not in each and len({*each}) == len(each) for each in names):
        found = [{f"[{item['name']}]": _unnamed(item) for item in each} for each in (before, after)]
    elif len(before) == len(after):
        found = [{f"[{i}]": item for i, item in enumerate(each)} for each in (before, after)]
    else:
        found = [
            {f"[{i}]": item for i, item in enumerate(each) if item not in other}
            for each, other in ((before, after), (after, before))
        ]
        if {*found[0]} & {*found[1]}:  # not the same element
            found[1] = {f"{key[:-1]} now]": item for key, item in found[1].items()}
    return found[0], found[1]


def _name(item: Any) -> str | None:
    name = item.get("name") if isinstance(item, dict) else None
    return f"[{name}]" if isinstance(name, str) and name != rpc.UNKNOWN else None


def _unnamed(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != "name"}


def _revealed(value: Any) -> Any:
    return value["value"] if is_secret(value) else value


def _parsed(value: Any) -> Any:
    """The mapping in a text of JSON; any other value as it is."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def unknown_paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of what is unknown before an update, secrets included."""
    value = _revealed(value)
    if value == rpc.UNKNOWN:
        yield path
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from unknown_paths(entry, (*path, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from unknown_paths(entry, (*path, _name(entry) or f"[{index}]"))


def _masked(value: Any) -> Any:
    return ABSENT if value is None else masked_value(value)


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
