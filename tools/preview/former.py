"""Who a resource was before, by its aliases and those of its parents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from tools.preview.recording import Resource, urn_of

Resources = Mapping[str, Resource]


def matched(before: Resources, after: Resources) -> dict[str, str]:
    """URN in `before` by URN in `after`, for every resource that both have.

    As in the engine, a resource's own URN comes before its aliases, and nothing is matched twice.
    """
    formers = formers_in(after)
    found = {urn: urn for urn in after if urn in before}
    taken = set(found)
    for urn in after:
        if urn not in found:
            free = (each for each in formers(urn) if each in before and each not in taken)
            if former := next(free, None):
                found[urn] = former
                taken.add(former)
    return found


def formers_in(resources: Resources) -> Callable[[str], tuple[str, ...]]:
    """A function from a resource's URN to those that it may have had, the most likely first."""

    @cache
    def formers(urn: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_formers(urn, resources, formers_of=formers)))

    return formers


def _formers(
    urn: str, after: Resources, formers_of: Callable[[str], tuple[str, ...]]
) -> Iterator[str]:
    resource = after[urn]
    parent = resource.parent
    parents = [parent, *(formers_of(parent) if parent in after else ())]
    for alias in [{}, *resource.aliases]:
        if "urn" in alias:
            yield alias["urn"]
            continue
        spec = alias.get("spec", {})
        given = spec.get("parentUrn")
        candidates = [""] if spec.get("noParent") else [given] if given else parents
        for each in candidates:
            name = spec.get("name") or _inherited(resource.name, parent, each)
            former = _urn(resource, each, spec.get("type") or resource.type, name, spec)
            if former != urn:
                yield former


def _inherited(name: str, parent: str, former_parent: str) -> str:
    """The name of a child, whose beginning changes with its parent's name."""
    now, then = (each.rpartition("::")[2] for each in (parent, former_parent))
    return then + name.removeprefix(now) if now and then and name.startswith(now) else name


def _urn(resource: Resource, parent: str, type_: str, name: str, spec: Mapping[str, str]) -> str:
    stack, project = resource.urn.removeprefix("urn:pulumi:").split("::")[:2]
    where = spec.get("stack") or stack, spec.get("project") or project
    return urn_of(*where, parent, type_, name)
