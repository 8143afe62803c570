"""What scanners find in the previews of every stack is what decision 0008 accepts, and no more."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from tests.programs import COMMITTED, EKS_STACKS, LOCAL_STACKS, ROOT, STACKS, previewed
from tools.scan.accepted import Row, differences, rows
from tools.scan.controls import unmet
from tools.scan.scanners import Finding, checkov, kube_score, write

PAGE = ROOT / "docs" / "decisions" / "0008-scanner-findings.md"
ACCEPTED = rows(PAGE.read_text(encoding="utf-8"))
GROUPS = {
    "eks": EKS_STACKS,
    "local": LOCAL_STACKS,
    "variants": tuple(stack for stack in EKS_STACKS if stack not in COMMITTED),
}


def agree(findings: Collection[Finding], tool: Callable[[str], bool]) -> None:
    """Fails unless findings and the rows of one tool, whose checks `tool` recognizes, agree."""
    accepted = []
    for row in ACCEPTED:
        checks = tuple(check for check in row.checks if tool(check))
        if checks:
            accepted.append(row._replace(checks=checks))
    problems = sorted(differences(accepted, findings, GROUPS))
    assert not problems, "\n".join(problems)


def test_unmet_controls_of_security_hub_are_those_of_the_page() -> None:
    findings = [
        Finding(control, resource, stack)
        for stack in STACKS
        for control, resource in unmet(previewed(stack, creates=True).recording)
    ]
    agree(findings, lambda check: "." in check)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What the scanners read, a folder for each stack."""
    root = tmp_path_factory.mktemp("scan")
    for stack in STACKS:
        created = previewed(stack, creates=True).recording
        write(previewed(stack).recording, created, root / stack)
    return [root / stack for stack in STACKS]


@pytest.mark.scan
def test_checkov_finds_what_the_page_lists(folders: list[Path]) -> None:
    executable = ROOT / ".local" / "scan" / "bin" / "checkov"
    if not executable.exists():
        pytest.skip("no checkov in .local/scan; run `make scan`")
    findings = [finding for folder in folders for finding in checkov(executable, folder)]
    agree(findings, lambda check: check.startswith("CKV"))


@pytest.mark.scan
def test_kube_score_finds_what_the_page_lists(folders: list[Path]) -> None:
    executable = shutil.which("kube-score")
    if executable is None:
        pytest.skip("no kube-score on PATH; run `make scan`")
    findings = [finding for folder in folders for finding in kube_score(executable, folder)]
    agree(findings, str.islower)


@pytest.mark.scan
def test_no_review_is_overdue() -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    overdue = [f"{row.owner}: {', '.join(row.checks)}" for row in ACCEPTED if row.review < today]
    assert overdue == [], "decide anew, then change the date in 0008"


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: row.checks[0])
def test_each_row_has_a_known_owner_and_names_stacks(row: Row) -> None:
    assert row.owner in ("platform", "security")
    assert set(row.stacks) <= {*STACKS, *GROUPS}
    assert datetime.date(2026, 11, 26) < row.review


TABLE = """
| check | on | stacks | finding | why it stays | owner | review |
|---|---|---|---|---|---|---|
| A.1, A.2 | Job.*, Pod.one | eks, local | something | a reason | platform | 2027-05-26 |
"""
FOUND = [Finding("A.1", "Job.any", "prod"), Finding("A.2", "Pod.one", "local")]


def test_a_table_and_its_findings_agree() -> None:
    assert list(differences(rows(TABLE), FOUND, GROUPS)) == []


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (Finding("A.3", "Job.any", "prod"), "not in 0008: A.3 on Job.any in prod"),
        (Finding("A.1", "Pod.two", "prod"), "not in 0008: A.1 on Pod.two in prod"),
        (Finding("A.1", "Job.any", "other"), "not in 0008: A.1 on Job.any in other"),
    ],
)
def test_a_new_check_resource_or_stack_is_found(finding: Finding, expected: str) -> None:
    assert list(differences(rows(TABLE), [*FOUND, finding], GROUPS)) == [expected]


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ([FOUND[0], Finding("A.1", "Pod.one", "local")], "A.2 on Job.*, Pod.one"),
        ([FOUND[0], Finding("A.2", "Job.any", "local")], "A.1, A.2 on Pod.one"),
        ([FOUND[0], Finding("A.2", "Pod.one", "prod")], "A.1, A.2 in local"),
    ],
)
def test_what_no_longer_occurs_is_found(left: list[Finding], expected: str) -> None:
    assert list(differences(rows(TABLE), left, GROUPS)) == [f"no longer occurs: {expected}"]


@pytest.mark.parametrize(
    ("old", "new"), [(" | a reason", ""), ("a reason", ""), ("2027-05-26", "soon")]
)
def test_a_malformed_row_is_refused(old: str, new: str) -> None:
    with pytest.raises(ValueError, match=r"0008|isoformat"):
        rows(TABLE.replace(old, new))
