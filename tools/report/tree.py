"""The resources of a plan as a tree, with what the page shows of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from tools.preview.recording import COMPUTED, SECRET, STACK_TYPE, Recording, Resource
from tools.preview.report import by_parent, holding, short_type
from tools.report.texts import Text, separated


@dataclass(frozen=True)
class Item:
    """A resource. anchor: its id on the page. depends: anchors and names. texts: of its inputs."""

    anchor: str
    name: str
    type: str
    package: str
    custom: bool
    protect: bool
    computed: list[str]
    secrets: list[str]
    inputs: str
    texts: list[Text]
    depends: list[tuple[str, str]]
    children: list[Item]

    @property
    def label(self) -> str:
        """The logical name without the project's, which nearly all begin with."""
        return self.name.removeprefix("backstage-")


def anchors(recording: Recording) -> dict[str, str]:
    """An id on the page for each URN."""
    numbers = count(1)
    return {urn: f"r{next(numbers)}" for urn in sorted(recording.resources)}


def tree(recording: Recording) -> list[Item]:
    """The children of the stack, those with children last."""
    children = by_parent(recording)
    ids = anchors(recording)

    def below(parent: str) -> list[Item]:
        found = [_item(each, ids, recording, below(each.urn)) for each in children.get(parent, [])]
        return sorted(found, key=lambda each: (bool(each.children), each.type, each.name))

    (stack,) = [each.urn for each in children.get("", []) if each.type == STACK_TYPE]
    roots = [*below(stack), *(e for e in below("") if e.anchor != ids[stack])]
    return roots


def items(roots: list[Item]) -> Iterator[Item]:
    """Every item of a tree."""
    for each in roots:
        yield each
        yield from items(each.children)


def _item(
    resource: Resource, ids: Mapping[str, str], recording: Recording, children: list[Item]
) -> Item:
    inputs = resource.inputs
    rest, texts = separated(inputs)
    return Item(
        anchor=ids[resource.urn],
        name=resource.name,
        type=short_type(resource.type),
        package=resource.type.removeprefix("pulumi:providers:").partition(":")[0],
        custom=resource.custom,
        protect=resource.protect,
        computed=holding(inputs, COMPUTED),
        secrets=holding(inputs, SECRET),
        inputs=json.dumps(rest, indent=2, ensure_ascii=False) if inputs else "",
        texts=texts,
        depends=sorted(
            (ids[urn], recording.resources[urn].name)
            for urn in resource.dependencies
            if urn in recording.resources
        ),
        children=children,
    )
