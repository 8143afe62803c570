"""Controls that the policy leaves off, and that a plan doesn't meet."""

from __future__ import annotations

from collections.abc import Iterator

from policy.evaluate import evaluate
from policy.plan import Resource
from policy.rule import Level
from policy.rules import RULES
from tools.preview.policy import plan_of
from tools.preview.recording import Recording
from tools.scan.terraform import terraform_type

OFF = [rule for rule in RULES.values() if rule.level == "disabled" and rule.controls]
_ON: dict[str, Level] = dict.fromkeys((rule.name for rule in OFF), "mandatory")


def unmet(created: Recording) -> Iterator[tuple[str, str]]:
    """Each control that a resource of a stack doesn't meet, and the resource as `type.name`.

    created: a run with stand-ins, because policies are read.
    """
    for violation in evaluate(plan_of(created), _ON, OFF).violations:
        for control in violation.rule.controls:
            yield control, _name(violation.resource)


def _name(resource: Resource) -> str:
    if resource.type.startswith("aws:"):
        return f"{terraform_type(resource.urn)}.{resource.name}"
    return f"{resource.inputs.at('kind').text}.{resource.inputs.at('metadata', 'name').text}"
