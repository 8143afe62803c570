"""What happens to one resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tools.diff.comparison.replacements import covered, fixed_name, replacement
from tools.diff.comparison.values import Difference
from tools.preview.recording import Resource

OPTION = "option "  # how the path of an option begins, to which no rule of inputs applies
Operation = Literal["create", "update", "replace", "delete", "move", "same"]


@dataclass(frozen=True)
class Change:
    """What happens to one resource; before and after are None where the plan lacks it."""

    operation: Operation
    before: Resource | None
    after: Resource | None
    differences: list[Difference] = field(default_factory=list)
    provider: str = ""
    """Which input of its provider replaces the resource."""
    deleted_first: bool = False
    """Whether a replacement deletes the old resource before it creates the new one."""
    inputs: dict[str, Any] = field(default_factory=dict)
    """Raw inputs with stand-ins, of a resource that is created or deleted."""

    @property
    def resource(self) -> Resource:
        """As the plan has it, or had it."""
        found = self.after or self.before
        assert found
        return found

    @property
    def moved(self) -> bool:
        """Whether an alias gives it another URN."""
        return bool(self.before and self.after and self.before.urn != self.after.urn)

    @property
    def ends(self) -> bool:
        """Whether the resource that exists is deleted, replaced or not."""
        return self.operation in ("replace", "delete")


def marked(resource: Resource, found: Iterable[Difference]) -> Iterator[Difference]:
    """The differences, those that replace the resource marked."""
    rules = replacement(resource.type)
    for each in found:
        by = rules.by(each.path) or covered(each.path, resource.replace_on_changes)
        decided = each.until or each.path[0].startswith(OPTION)
        yield each if decided else replace(each, replaces=by)


def of_new_stack(changes: Iterable[Change]) -> bool:
    """Whether the base doesn't have the stack."""
    return not any(each.before for each in changes)


def replaced(change: Change) -> Change:
    """The change as a replacement, if anything replaces the resource."""
    before, after = change.before, change.after
    if not (before and after and (change.provider or any(e.replaces for e in change.differences))):
        return change
    names = [fixed_name(after.type, each.inputs) for each in (before, after)]
    places = [each.inputs.get("metadata", {}).get("namespace") for each in (before, after)]
    same = names[0] is not None and names[0] == names[1] and places[0] == places[1]
    # With another provider the engine doesn't ask it, and creates the new resource first.
    return replace(change, operation="replace", deleted_first=same and not change.provider)
