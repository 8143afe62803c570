"""The shape of the tables of keys and of rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Key:
    """good: an accepted value, other than the default where there is a choice. read: what the
    program sees, if it isn't `good`, with tuples for lists. bad: refused values, each with parts of
    the message. Files have a test of their own for what is read.
    """

    good: object
    read: Any = None
    bad: tuple[tuple[Any, ...], ...] = ()


# What breaks a rule: changes to a valid stack, the key that is reported, parts of the message.
Row = tuple[dict[str, object], str, tuple[str, ...]]
