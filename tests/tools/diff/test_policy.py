"""What a change does to the policy's verdict."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pytest

from policy.evaluate import Violation
from policy.node import Node
from policy.plan import Resource
from policy.rules import RULES
from policy.suppressions import Suppression
from tests.tokens import CLUSTER
from tests.tools.diff.plans import plan, with_inputs
from tools.diff.markdown import markdown
from tools.diff.policy import PolicyChange, policy_change, verdict_of
from tools.diff.review import review
from tools.diff.text import text
from tools.preview.policy import Verdict, verdict
from tools.preview.recording import Recording

MET = Verdict([], [], [], [], [], rules=64, resources=42)
RULE = RULES["rds-encrypted"]
BROKEN = Violation(
    RULE,
    Resource("urn:x", CLUSTER, "backstage-1-cluster", Node({})),
    "isn't encrypted",
    "mandatory",
)
ENTRY = Suppression(RULE.name, "*", "prod", "moves", "platform", date(2027, 5, 26))
LEFT = dataclasses.replace(MET, violations=[BROKEN])
ACCEPTED = dataclasses.replace(MET, suppressed=[(BROKEN, ENTRY)])


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (MET, MET, PolicyChange()),
        (MET, LEFT, PolicyChange(new=[BROKEN])),
        (LEFT, MET, PolicyChange(fixed=[BROKEN])),
        (LEFT, LEFT, PolicyChange(standing=[BROKEN])),
        (None, LEFT, PolicyChange(new=[BROKEN])),
        (ACCEPTED, ACCEPTED, PolicyChange()),
        (MET, ACCEPTED, PolicyChange(suppressed=[(BROKEN, ENTRY)])),
        (LEFT, ACCEPTED, PolicyChange(suppressed=[(BROKEN, ENTRY)])),
        (MET, dataclasses.replace(MET, problems=["expired"]), PolicyChange(problems=["expired"])),
    ],
)
def test_two_verdicts(before: Verdict | None, after: Verdict, change: PolicyChange) -> None:
    assert policy_change(before, after) == change


def test_a_plan_is_judged_by_the_rules(tmp_path: Path) -> None:
    broken = with_inputs(
        plan("prod"), "backstage-1-cluster", lambda inputs: inputs.update(storageEncrypted=False)
    )
    (found,) = policy_change(verdict(plan("prod"), plan("prod")), verdict(broken, broken)).new
    assert (found.rule.name, found.resource.name) == (RULE.name, "backstage-1-cluster")
    judged = verdict_of(tmp_path, broken, broken)  # a commit without suppressions
    assert judged
    assert judged.suppressed == []
    assert verdict_of(tmp_path, Recording(), Recording()) is None


def test_suppressions_that_this_commit_can_t_read_count_as_none(tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "suppressions.yaml").write_text("not: ours\n", encoding="utf-8")
    judged = verdict_of(tmp_path, plan("dev"), plan("dev"))
    assert judged
    assert judged.violations
    assert judged.suppressed == []


def test_what_the_report_says() -> None:
    change = PolicyChange(new=[BROKEN], suppressed=[(BROKEN, ENTRY)], problems=["expired"])
    found = review("prod", "main", plan("prod"), plan("prod"), policy=change)
    lines = text(found).splitlines()
    start = lines.index("Policy: violations: 1 new, 1 newly suppressed")
    assert lines[start + 1 : start + 4] == [
        "    new: backstage-1-cluster: rds-encrypted (medium, mandatory): isn't encrypted",
        "    suppressed: backstage-1-cluster: rds-encrypted until 2027-05-26, platform: moves",
        "    expired",
    ]
    assert "| policy | violations: 1 new, 1 newly suppressed<br>new: " in markdown(found)
    none = review("prod", "main", plan("prod"), plan("prod"))
    assert "Policy: nothing changes" in text(none)
