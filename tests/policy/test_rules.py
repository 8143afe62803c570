"""Every rule is met by a plan, broken by a change of it, and says so where it can't tell."""

from __future__ import annotations

import re

import pytest

from policy.evaluate import evaluate
from policy.node import UNKNOWN
from policy.rules import RULES
from tests.policy.broken import Row, base, changed
from tests.policy.rule_table import ROWS

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
