"""Rules on programs that aren't this one: each in the shapes that providers accept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from policy.evaluate import evaluate
from policy.node import UNKNOWN
from policy.plan import Plan, Resource
from policy.rule import Rule
from policy.rules import RULES
from tests.policy.broken import changed
from tests.policy.shapes_aws import AWS
from tests.policy.shapes_kubernetes import KUBERNETES
from tests.policy.shapes_met import ALL, MET, UNDECIDED

Resources = tuple[Resource, ...]
BROKEN = [*KUBERNETES, *AWS]


@pytest.mark.parametrize(("name", "says", "resources"), BROKEN)
def test_broken_in_another_shape(name: str, says: str, resources: Resources) -> None:
    findings = evaluate(Plan(resources), rules=[RULES[name]])
    messages = [each.message for each in findings.violations]
    assert any(says in message for message in messages), findings
    assert "hunter2" not in str(messages)  # every secret of these plans


def test_unknown_property_hides_no_violation() -> None:
    """Whichever property is unknown, the rule reports a violation or says what it can't know."""
    silent = {
        (name, resource.type, path)
        for name, _, resources in BROKEN
        for resource in resources
        for path in _paths(resource.inputs.raw)
        if _silent(RULES[name], _hidden(resources, resource, path))
    }
    # Without the engine's dependencies, nothing tells whose rule it is.
    assert {path for _, _, path in silent} == {"arn", "listenerArn"}


def _paths(value: Any, above: str = "") -> Iterator[str]:
    pairs: Iterable[tuple[object, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, below in pairs:
        path = f"{above}|{key}" if above else str(key)
        yield path
        yield from _paths(below, path)


def _hidden(resources: Resources, resource: Resource, path: str) -> Plan:
    """The plan in which one property of a resource is unknown."""
    [hidden] = changed(Plan([resource]), resource.type, path, UNKNOWN).resources
    return Plan(hidden if each is resource else each for each in resources)


def _silent(rule: Rule, plan: Plan) -> bool:
    findings = evaluate(plan, rules=[rule])
    return not findings.violations and not findings.unknowns


@pytest.mark.parametrize(("name", "resources"), MET)
def test_met_in_another_shape(name: str, resources: Resources) -> None:
    plan = Plan(resources)
    rules = [RULES[name]] if name != ALL else list(RULES.values())
    assert any(plan.of(*rule.on) for rule in rules)
    findings = evaluate(plan, rules=rules)
    assert [(each.rule.name, each.message) for each in findings.violations] == []
    assert findings.unknowns == []


@pytest.mark.parametrize(("name", "says", "resources"), UNDECIDED)
def test_undecided_in_another_shape(name: str, says: str, resources: Resources) -> None:
    findings = evaluate(Plan(resources), rules=[RULES[name]])
    assert findings.violations == []
    [unknown] = findings.unknowns
    assert says in unknown.property
