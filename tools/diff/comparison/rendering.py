"""Inputs of one resource, as a reviewer reads them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from settings.files import mapped
from tools.diff.comparison.stand_ins import has_stand_in, shown
from tools.preview.recording import masked_value

_WIDTH = 100


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = "|" if "\n" in data else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def input_lines(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Raw inputs as YAML, in full: secrets masked, JSON in a text as what it holds."""
    for name, value in inputs.items():
        mark = " (with stand-ins)" if has_stand_in(value) else ""
        known = readable(value)
        yield from yaml_lines({f"{name}{mark}": known}, flow=isinstance(known, (dict, list)))


def yaml_lines(value: Any, flow: bool = True) -> list[str]:
    """flow: whether what has nothing nested in it takes one line."""
    style = None if flow else False
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=style, width=_WIDTH)
    return text.splitlines()


def readable(value: Any) -> Any:
    """A raw value masked, its stand-ins as plain values, JSON in a text parsed."""
    known = masked_value(shown(value))
    return mapped(known, lambda leaf: parsed_json(leaf) if isinstance(leaf, str) else leaf)


def parsed_json(text: str) -> Any:
    """What a text of JSON holds; any other text as it is."""
    if text.startswith(("{", "[")):
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(text)
    return text
