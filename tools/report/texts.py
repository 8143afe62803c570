"""Long texts among a resource's inputs, such as a ConfigMap's files, to be read line by line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_INLINE = 80  # characters of JSON in a text that stay where they are
_OPEN = 12  # lines that are shown without a click


@dataclass(frozen=True)
class Text:
    """path: where it is, such as `data.app-config.yaml`."""

    path: str
    text: str
    kind: str
    """`JSON`, if the page has indented it; else empty."""

    @property
    def lines(self) -> int:
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


def output_texts(outputs: Mapping[str, Any]) -> list[Text]:
    """The outputs of a stack by name; one that is no text as JSON, a long one indented."""
    values = {
        name: each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)
        for name, each in sorted(outputs.items())
    }
    return [_text(value, name) or Text(name, value, "") for name, value in values.items()]


def _without(value: Any, path: str, found: list[Text]) -> Any:
    if isinstance(value, dict):
        return {k: _without(v, f"{path}.{k}" if path else k, found) for k, v in value.items()}
    if isinstance(value, list):
        return [_without(each, f"{path}[{i}]", found) for i, each in enumerate(value)]
    text = _text(value, path) if isinstance(value, str) else None
    if text is None:
        return value
    found.append(text)
    return f"({text.lines} lines, below)"


def _text(value: str, path: str) -> Text | None:
    """The value, if it has several lines, or is JSON that deserves some."""
    if value.startswith(("{", "[")) and len(value) > _INLINE:
        with contextlib.suppress(json.JSONDecodeError):
            indented = json.dumps(json.loads(value), indent=2, ensure_ascii=False)
            return Text(path, indented, "JSON")
    lines = value.strip("\n")
    return Text(path, lines, "") if "\n" in lines else None
