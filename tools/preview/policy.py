"""The policy's verdict on a plan, offline."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

from pulumi.runtime import rpc

from policy import suppressions
from policy.evaluate import Unknown, Violation, evaluate, judge
from policy.node import UNKNOWN, Node
from policy.plan import Plan, Resource
from policy.rule import Level
from policy.suppressions import Suppression, Suppressions
from tools.preview.recording import Recording, is_secret


@dataclass(frozen=True)
class Verdict:
    violations: list[Violation]
    """Not suppressed"""
    suppressed: list[tuple[Violation, Suppression]]
    unknowns: list[Unknown]
    """Rules that the update decides; the preview's stand-ins meet them"""
    undecided: list[Unknown]
    """Rules that stand-ins don't decide either"""
    problems: list[str]
    """Suppressions that are of no use"""
    rules: int
    resources: int

    @property
    def passed(self) -> bool:
        """Whether nothing mandatory stands against the plan."""
        return not self.problems and all(each.level != "mandatory" for each in self.violations)


def plan_of(recording: Recording) -> Plan:
    """The resources of a run, secrets as plain values, as the engine sends them to a policy."""
    return Plan(
        Resource(
            each.urn,
            each.type,
            each.name,
            Node(_value(each.raw_inputs)),
            {key: frozenset(urns) for key, urns in each.property_dependencies.items()},
        )
        for each in recording.resources.values()
    )


def _value(raw: Any) -> Any:
    raw = raw["value"] if is_secret(raw) else raw
    if isinstance(raw, dict):
        return {key: _value(entry) for key, entry in raw.items()}
    if isinstance(raw, list):
        return [_value(entry) for entry in raw]
    return UNKNOWN if raw == rpc.UNKNOWN else raw


def verdict(
    preview: Recording,
    created: Recording,
    levels: Mapping[str, Level] | None = None,
    accepted: Suppressions | None = None,
    today: datetime.date | None = None,
) -> Verdict:
    """Judges a plan.

    preview, created: the run with unknowns and the one with stand-ins, which decides what the first
    leaves open. levels: see `policy.levels`. accepted, today: instead of the pack's file and now.
    Raises SuppressionError.
    """
    plan, complete = plan_of(preview), plan_of(created)
    findings = evaluate(plan, levels)
    counterparts = {resource.urn: resource for resource in complete.resources}
    met, undecided = [], []
    for unknown in findings.unknowns:
        messages, still = judge(unknown.rule, counterparts[unknown.resource.urn], complete)
        if still is not None:
            undecided.append(unknown)
        elif not messages:
            met.append(unknown)
        known = {v.message for v in findings.violations if v.resource == unknown.resource}
        level = (levels or {}).get(unknown.rule.name, unknown.rule.level)
        findings.violations += [
            Violation(unknown.rule, unknown.resource, each, level)
            for each in messages
            if each not in known
        ]
    result = (accepted or suppressions.load()).applied(
        findings.violations,
        *_place(plan),
        today or datetime.datetime.now(datetime.UTC).date(),
    )
    return Verdict(
        result.left,
        result.accepted,
        met,
        undecided,
        result.problems,
        findings.rules,
        len(plan.resources),
    )


def _place(plan: Plan) -> tuple[str, str]:
    """Project and stack."""
    first = plan.resources[0]
    return first.project, first.stack


def verdict_report(judged: Verdict) -> str:
    """The counts, and below them each violation with its fix."""
    lines = [
        f"Policy: {_counted(len(judged.violations), 'violation')}, "
        f"{len(judged.suppressed)} suppressed, "
        f"{len(judged.unknowns) + len(judged.undecided)} unknown until the update "
        f"({judged.rules} rules, {judged.resources} resources)"
    ]
    for violation in judged.violations:
        rule = violation.rule
        notes = ", ".join((*rule.controls, rule.severity, violation.level))
        lines += _indented(f"{violation.resource.name}: {rule.name} ({notes})", 4)
        lines += _indented(violation.message)
        lines += _indented(f"fix: {rule.fix}")
    for problem in judged.problems:
        lines += _indented(problem, 4)
    if judged.suppressed:
        until = sorted({f"{entry.rule} until {entry.expires}" for _, entry in judged.suppressed})
        lines += _indented(f"Suppressed: {', '.join(until)}", 4)
    if judged.unknowns:
        counts = Counter(unknown.rule.name for unknown in judged.unknowns)
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
        lines += _indented(f"Unknown until the update, met by stand-ins: {listed}", 4)
    for each in judged.undecided:
        lines += _indented(f"Unknown: {each.rule.name} on {each.resource.name}: {each.property}", 4)
    return "\n".join(lines)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _indented(text: str, width: int = 8) -> list[str]:
    indent = " " * width
    return wrap(text, 100, initial_indent=indent, subsequent_indent=indent,
                break_long_words=False, break_on_hyphens=False)  # fmt: skip


def write_verdict(judged: Verdict, file: Path) -> None:
    """Writes the verdict as JSON."""
    content = {
        "passed": judged.passed,
        "rules": judged.rules,
        "resources": judged.resources,
        "violations": [_violation(each) for each in judged.violations],
        "suppressed": [
            {
                **_violation(violation),
                "reason": entry.reason,
                "owner": entry.owner,
                "expires": entry.expires.isoformat(),
            }
            for violation, entry in judged.suppressed
        ],
        "unknown": [
            {"rule": each.rule.name, "urn": each.resource.urn, "property": each.property}
            for each in (*judged.unknowns, *judged.undecided)
        ],
        "problems": judged.problems,
    }
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _violation(violation: Violation) -> dict[str, Any]:
    rule = violation.rule
    return {
        "rule": rule.name,
        "controls": list(rule.controls),
        "severity": rule.severity,
        "level": violation.level,
        "urn": violation.resource.urn,
        "message": violation.message,
        "fix": rule.fix,
    }
