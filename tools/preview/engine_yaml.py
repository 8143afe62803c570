"""YAML as the engine reads a stack file.

Source: Pulumi CLI 3.260, `pulumi config --json`; go-yaml 3, resolve.go.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from settings.files import Loader, parsed

_RADIX = {"": 8, "b": 2, "o": 8, "x": 16}
_INTEGER = re.compile(r"[-+]?(?:0(?P<radix>[box]?)(?P<digits>[0-9a-f]+)|[1-9][0-9]*|0)", re.I)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
_TIME = re.compile(rf"{_DATE.pattern}[Tt ][0-9:.]+(?:Z|[-+][0-9:]+)?")
_OCTAL = re.compile(r"[-+]?0[0-7_]*[1-7][0-7_]*")
_LONGEST = 2**64  # beyond, go-yaml takes a number for a fraction


@dataclass(frozen=True)
class Rewritten:
    """A value whose text the engine doesn't keep.

    place: names and indices below `config`. written, read: the value in the file, and the text that
    the program gets.
    """

    place: tuple[str | int, ...]
    line: int
    written: str
    read: str

    @property
    def is_octal(self) -> bool:
        """Whether a leading zero makes it another number."""
        octal = _OCTAL.fullmatch(self.written)
        return bool(octal) and int(self.written) != int(self.read)


@dataclass(frozen=True)
class Document:
    """A stack file. lines: of each name under `config`."""

    content: dict[Any, Any]
    lines: dict[str, int]
    rewritten: list[Rewritten]


def read(text: str) -> Document:
    """Reads a YAML mapping, or nothing. Raises FileError."""
    lines: dict[str, int] = {}
    rewritten: list[Rewritten] = []

    def construct(loader: Any) -> Any:
        root = loader.get_single_node()
        config = dict(_named(root)).get("config")
        lines.update((name, node.start_mark.line + 1) for name, node in _named(config))
        rewritten.extend(_rewritten(config, (), frozenset()))
        return {} if root is None else loader.construct_document(root)

    content = parsed(text, construct, _EngineLoader)
    return Document(content, lines, rewritten)


def scalar(text: str) -> Any:
    """The value of a plain scalar."""
    plain = text.replace("_", "") if text[:1] in "+-0123456789" else text
    if _DATE.fullmatch(text) or _TIME.fullmatch(text):
        return _date(text)
    if integer := _INTEGER.fullmatch(plain):
        whole = _integer(plain, integer)
        if whole is not None and -_LONGEST / 2 <= whole < _LONGEST:
            return whole
    number = float(plain) if _FLOAT.fullmatch(plain) else math.inf
    return number if math.isfinite(number) else text


def _integer(plain: str, match: re.Match[str]) -> int | None:
    digits, radix = match["digits"], (match["radix"] or "").lower()
    if digits is None:
        return int(plain)
    try:
        return int(digits, _RADIX[radix]) * (-1 if plain[0] == "-" else 1)
    except ValueError:  # such as 089, which is none of octal
        return None


def _date(text: str) -> Any:
    year, month, day, *time = re.split(r"[-Tt ]", text, maxsplit=3)
    try:
        found = datetime.date(int(year), int(month), int(day))
    except ValueError:
        return text
    return f"{found} {time[0].rstrip('Z') if time else '00:00:00'} +0000 UTC"


def as_text(value: Any) -> str:
    """A scalar as the engine hands it to the program."""
    if not isinstance(value, float):
        return str(value)
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(repr(value)).normalize():f}"
    return repr(value).replace("e-0", "e-")


class _EngineLoader(Loader):
    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            found = scalar(value)
            if isinstance(found, int):
                return "tag:yaml.org,2002:int"
            if isinstance(found, float):
                return "tag:yaml.org,2002:float"
            if found != value:
                return "tag:yaml.org,2002:timestamp"
        tag = super().resolve(kind, value, implicit)
        return tag if not tag.endswith((":int", ":float")) else "tag:yaml.org,2002:str"

    def construct_number(self, node: Any) -> Any:
        found = scalar(node.value)
        whole = isinstance(found, float) and found.is_integer()
        return int(found) if whole and abs(found) < 1e21 else found


for _kind in ("int", "float", "timestamp"):
    _EngineLoader.add_constructor(f"tag:yaml.org,2002:{_kind}", _EngineLoader.construct_number)


def _named(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((name.value, value) for name, value in node.value
                    if isinstance(name, yaml.ScalarNode))  # fmt: skip


def _rewritten(
    node: Any, place: tuple[str | int, ...], above: frozenset[int]
) -> Iterator[Rewritten]:
    if id(node) in above:  # an alias to what holds it
        return
    inside = above | {id(node)}
    for name, value in _named(node):
        yield from _rewritten(value, (*place, name), inside)
    if isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _rewritten(value, (*place, index), inside)
    if isinstance(node, yaml.ScalarNode) and not node.style:  # plain
        found = scalar(node.value)
        if as_text(found) != node.value:
            yield Rewritten(place, node.start_mark.line + 1, node.value, as_text(found))
