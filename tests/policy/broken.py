"""Plans of the stacks with one thing broken."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from policy.node import Node
from policy.plan import Plan, Resource
from tests.programs import previewed
from tests.tokens import INSTANCE, REPOSITORY
from tools.preview.policy import plan_of
from tools.preview.recording import Recording

GONE = object()  # instead of a value: the property, or without a path the resource, isn't there


@dataclass(frozen=True)
class Row:
    """A rule, and the changes of a stack's plan that meet it, break it and hide it from it."""

    rule: str
    stack: str
    """Empty: the plan has `extra` only"""
    on: str
    """Type token of what is changed, or TYPE#NAME for one of several"""
    path: str
    """Keys with `|` between; numbers are places in a list, empty is the resource itself"""
    breaks: Any
    """The value at `path` with which the rule is broken"""
    says: str
    """Part of the message"""
    meets: Any = None
    """The value at `path` with which it is met, if the stack's own doesn't meet it"""
    unknown: str = ""
    """The path of a property that the rule reads, if not `path`"""
    extra: tuple[Resource, ...] = ()
    """Resources that no stack has"""


def resource(type_: str, name: str, inputs: Mapping[str, Any], **refers: str) -> Resource:
    """A resource of dev. refers: URNs of the resources that its properties are computed from."""
    urn = f"urn:pulumi:dev::backstage::{type_}::{name}"
    found = {key: frozenset({value}) for key, value in refers.items()}
    return Resource(urn, type_, name, Node(dict(inputs)), found)


@cache
def whole(stack: str) -> Plan:
    """A stack's plan without unknowns."""
    return plan_of(previewed(stack, creates=True).recording)


def with_instances(number: int, creates: bool) -> Recording:
    """What prod's run would be with other instances of the database."""
    resources = previewed("prod", creates).recording.resources
    return Recording(
        {
            urn: each
            for urn, each in resources.items()
            if each.type != INSTANCE or int(each.name[-1]) < number
        }
    )


def without_scan(creates: bool) -> Recording:
    """What dev's run would be with a repository that scans no image."""
    resources = dict(previewed("dev", creates).recording.resources)
    for urn, each in resources.items():
        if each.type == REPOSITORY:
            inputs = {**each.raw_inputs, "imageScanningConfiguration": {"scanOnPush": False}}
            resources[urn] = replace(each, raw_inputs=inputs)
    return Recording(resources)


def base(row: Row) -> Plan:
    """The plan that meets the row's rule."""
    plan = Plan([*(whole(row.stack).resources if row.stack else ()), *row.extra])
    return plan if row.meets is None else changed(plan, row.on, row.path, row.meets)


def changed(plan: Plan, on: str, path: str, value: Any) -> Plan:
    """The plan with another value in every resource of a type, or in TYPE#NAME."""
    type_, _, name = on.partition("#")
    resources = []
    found = False
    for each in plan.resources:
        if each.type == type_ and name in ("", each.name):
            found = True
            if not path and value is GONE:
                continue
            inputs = copy.deepcopy(each.inputs.raw)
            put(inputs, path.split("|"), value)
            each = replace(each, inputs=Node(inputs))
        resources.append(each)
    assert found, on
    return Plan(resources)


def put(inputs: Any, keys: list[str], value: Any) -> None:
    """Sets or removes a property."""
    *above, last = [int(key) if key.isdecimal() else key for key in keys]
    for key in above:
        inputs = inputs[key] if isinstance(key, int) else inputs.setdefault(key, {})
    if value is GONE:
        del inputs[last]
    elif isinstance(last, int) and last == len(inputs):
        inputs.append(value)
    else:
        inputs[last] = value
