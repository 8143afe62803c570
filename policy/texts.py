"""Texts that a program reads at its start: variables, arguments, and the files of ConfigMaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policy.kubernetes import CONFIG_MAP, WORKLOADS, asked, containers
from policy.node import Node
from policy.plan import Resource
from policy.rule import each, together

FUNCTION = "aws:lambda/function:Function"


@dataclass(frozen=True)
class Text:
    name: str
    """Of the variable or file, or the argument before, if that is an option"""
    value: Node

    def __str__(self) -> str:
        """What messages call it: never an argument, which may be a secret."""
        variable = self.value.path.removesuffix("].value")
        return self.value.path if variable == self.value.path else f"{variable}]: {self.name}"


def of(resource: Resource, check: Callable[[Text], str | None]) -> Iterator[str]:
    """What a check says of each text of a workload, ConfigMap or Lambda function."""

    def variable(node: Node) -> str | None:
        return check(Text(node.at("name").text, node.at("value")))

    def argument(pair: tuple[Node | None, Node]) -> str | None:
        before, node = pair
        option = str(before.raw) if before else ""
        return check(Text(option if option.startswith("-") else "", node))

    def container(node: Node) -> Iterator[str]:
        lists = [node.at("command").items, node.at("args").items]
        lists += [each.at("exec", "command").items for each in asked(node)]
        pairs = [pair for items in lists for pair in zip([None, *items], items, strict=False)]
        yield from together(each(node.at("env").items, variable), each(pairs, argument))

    if resource.type in WORKLOADS:
        yield from each(containers(resource), container)
    keys = {CONFIG_MAP: ("data",), FUNCTION: ("environment", "variables")}
    entries = resource.inputs.at(*keys[resource.type]).entries if resource.type in keys else {}
    yield from each(entries.items(), lambda entry: check(Text(*entry)))
