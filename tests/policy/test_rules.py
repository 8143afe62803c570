"""Every rule is met by a plan, broken by a change of it, and says so where it can't tell."""

from __future__ import annotations

import re

import pytest

from policy.evaluate import evaluate
from policy.node import UNKNOWN
from policy.plan import Plan
from policy.rules import RULES
from tests.policy.broken import Row, base, changed, resource, whole
from tests.policy.rule_table import POLICY, ROWS
from tests.tokens import DEPLOYMENT, NETWORK_POLICY

each_row = pytest.mark.parametrize("row", ROWS, ids=[f"{row.rule}-{row.says}" for row in ROWS])


def test_every_rule_has_a_row() -> None:
    assert {row.rule for row in ROWS} == set(RULES)


@each_row
def test_rule(row: Row) -> None:
    rule = RULES[row.rule]
    on = {row.rule: "mandatory"}
    met = base(row)
    findings = evaluate(met, on, [rule])  # type: ignore[arg-type]
    assert not findings.violations
    assert not findings.unknowns

    broken = evaluate(changed(met, row.on, row.path, row.breaks), on, [rule])  # type: ignore[arg-type]
    assert any(row.says in each.message for each in broken.violations), broken.violations
    assert not broken.unknowns

    path = row.unknown or row.path
    shown = re.sub(r"\|(\d+)", r"[\1]", path).replace("|", ".")
    hidden = evaluate(changed(met, row.on, path, UNKNOWN), on, [rule])  # type: ignore[arg-type]
    assert any(each.property.startswith(shown) for each in hidden.unknowns), hidden.unknowns
    assert not hidden.violations


def test_unknown_item_hides_no_violation() -> None:
    """The first container's variable is unknown, the second's is a password."""
    name = "plain-secret"
    containers = [
        {"env": [{"name": "A_TOKEN", "value": UNKNOWN}]},
        {"env": [{"name": "B_TOKEN", "value": "x"}]},
    ]
    spec = {"template": {"spec": {"containers": containers}}}
    found = evaluate(Plan([resource(DEPLOYMENT, "d", {"spec": spec})]), rules=[RULES[name]])
    assert [each.message[:40] for each in found.violations] == [
        "spec.template.spec.containers[1].env[0]:"
    ]
    assert [each.property for each in found.unknowns] == [
        "spec.template.spec.containers[0].env[0].value"
    ]


def test_unknown_neighbour_hides_no_match() -> None:
    policies = changed(whole("prod"), POLICY, "spec|podSelector|matchLabels", UNKNOWN)
    other = resource(
        NETWORK_POLICY,
        "other",
        {
            "metadata": {"namespace": "backstage"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        },
    )
    rule = RULES["network-policy"]
    assert evaluate(policies, rules=[rule]).unknowns
    assert not evaluate(Plan([*policies.resources, other]), rules=[rule]).unknowns
