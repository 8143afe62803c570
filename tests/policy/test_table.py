"""The table of rules in docs/policy.md."""

from __future__ import annotations

import itertools

import pytest

from policy.rules import RULES
from tests.programs import ROOT

PAGE = ROOT / "docs" / "policy.md"
HEADER = "| rule | controls | severity | level | what holds |\n|---|---|---|---|---|\n"


def test_the_documentation_lists_every_rule(pytestconfig: pytest.Config) -> None:
    """`pytest --update-golden` rewrites the table."""
    table = HEADER + "".join(
        f"| {rule.name} | {', '.join(rule.controls)} | {rule.severity} "
        f"| {'off' if rule.level == 'disabled' else rule.level} | {rule.what} |\n"
        for rule in RULES.values()
    )
    before, header, after = PAGE.read_text(encoding="utf-8").partition(HEADER)
    documented = "".join(itertools.takewhile(lambda row: row[0] == "|", after.splitlines(True)))
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(before + table + after.removeprefix(documented), encoding="utf-8")
    else:
        assert header + documented == table


def test_rules_are_complete() -> None:
    for rule in RULES.values():
        assert rule.on
        assert rule.what
        assert rule.fix
