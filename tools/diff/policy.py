"""What a change does to the policy's verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from policy import suppressions
from policy.evaluate import Violation
from policy.suppressions import Suppression, SuppressionError, Suppressions
from tools.preview.policy import Verdict, verdict
from tools.preview.recording import Recording

SUPPRESSIONS = "policy/suppressions.yaml"


@dataclass(frozen=True)
class PolicyChange:
    """Violations by what the change does to them."""

    new: list[Violation] = field(default_factory=list)
    fixed: list[Violation] = field(default_factory=list)
    standing: list[Violation] = field(default_factory=list)
    suppressed: list[tuple[Violation, Suppression]] = field(default_factory=list)
    """Accepted by the change"""
    problems: list[str] = field(default_factory=list)
    """Suppressions that are of no use"""


def policy_change(before: Verdict | None, after: Verdict) -> PolicyChange:
    """Compares two verdicts by the same rules. before: None, where there was no stack."""
    left = _keyed(before.violations) if before else {}
    accepted = _keyed(each for each, _ in before.suppressed) if before else {}
    now = _keyed(after.violations)
    accepted_now = _keyed(each for each, _ in after.suppressed)
    return PolicyChange(
        new=[each for key, each in now.items() if key not in left],
        fixed=[each for key, each in left.items() if key not in now.keys() | accepted_now.keys()],
        standing=[each for key, each in now.items() if key in left],
        suppressed=[pair for pair in after.suppressed if _key(pair[0]) not in accepted],
        problems=after.problems,
    )


def verdict_of(tree: Path, plan: Recording, created: Recording | None) -> Verdict | None:
    """The verdict on another commit's plan, by the rules of this one and its own suppressions."""
    if not plan.resources:
        return None
    return verdict(plan, created or plan, accepted=_accepted(tree / SUPPRESSIONS))


def _accepted(file: Path) -> Suppressions:
    try:
        return suppressions.load(file)
    except SuppressionError:  # as for a rule that this commit hasn't any more
        return Suppressions(SUPPRESSIONS, "", [])


def _key(violation: Violation) -> tuple[str, str]:
    return violation.rule.name, violation.resource.urn


def _keyed(violations: Iterable[Violation]) -> dict[tuple[str, str], Violation]:
    return {_key(each): each for each in violations}
