"""Compares two plans as the engine would: what is created, updated, replaced, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tools.diff.former import matched
from tools.diff.replacements import fixed_name, ignored, regional, replacement
from tools.diff.values import Difference, Path, differences, unknown_paths
from tools.preview.monitor import COMPUTED, SECRET, Recording, Resource

AWS = "pulumi:providers:aws"
_KINDS = frozenset({"secret", "configmap"})
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


def compare(
    before: Recording, after: Recording, encrypted: Mapping[str, list[Path]] | None = None
) -> list[Change]:
    """Changes in the order of the plan, deletions last; `same` for what doesn't change.

    encrypted: by URN, where encrypted values change, which a preview can't see. Raises
    UnknownTypeError for a type of which nobody knows what replaces it.
    """
    pairs = matched(before.resources, after.resources)
    found = {
        urn: _first(
            before.resources.get(pairs.get(urn, "")), resource, (encrypted or {}).get(urn, [])
        )
        for urn, resource in after.resources.items()
    }
    _propagate(found, before)
    kept = {*pairs.values(), *after.read_urns}
    gone = [each for urn, each in before.resources.items() if urn not in kept]
    return [*found.values(), *(Change("delete", each, None) for each in gone)]


def _first(before: Resource | None, after: Resource, encrypted: list[Path]) -> Change:
    """The change by the resource's own inputs."""
    if before is None:
        return Change("create", None, after)
    if not after.custom:
        return _moved(Change("same", before, after))
    hidden = [Difference(path, SECRET, SECRET) for path in encrypted]
    every = (*differences(before.raw_inputs, after.raw_inputs), *hidden)
    own = (each for each in every if not ignored(each.path, after.ignore_changes))
    found = list(_marked(after, own))
    change = Change("update" if found else "same", before, after, found)
    return _moved(_replaced(change))


def _moved(change: Change) -> Change:
    return (
        replace(change, operation="move") if change.moved and change.operation == "same" else change
    )


def _marked(resource: Resource, found: Iterable[Difference]) -> Iterator[Difference]:
    """The differences, those that replace the resource marked."""
    rules = replacement(resource.type)
    for each in found:
        by = rules.by(each.path) or ignored(each.path, resource.replace_on_changes)
        yield replace(each, replaces=by)


def _replaced(change: Change) -> Change:
    """The change as a replacement, if anything replaces the resource."""
    before, after = change.before, change.after
    if not (before and after and (change.provider or any(e.replaces for e in change.differences))):
        return change
    names = [fixed_name(after.type, each.inputs) for each in (before, after)]
    places = [each.inputs.get("metadata", {}).get("namespace") for each in (before, after)]
    same = names[0] is not None and names[0] == names[1] and places[0] == places[1]
    return replace(change, operation="replace", deleted_first=same)


def _propagate(found: dict[str, Change], before: Recording) -> None:
    """Adds what follows from other resources' changes, until nothing more does."""
    for urn, change in found.items():
        if provider := _provider_replaced(change, before, found):
            found[urn] = _replaced(replace(change, provider=provider))
    pending = True
    while pending:
        pending = False
        for urn, change in found.items():
            if change.operation == "create" or not change.resource.custom:
                continue
            known = {(each.path, each.until) for each in change.differences}
            added = [e for e in _unknown(change, found) if (e.path, e.until) not in known]
            if added:
                found[urn] = _with(change, added)
                pending = True


def _provider_replaced(change: Change, before: Recording, found: dict[str, Change]) -> str | None:
    """The input by which its provider, as it is now, can't manage what the former one created."""
    if not change.before or not change.after or not change.after.custom:
        return None
    old, new = (each.provider.rpartition("::")[0] for each in (change.before, change.after))
    if old not in before.resources or new not in found:
        return None
    provider = found[new].resource
    changed = differences(before.resources[old].raw_inputs, provider.raw_inputs)
    replacing = [each for each in changed if replacement(provider.type).by(each.path)]
    if not replacing or (provider.type == AWS and not regional(change.after.type)):
        return None
    return f"{replacing[0].name} of {provider.name}"


def _with(change: Change, added: list[Difference]) -> Change:
    found = [*change.differences, *_marked(change.resource, added)]
    operation = change.operation if change.operation == "replace" else "update"
    return _replaced(replace(change, operation=operation, differences=found))


def _unknown(change: Change, found: dict[str, Change]) -> Iterator[Difference]:
    """Inputs that are unknown before the update, because they refer to a resource that is new."""
    resource = change.resource
    for name, urns in resource.property_dependencies.items():
        paths = [
            path
            for path in unknown_paths(resource.raw_inputs.get(name), (name,))
            if not ignored(path, resource.ignore_changes)
        ]
        for cause in (found[urn] for urn in urns if urn in found and _renewed(found[urn])):
            those = _of(paths, cause.resource.type)
            if cause.deleted_first and not those:  # the engine then takes what is known for unknown
                those = [(name,)]
            elif not _hides(cause, alone=len(urns) == 1):
                continue
            if those:
                until = f"{cause.resource.name} is {cause.operation}d"
                yield Difference(_common(those), COMPUTED, COMPUTED, until)


def _of(paths: list[Path], type_: str) -> list[Path]:
    """Those that may refer to an object of a type: a volume of a ConfigMap has no Secret."""
    kind = type_.rpartition(":")[2].lower()
    if kind not in _KINDS:
        return paths
    others = _KINDS - {kind}
    return [path for path in paths if not any(each in "".join(path).lower() for each in others)]


def _common(paths: list[Path]) -> Path:
    """The longest path that all begin with."""
    first, last = min(paths), max(paths)
    same = next((i for i, part in enumerate(first) if last[i : i + 1] != (part,)), len(first))
    return first[:same]


def _renewed(change: Change) -> bool:
    return change.operation in ("create", "replace") and change.resource.custom


def _hides(cause: Change, alone: bool) -> bool:
    """Whether a new resource makes an unknown input unknown: one whose name the program gives has
    little that is unknown, so that, among several, the others do."""
    resource = cause.resource
    if alone or not resource.type.startswith("kubernetes:"):
        return True
    return fixed_name(resource.type, resource.inputs) is None
