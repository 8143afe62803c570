"""Inputs of a resource, some of which only the update knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final

import yaml


class _Unknown(Enum):
    """What a preview can't know; an enumeration, so that a copy is the same."""

    UNKNOWN = "unknown until the update"


UNKNOWN: Final = _Unknown.UNKNOWN
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnknownError(Exception):
    """A rule read a value that only the update knows; `path` is its property."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class MalformedError(Exception):
    """A text that isn't the JSON or YAML that its property has to be."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and the path of the property that holds it; `raw` is None where there is none.

    Every read raises UnknownError if it meets `UNKNOWN`.
    """

    raw: Any
    path: str = ""

    def at(self, *keys: str) -> Node:
        """The value below these keys of nested objects."""
        node = self
        for key in keys:
            known = node._known()
            below = known.get(key) if isinstance(known, dict) else None
            node = Node(below, f"{node.path}.{key}" if node.path else key)
        return node

    @property
    def value(self) -> Any:
        """The whole value, down to its leaves."""
        for node in self._leaves():
            node._known()
        return self.raw

    @property
    def text(self) -> str:
        """The value as text; empty where there is none."""
        return "" if self.value is None else str(self.value)

    @property
    def number(self) -> float | None:
        """The value as a number, also if written as text; None if it is none."""
        try:
            return float(self.text)
        except ValueError:
            return None

    @property
    def flag(self) -> bool | None:
        """The value as a boolean, also if written as text; None if it is none."""
        return {"true": True, "false": False}.get(self.text.lower())

    @property
    def items(self) -> list[Node]:
        """The elements of a list; a single value, as JSON policies allow, counts as one."""
        known = self._known()
        if known is None:
            return []
        if not isinstance(known, list):
            return [self]
        return [Node(each, f"{self.path}[{index}]") for index, each in enumerate(known)]

    @property
    def texts(self) -> set[str]:
        """The elements of a list as texts."""
        return {item.text for item in self.items}

    @property
    def entries(self) -> dict[str, Node]:
        """The entries of an object."""
        known = self._known()
        return {key: self.at(key) for key in known} if isinstance(known, dict) else {}

    @property
    def json(self) -> Node:
        """The object that the text holds as JSON. Raises MalformedError."""
        known = self._known()
        if isinstance(known, str):
            try:
                known = json.loads(known)
            except ValueError as error:
                raise MalformedError(f"{self.path} is not JSON") from error
        return Node(known, self.path)

    @property
    def yaml(self) -> Node:
        """The object that the text holds as YAML. Raises MalformedError."""
        return Node(_parsed(self.text, self.path), self.path)

    def _known(self) -> Any:
        if self.raw is UNKNOWN:
            raise UnknownError(self.path)
        return self.raw

    def _leaves(self) -> Iterator[Node]:
        if isinstance(self.raw, dict):
            for entry in self.entries.values():
                yield from entry._leaves()
        elif isinstance(self.raw, list):
            for item in self.items:
                yield from item._leaves()
        else:
            yield self


@lru_cache(maxsize=32)
def _parsed(text: str, path: str) -> Any:
    try:
        return yaml.load(text, Loader=LOADER)  # noqa: S506
    except (yaml.YAMLError, ValueError) as error:  # the latter for a date such as 2027-13-26
        raise MalformedError(f"{path} is not YAML") from error
