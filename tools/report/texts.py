"""Long texts among a resource's inputs, such as a ConfigMap's files, to be read line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_INLINE = 80  # characters of JSON in a text that stay where they are
_OPEN = 12  # lines that are shown without a click


@dataclass(frozen=True)
class Text:
    """A text of several lines. path: where it is, such as `data.app-config.yaml`."""

    path: str
    text: str
    kind: str
    """`JSON`, if the page has indented it; else empty."""

    @property
    def lines(self) -> int:
        """Number of lines."""
        return len(self.text.splitlines())

    @property
    def short(self) -> bool:
        """Whether it is shown without a click."""
        return self.lines <= _OPEN


def separated(inputs: dict[str, Any]) -> tuple[dict[str, Any], list[Text]]:
    """The inputs with a note in the place of each such text, and the texts."""
    found: list[Text] = []
    rest: dict[str, Any] = _without(inputs, "", found)
    return rest, found


def _without(value: Any, path: str, found: list[Text]) -> Any:
    if isinstance(value, dict):
        return {k: _without(v, f"{path}.{k}" if path else k, found) for k, v in value.items()}
    if isinstance(value, list):
        return [_without(each, f"{path}[{i}]", found) for i, each in enumerate(value)]
    for text in _texts(value, path):
        found.append(text)
        return f"({text.lines} lines, below)"
    return value


def _texts(value: Any, path: str) -> Iterator[Text]:
    """The text, if it has several lines, or is JSON that deserves some."""
    if not isinstance(value, str):
        return
    if value.startswith(("{", "[")) and len(value) > _INLINE:
        try:
            parsed = json.loads(value)
        except json.JSONDecodeError:
            pass
        else:
            yield Text(path, json.dumps(parsed, indent=2, ensure_ascii=False), "JSON")
            return
    if "\n" in value.strip("\n"):
        yield Text(path, value.strip("\n"), "")
