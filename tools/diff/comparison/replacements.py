"""What replaces a resource, by the providers' schemas: replacements.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path as File
from typing import Any

from settings.files import parse_yaml, read_text
from settings.problem import with_fixes
from tools.diff.comparison.values import Path
from tools.preview.monitor import COMPUTED

TABLE = File(__file__).with_name("replacements.yaml")
_OBJECT = ("metadata.name", "metadata.namespace")
# Without a region; all others move with the provider's, which replaces them.
_GLOBAL = ("aws:iam/", "aws:route53/")


class UnknownTypeError(Exception):
    """A type that the table lacks; the text says how to add it."""


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
    """The row of a type. Raises UnknownTypeError."""
    row = table().get(type_)
    if type_.startswith("kubernetes:") and not type_.startswith("kubernetes:helm"):
        return Replacement(None, (*_OBJECT, *(row.replaced_by if row else ())))
    if row is None:
        said = f"tools/diff/comparison/{TABLE.name} lacks {type_}: nobody knows what replaces it"
        fix = "add the type with `replaced_by: []`, then run make replacements"
        raise UnknownTypeError(with_fixes(said, fix))
    return row


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
