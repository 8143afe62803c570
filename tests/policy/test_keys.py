"""What a key takes and the policy refuses, as the key says it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policy.rule import Rule
from policy.rules import RULES
from settings.keys import KEYS
from tests.policy.test_stacks import TODAY
from tests.programs import changed, previewed
from tools.preview.policy import verdict

REFUSING = {
    name: refused for name, key in KEYS.items() if (refused := key.policy_refuses) is not None
}
# Of every such key that a stack with Aurora knows.
REFUSED: dict[str, object] = {
    "databaseEngineVersion": "17.5",
    "databaseInstances": 1,
    "databaseBackupRetentionDays": 6,
    "databaseDeletionProtection": False,
    "databaseSkipFinalSnapshot": True,
    "env": {"GITHUB_TOKEN": "x", "PGSSLMODE": "require"},
    "networkPolicy": False,
    "allowHttp": True,
    "certificateArn": None,
}
SLOW = "backend: {server: {keepAliveTimeout: 5s}, lifecycle: {serverShutdownDelay: 90s}}\n"


def test_every_such_value_is_refused_by_those_rules(tmp_path: Path) -> None:
    file = tmp_path / "app-config.yaml"
    file.write_text(SLOW, encoding="utf-8")
    run = changed("prod", {**REFUSED, "appConfigPaths": [str(file)]}, creates=True).recording
    found = {each.rule.name for each in verdict(run, run, today=TODAY).violations}
    names = set(REFUSING) & {*REFUSED, "appConfigPaths"}
    assert found == {rule for name in names for rule in REFUSING[name].rules}
    of_postgres = set(REFUSING) - names
    assert of_postgres == {"database", "databaseImage"}
    run = previewed("in-cluster", creates=True).recording
    found = {each.rule.name for each in verdict(run, run, today=TODAY).violations}
    assert set(REFUSING["database"].rules) <= found


def test_a_fix_sets_no_default_that_is_refused() -> None:
    defaults = {name: str(KEYS[name].field.default) for name in REFUSING}
    refused = {name for name, each in REFUSING.items() if each.what == defaults[name].lower()}
    assert refused == {name for name, each in REFUSING.items() if each.instead}


@pytest.mark.parametrize("name", REFUSING)
def test_each_of_those_rules_names_the_key(name: str) -> None:
    for rule in REFUSING[name].rules:
        assert RULES[rule].level == "mandatory"
        assert name in re.findall(r"\w+", RULES[rule].fix)


@pytest.mark.parametrize("rule", [each for each in RULES.values() if each.level == "mandatory"])
def test_a_key_that_a_rule_names_says_so(rule: Rule) -> None:
    _, _, project = rule.fix.partition("in this project")
    named = [name for name in re.findall(r"\w+", project) if name in KEYS]
    refusing = [name for name, refused in REFUSING.items() if rule.name in refused.rules]
    assert bool(named) == bool(refusing)
