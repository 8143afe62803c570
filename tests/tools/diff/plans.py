"""Plans for the tests: recorded ones with a change, which cost no run of the program."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

from tests.programs import previewed
from tools.diff.comparison.change import Change
from tools.diff.comparison.changes import compare
from tools.diff.review import Review, review
from tools.preview.recording import Recording, Resource

Inputs = dict[str, Any]


def plan(stack: str) -> Recording:
    """The recorded plan of a stack file under tests/."""
    return previewed(stack).recording


def with_inputs(recording: Recording, name: str, change: Callable[[Inputs], object]) -> Recording:
    """The plan with other inputs of the custom resource of that logical name."""
    (resource,) = [
        each for each in recording.resources.values() if each.custom and each.name == name
    ]
    inputs = copy.deepcopy(resource.raw_inputs)
    change(inputs)
    return replacing(recording, resource.urn, dataclasses.replace(resource, raw_inputs=inputs))


def with_new(type_: str, inputs: Inputs) -> Recording:
    """The plan of prod with one more resource, named `new`."""
    model = next(each for each in plan("prod").resources.values() if each.custom)
    new = dataclasses.replace(
        model, urn=f"{model.urn}-new", type=type_, name="new", raw_inputs=inputs,
        property_dependencies={},
    )  # fmt: skip
    return replacing(plan("prod"), model.urn, model, new)


def replacing(recording: Recording, urn: str, *instead: Resource) -> Recording:
    """The plan with other resources in the place of one."""
    resources = [
        found
        for key, each in recording.resources.items()
        for found in (instead if key == urn else [each])
    ]
    return dataclasses.replace(recording, resources={each.urn: each for each in resources})


def reviewed(before: Recording, after: Recording, stack: str = "prod") -> Review:
    """The review of two plans of a stack."""
    return review(stack, "main (1234567)", before, after)


def noted(review: Review, label: str) -> list[str]:
    """Sentences behind a label."""
    return [each.text for each in review.notes if each.label == label]


def done(before: Recording, after: Recording) -> dict[str, set[str]]:
    """Logical names of the custom resources that change, by operation."""
    found: dict[str, set[str]] = {}
    for each in compare(before, after):
        if each.operation != "same" and each.resource.custom:
            found.setdefault(each.operation, set()).add(each.resource.name)
    return found


def of(changes: list[Change], name: str) -> Change:
    """The change of the custom resource of that logical name."""
    (found,) = [e for e in changes if e.resource.custom and e.resource.name == name]
    return found
