"""The rules as policies of Pulumi's engine."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from policy import suppressions
from policy.evaluate import Violation, judge
from policy.node import UNKNOWN, Node
from policy.plan import Plan, Resource
from policy.rule import Rule
from policy.rules import RULES
from policy.suppressions import SuppressionError, Suppressions
from policy.tokens import canonical

Report = Callable[..., None]


class UndecidedError(UnknownValueError):  # type: ignore[misc]
    """Rules that have to know what only the update knows; the engine shows it as an advice."""

    def __init__(self, properties: Sequence[str]) -> None:
        super().__init__(UNKNOWN_STRING_VALUE, list(properties))
        self.message = f"unknown until the update: {', '.join(properties)}"


class Analyzer:
    """The policies of one run, which remembers the violations that it met.

    accepted: instead of the pack's suppressions. today: instead of now.
    """

    def __init__(
        self, accepted: Suppressions | None = None, today: datetime.date | None = None
    ) -> None:
        self._today = today or datetime.datetime.now(datetime.UTC).date()
        self._met: dict[tuple[str, str, str], Violation] = {}
        self._problem = ""
        try:
            self._accepted = accepted or suppressions.load()
        except SuppressionError as error:
            self._accepted, self._problem = Suppressions("", "", []), str(error)

    @property
    def policies(self) -> list[Policy]:
        """A policy for each rule, and one that checks the suppressions."""
        return [
            *(self._policy(rule) for rule in RULES.values()),
            StackValidationPolicy(
                "suppressions",
                "Suppressions are complete, in force and needed.",
                self._suppressions,
                EnforcementLevel.MANDATORY,
            ),
        ]

    def _policy(self, rule: Rule) -> Policy:
        notes = {
            "name": rule.name,
            "description": f"{rule.what[:1].upper()}{rule.what[1:]}.",
            "enforcement_level": EnforcementLevel[rule.level.upper()],
            "severity": Severity[rule.severity.upper()],
            "tags": list(rule.controls),
            "remediation_steps": rule.fix,
        }
        if rule.whole:
            return StackValidationPolicy(
                **notes, validate=lambda args, report: self._stack(rule, args, report)
            )
        return ResourceValidationPolicy(
            **notes, validate=lambda args, report: self._resource(rule, args, report)
        )

    def _resource(self, rule: Rule, args: ResourceValidationArgs, report: Report) -> None:
        if canonical(args.resource_type) in rule.on:
            resource = Resource(args.urn, args.resource_type, args.name, Node(_plain(args.props)))
            self._judge(rule, [resource], Plan([resource]), report)

    def _stack(self, rule: Rule, args: StackValidationArgs, report: Report) -> None:
        plan = Plan(
            Resource(
                each.urn,
                each.resource_type,
                each.name,
                Node(_plain(each.props)),
                {
                    key: frozenset(other.urn for other in others)
                    for key, others in each.property_dependencies.items()
                },
            )
            for each in args.resources
        )
        self._judge(rule, plan.of(*rule.on), plan, report)

    def _judge(self, rule: Rule, resources: Iterable[Resource], plan: Plan, report: Report) -> None:
        unknown = []
        for resource in resources:
            messages, path = judge(rule, resource, plan)
            for message in messages:
                violation = Violation(rule, resource, message, rule.level)
                self._met[rule.name, resource.urn, message] = violation
                if self._left([violation]):
                    report(f"{message}\nFix: {rule.fix}", resource.urn)
            if path is not None:
                unknown.append(f"{path} of {resource.name}")
        if unknown:
            raise UndecidedError(unknown)

    def _left(self, violations: list[Violation]) -> list[Violation]:
        resource = violations[0].resource
        place = (resource.project, resource.stack)
        return self._accepted.applied(violations, *place, self._today).left

    def _suppressions(self, args: StackValidationArgs, report: Report) -> None:
        if self._problem:
            report(self._problem)
        if args.resources:
            _, _, stack, _, project, *_ = args.resources[0].urn.split(":")
            met = self._met.values()
            for problem in self._accepted.applied(met, project, stack, self._today).problems:
                report(problem)


def _plain(value: Any) -> Any:
    """A value of the SDK's, whose proxies raise where something unknown is read."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_item(value, index) for index in range(len(value))]
    # Every number of the engine's is a float.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _item(value: Any, key: Any) -> Any:
    try:
        return _plain(value[key])
    except UnknownValueError:
        return UNKNOWN
