"""What replaces a resource, by the providers' schemas: replacements.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path as File
from typing import Any

from settings.files import parse_yaml, read_text
from tools.diff.comparison.values import Path
from tools.preview.recording import COMPUTED

TABLE = File(__file__).with_name("replacements.yaml")
_OBJECT = ("metadata.name", "metadata.namespace")
# Without a region; all others move with the provider's, which replaces them.
_GLOBAL = ("aws:iam/", "aws:route53/")


@dataclass(frozen=True)
class Replacement:
    """What a provider does with a type's inputs."""

    name: str | None
    """Input with the physical name; None: the type has none, or it is always generated."""
    replaced_by: tuple[str, ...]
    """Dotted paths of inputs that can't change in place; `*` for every input."""

    def by(self, path: Path, unknown: bool = False) -> bool:
        """Whether a change at a path replaces the resource.

        unknown: the new value is; then the provider can't tell what below the path changes.
        """
        rules = [tuple(rule.split(".")) for rule in self.replaced_by]
        at = any(rule == ("*",) or path[: len(rule)] == rule for rule in rules)
        return at or (not unknown and any(rule[: len(path)] == path for rule in rules))


@cache
def table() -> dict[str, Replacement]:
    """The table, by type."""
    rows = parse_yaml(read_text(str(TABLE)))
    return {
        type_: Replacement(row.get("name"), tuple(row["replaced_by"]))
        for type_, row in rows.items()
    }


def replacement(type_: str) -> Replacement:
    """The row of a type; of one that isn't known, a row by which nothing replaces it."""
    row = table().get(type_, Replacement(None, ()))
    if _is_object(type_):
        return Replacement(None, (*_OBJECT, *row.replaced_by))
    return row


def known(type_: str) -> bool:
    """Whether somebody has looked up what replaces a type."""
    return type_ in table() or _is_object(type_)


def lacking(types: Iterable[str]) -> list[str]:
    """For each type that isn't known, what that means, and how to add it."""
    return [
        f"tools/diff/comparison/{TABLE.name} lacks {type_}: whether a change replaces it, and what "
        "its deletion loses, isn't known. Add the type with `replaced_by: []`, then run make "
        "replacements."
        for type_ in sorted(set(types))
        if not known(type_)
    ]


def _is_object(type_: str) -> bool:
    """Whether it is a kind of Kubernetes, whose metadata says what replaces it."""
    return type_.startswith("kubernetes:") and not type_.startswith("kubernetes:helm")


def regional(type_: str) -> bool:
    """Whether a resource moves with its AWS provider's region."""
    return type_.startswith("aws:") and not type_.startswith(_GLOBAL)


def fixed_name(type_: str, inputs: dict[str, Any]) -> str | None:
    """The physical name that the program gives, as opposed to a generated or a computed one."""
    if type_.startswith("kubernetes:"):
        name = inputs.get("metadata", inputs).get("name")
    else:
        key = table()[type_].name if type_ in table() else None
        name = inputs.get(key) if key else None
    return name if isinstance(name, str) and name != COMPUTED else None


def covered(path: Path, names: Iterable[str]) -> bool:
    """Whether an option such as ignore_changes, which names inputs, covers a path."""
    return any(
        name == "*" or path[: name.count(".") + 1] == tuple(name.split(".")) for name in names
    )
