"""Every rule is met by a plan, broken by a change of it, and says so where it can't tell."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from policy.backstage import configured, duration, seconds
from policy.evaluate import evaluate
from policy.node import UNKNOWN, Node, UnknownError
from policy.plan import Plan
from policy.rules import RULES
from settings.app_config import AppConfig
from tests.policy.broken import Row, base, changed, resource, whole
from tests.policy.rule_table import POLICY, ROWS
from tests.tokens import CONFIG_MAP, DEPLOYMENT, NETWORK_POLICY

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


@pytest.mark.parametrize("name", [None, UNKNOWN])
def test_only_mounted_configuration_counts(name: object) -> None:
    """Neither has a name yet: a volume of another kind, and a ConfigMap of somebody else."""
    volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "x", "configMap": {"name": UNKNOWN}}]
    workload = resource(DEPLOYMENT, "d", {"spec": {"template": {"spec": {"volumes": volumes}}}})
    data = {"app-config.yaml": "backend: {server: {keepAliveTimeout: 1s}}"}
    other = resource(CONFIG_MAP, "other", {"metadata": {"name": name}, "data": data})
    assert configured(workload, Plan([workload, other])) == []
    named = resource(CONFIG_MAP, "own", {"data": data})
    owner = replace(workload, dependencies={"spec": frozenset({named.urn})})
    assert len(configured(owner, Plan([owner, named, other]))) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"seconds": 15}, 15), ({"minutes": 1, "seconds": 5}, 65), ("1500ms", 1.5), ("2m", 120),
     ("1.5 Minutes", 90), ("90 secs", 90), ("1.2.3s", 0), ({"weeks": 1}, 604800),
     ("1d", 86400), ("PT1M5S", 65), ("P1W", 604800), ("PT0.5H", 1800), (" PT1,2345S ", 1.234),
     ("P1Y1M", 395 * 86400), ("PT-1.5S", -1.5), ("PT.5S", 0), ("PT", 0), ("soon", 0),
     (5000, 0), (None, None)],
)  # fmt: skip
def test_durations(given: object, expected: float | None) -> None:
    assert seconds(Node(given)) == expected
    in_settings = AppConfig.parse(json.dumps({"a": given})).seconds("a")
    assert (in_settings or 0) == (expected or 0)


def test_later_configuration_overrides() -> None:
    order = ["--config", "/etc/app-config.stack.yaml", "--config", "/etc/app-config.base.yaml"]
    variables = [
        {"name": "APP_CONFIG_backend_x", "value": '{"seconds": 4}'},
        {"name": "APP_CONFIG_backend_z", "value": UNKNOWN},
        {"name": "APP_CONFIG_backend_y", "valueFrom": {}},
    ]
    spec = {"template": {"spec": {"containers": [{"args": order, "env": variables}]}}}
    data = {
        f"app-config.{name}.yaml": f"backend: {{x: {length}}}"
        for name, length in (("base", "1s"), ("other", "2s"), ("stack", "3s"))
    }
    config_map = resource(CONFIG_MAP, "own", {"data": data})
    workload = resource(DEPLOYMENT, "d", {"spec": spec}, spec=config_map.urn)
    configs = configured(workload, Plan([workload, config_map]))
    assert [duration([each], "backend", "x") for each in configs] == [
        2, 3, 1, 4, None
    ]  # fmt: skip
    assert duration(configs, "backend", "x") == 4
    assert duration(configs, "backend", "y") is None
    with pytest.raises(UnknownError):
        duration(configs, "backend", "z")
