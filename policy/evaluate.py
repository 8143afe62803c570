"""Runs rules over a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policy.node import MalformedError, UnknownError
from policy.plan import Plan, Resource
from policy.rule import Level, Rule
from policy.rules import RULES


@dataclass(frozen=True)
class Violation:
    rule: Rule
    resource: Resource
    message: str
    level: Level


@dataclass(frozen=True)
class Unknown:
    """A rule that can't tell before the update."""

    rule: Rule
    resource: Resource
    property: str


@dataclass
class Findings:
    violations: list[Violation] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    rules: int = 0
    """How many rules ran"""


def judge(rule: Rule, resource: Resource, plan: Plan) -> tuple[list[str], str | None]:
    """Messages of a rule about a resource, and the property that it would have to know."""
    messages = []
    try:
        for message in rule.check(resource, plan if rule.whole else Plan([resource])):
            messages.append(message)
    except UnknownError as error:
        return messages, error.path
    except MalformedError as error:
        messages.append(str(error))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # The engine would end the whole preview, and a rule that can't read a resource isn't met.
        cause = f"{type(error).__name__}: {error}"
        messages.append(f"the rule can't read the shape of these inputs ({cause})")
    return messages, None


def evaluate(
    plan: Plan, levels: Mapping[str, Level] | None = None, rules: Iterable[Rule] | None = None
) -> Findings:
    """Runs each enabled rule on each resource of its types.

    levels: by name of a rule, instead of the rules' own. rules: instead of all.
    """
    findings = Findings()
    for rule in RULES.values() if rules is None else rules:
        level = (levels or {}).get(rule.name, rule.level)
        if level == "disabled":
            continue
        findings.rules += 1
        for resource in plan.of(*rule.on):
            messages, unknown = judge(rule, resource, plan)
            findings.violations += [Violation(rule, resource, each, level) for each in messages]
            if unknown is not None:
                findings.unknowns.append(Unknown(rule, resource, unknown))
    return findings
