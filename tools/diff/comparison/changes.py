"""Compares two plans as the engine would: what is created, updated, replaced, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tools.diff.comparison.change import Change, marked, replaced
from tools.diff.comparison.options import option_differences
from tools.diff.comparison.propagation import propagate
from tools.diff.comparison.replacements import covered
from tools.diff.comparison.sources import source_differences
from tools.diff.comparison.stand_ins import Inputs, completed
from tools.diff.comparison.values import Difference, Path, differences
from tools.preview.former import matched
from tools.preview.recording import SECRET, Recording, Resource


def compare(
    before: Recording,
    after: Recording,
    encrypted: Mapping[str, list[Path]] | None = None,
    created: tuple[Recording, Recording] | None = None,
) -> list[Change]:
    """Changes in the order of the plan, deletions last; `same` for what doesn't change.

    encrypted: by URN, where encrypted values change, which a preview can't see. created: the same
    plans with stand-ins, by which values that are unknown before the update are compared; without
    them, what is unknown in both plans counts as equal.
    """
    pairs = matched(before.resources, after.resources)
    inputs = _inputs(before, after, created, pairs)
    found = {
        urn: _first(
            before.resources.get(pairs.get(urn, "")),
            resource,
            (inputs[0].get(pairs.get(urn, ""), {}), inputs[1][urn]),
            (encrypted or {}).get(urn, []),
            pairs,
        )
        for urn, resource in after.resources.items()
    }
    propagate(found, before)
    kept = {*pairs.values(), *after.read_urns}
    gone = [
        Change("delete", each, None, inputs=inputs[0][urn])
        for urn, each in before.resources.items()
        if urn not in kept
    ]
    return [*found.values(), *gone]


def _inputs(
    before: Recording,
    after: Recording,
    created: tuple[Recording, Recording] | None,
    pairs: Mapping[str, str],
) -> tuple[dict[str, Inputs], dict[str, Inputs]]:
    """Both plans' inputs by URN."""
    if created is None:
        first, second = ({u: e.raw_inputs for u, e in p.resources.items()} for p in (before, after))
        return first, second
    names = ((before.resources[old].name, after.resources[new].name) for new, old in pairs.items())
    renamed = {old: new for old, new in names if old != new}
    return completed(before, created[0], renamed), completed(after, created[1])


def _first(
    before: Resource | None,
    after: Resource,
    inputs: tuple[Inputs, Inputs],
    encrypted: list[Path],
    pairs: Mapping[str, str],
) -> Change:
    """The change by the resource's own inputs."""
    if before is None:
        return Change("create", None, after, inputs=inputs[1])
    if not after.custom:
        return _moved(Change("same", before, after))
    options = list(option_differences(before, after))
    hidden = [Difference(path, SECRET, SECRET) for path in encrypted]
    every = [*differences(*inputs), *hidden]
    said = {each.path[0] for each in every}
    every += [e for e in source_differences(before, after, pairs) if e.path[0] not in said]
    own = (each for each in every if not covered(each.path, after.ignore_changes))
    found = [*marked(after, own), *marked(after, options)]
    change = Change("update" if found else "same", before, after, found)
    return _moved(replaced(change))


def _moved(change: Change) -> Change:
    return (
        replace(change, operation="move") if change.moved and change.operation == "same" else change
    )
