"""The table of rules in docs/policy.md."""

from __future__ import annotations

import pytest

from policy.rules import RULES
from tests.programs import ROOT
from tests.tables import check

PAGE = ROOT / "docs" / "policy.md"
HEADER = "| rule | controls | severity | level | what holds |\n|---|---|---|---|---|\n"


def test_the_documentation_lists_every_rule(pytestconfig: pytest.Config) -> None:
    """`pytest --update-golden` rewrites the table."""
    rows = "".join(
        f"| {rule.name} | {', '.join(rule.controls)} | {rule.severity} "
        f"| {'off' if rule.level == 'disabled' else rule.level} | {rule.what} |\n"
        for rule in RULES.values()
    )
    check(pytestconfig, PAGE, HEADER, rows)


def test_rules_are_complete() -> None:
    for rule in RULES.values():
        assert rule.on
        assert rule.what
        assert rule.fix
