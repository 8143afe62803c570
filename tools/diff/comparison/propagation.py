"""What follows from a change of one resource for the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tools.diff.comparison.change import OPTION, Change, replaced
from tools.diff.comparison.replacements import covered, fixed_name, regional, replacement
from tools.diff.comparison.stand_ins import unknown_paths
from tools.diff.comparison.values import Difference, Path, differences
from tools.preview.recording import COMPUTED, SECRET, Recording

AWS = "pulumi:providers:aws"
_KINDS = frozenset({"secret", "configmap"})


def propagate(found: dict[str, Change], before: Recording) -> None:
    """Adds what follows from other resources' changes, until nothing more does."""
    for urn, change in found.items():
        if provider := _provider_replaced(change, before, found):
            found[urn] = replaced(replace(change, provider=provider))
    pending = True
    while pending:
        pending = False
        for urn, change in found.items():
            if change.operation == "create" or not change.resource.custom:
                continue
            known = {(each.path, each.until) for each in change.differences}
            follows = [*_unknown(change, found), *_together(change, found)]
            added = [each for each in follows if (each[0].path, each[0].until) not in known]
            if added:
                found[urn] = _with(change, added)
                pending = True
    for urn, change in found.items():
        found[urn] = replace(change, differences=list(_unsaid(change)))


def _unsaid(change: Change) -> Iterator[Difference]:
    """The differences, without stand-ins of what a renewed resource makes unknown as a whole, and
    those of secrets, of which nothing is shown."""
    follows = [each for each in change.differences if each.until]
    unknown = set(unknown_paths(change.resource.raw_inputs)) if follows else set()
    for each in change.differences:
        place = tuple(part.replace("[+", "[") for part in each.path)
        said = any(
            place[: len(other.path)] == other.path and other.replaces >= each.replaces
            for other in follows
        )
        whole = place in unknown or each.before == each.after == SECRET
        if not (each.stand_ins and said and whole):
            yield each


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


def _with(change: Change, added: list[tuple[Difference, bool]]) -> Change:
    found = [*change.differences, *(each for each, _ in added)]
    operation = change.operation if change.operation == "replace" else "update"
    changed = replaced(replace(change, operation=operation, differences=found))
    # What can't do without a resource that is deleted first is deleted before that.
    return replace(changed, deleted_first=True) if any(first for _, first in added) else changed


def _unknown(change: Change, found: dict[str, Change]) -> Iterator[tuple[Difference, bool]]:
    """Inputs that are unknown before the update, because they refer to a resource that is new.

    With each, whether the resource has to be deleted before that one.
    """
    resource = change.resource
    rules = replacement(resource.type)
    for name, urns in resource.property_dependencies.items():
        paths = [
            path
            for path in unknown_paths(resource.raw_inputs.get(name), (name,))
            if not covered(path, resource.ignore_changes)
        ]
        for cause in (found[urn] for urn in urns if urn in found and _renewed(found[urn])):
            until = f"{cause.resource.name} is {cause.operation}d"
            # The engine takes the whole input for unknown, whatever of it is known.
            if cause.deleted_first and rules.by((name,), unknown=True):
                yield Difference((name,), COMPUTED, COMPUTED, until, replaces=True), True
            elif _hides(cause, alone=len(urns) == 1) and (those := _of(paths, cause.resource.type)):
                by = any(rules.by(path, unknown=True) for path in those)
                yield Difference(_common(those), COMPUTED, COMPUTED, until, by), False


def _together(change: Change, found: dict[str, Change]) -> Iterator[tuple[Difference, bool]]:
    """Replacements that the resource's options tie it to."""
    for urn in change.resource.replace_with:
        if urn in found and found[urn].operation == "replace":
            until = f"{found[urn].resource.name} is replaced"
            path = (f"{OPTION}replaceWith",)
            yield Difference(path, COMPUTED, COMPUTED, until, replaces=True), False


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
    """Whether a new resource may be what makes an input unknown.

    Of a Kubernetes object with a fixed name little is unknown: among several causes it isn't one.
    """
    resource = cause.resource
    if alone or not resource.type.startswith("kubernetes:"):
        return True
    return fixed_name(resource.type, resource.inputs) is None
