"""grype's report and the exceptions: what fails the gate, what doesn't."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from tools.supply import exceptions, programs
from tools.supply.__main__ import main
from tools.supply.errors import SupplyError
from tools.supply.exceptions import Accepted
from tools.supply.gate import Verdict, findings, judge

TODAY = datetime.date(2026, 11, 26)
ENTRY = Accepted(
    "CVE-2026-0001", "portal", "lodash", "no template is user input", "security", TODAY
)


def match(**changes: Any) -> dict[str, Any]:
    """One match of grype's JSON report, schema of release 0.121."""
    given = {
        "id": "GHSA-aaaa-bbbb-cccc",
        "alias": "CVE-2026-0001",
        "severity": "High",
        "fixed": ["4.17.21"],
        "name": "lodash",
        "kind": "npm",
        **changes,
    }
    fix = {"versions": given["fixed"], "state": "fixed" if given["fixed"] else "not-fixed"}
    return {
        "vulnerability": {
            "id": given["id"],
            "dataSource": f"https://github.com/advisories/{given['id']}",
            "namespace": "github:language:javascript",
            "severity": given["severity"],
            "urls": [],
            "cvss": [],
            "fix": fix,
            "advisories": [],
            "risk": 1.0,
        },
        "relatedVulnerabilities": [{"id": given["alias"], "severity": "High"}],
        "matchDetails": [{"type": "exact-direct-match", "matcher": "javascript-matcher"}],
        "artifact": {
            "id": "0",
            "name": given["name"],
            "version": "4.17.4",
            "type": given["kind"],
            "purl": f"pkg:{given['kind']}/{given['name']}@4.17.4",
        },
    }


def report(*matches: dict[str, Any]) -> str:
    return json.dumps({"matches": matches, "descriptor": {"name": "grype", "version": "0.121.3"}})


def verdict(*matches: dict[str, Any], accepted: tuple[Accepted, ...] = ()) -> Verdict:
    return judge(findings(report(*matches)), accepted, "portal", TODAY)


def changed(**changes: Any) -> Accepted:
    return Accepted(**{**ENTRY.__dict__, **changes})


@pytest.mark.parametrize("severity", ["High", "Critical", "Unknown"])
def test_a_severe_vulnerability_fails(severity: str) -> None:
    problems = verdict(match(severity=severity)).problems
    assert problems == (
        f"{severity.lower()}: GHSA-aaaa-bbbb-cccc in lodash 4.17.4, fixed in 4.17.21",
    )


def test_without_a_severity_it_is_unknown() -> None:
    given = match()
    del given["vulnerability"]["severity"]
    assert verdict(given).problems[0].startswith("unknown: GHSA-aaaa-bbbb-cccc")


@pytest.mark.parametrize("severity", ["Medium", "Low", "Negligible"])
def test_a_minor_one_is_noted(severity: str) -> None:
    given = verdict(match(severity=severity))
    assert (given.problems, len(given.noted)) == ((), 1)


@pytest.mark.parametrize(("kind", "fails"), [("npm", True), ("python", True), ("deb", False)])
def test_without_a_fix_only_debians_packages_pass(kind: str, fails: bool) -> None:
    assert bool(verdict(match(kind=kind, fixed=[])).problems) == fails
    assert verdict(match(kind=kind)).problems


@pytest.mark.parametrize("id_", ["GHSA-aaaa-bbbb-cccc", "CVE-2026-0001"])
def test_an_exception_names_the_advisory_or_an_alias(id_: str) -> None:
    given = verdict(match(), accepted=(changed(id=id_),))
    assert given.problems == ()
    assert given.accepted == (
        "high: GHSA-aaaa-bbbb-cccc in lodash 4.17.4, fixed in 4.17.21; "
        "accepted until 2026-11-26: no template is user input",
    )


def test_an_expired_exception_fails_beside_what_it_covered() -> None:
    old = changed(expires=TODAY - datetime.timedelta(days=1))
    problems = verdict(match(), accepted=(old,)).problems
    assert len(problems) == 2
    assert problems[1].startswith("the exception for CVE-2026-0001 of lodash in portal expired on")
    assert len(verdict(accepted=(old,)).problems) == 1


@pytest.mark.parametrize(
    ("entry", "problems"),
    [
        (changed(id="CVE-2026-0002"), 2),
        (changed(package="lodash-es"), 2),
        (changed(sbom="image"), 1),  # another SBOM's gate
    ],
)
def test_an_exception_that_covers_nothing_fails(entry: Accepted, problems: int) -> None:
    found = verdict(match(), accepted=(entry,)).problems
    assert len(found) == problems
    assert problems == 1 or found[1].endswith("covers no finding: remove it")


def test_an_exception_for_what_doesnt_fail_is_unused() -> None:
    problems = verdict(match(severity="Low"), accepted=(ENTRY,)).problems
    assert problems == (
        "the exception for CVE-2026-0001 of lodash in portal covers no finding: remove it",
    )


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"matches": []}', report().replace("grype", "other"),
     report({"vulnerability": {}, "artifact": {}}), report().replace("[]", "null")],
)  # fmt: skip
def test_what_is_no_report_fails(text: str) -> None:
    with pytest.raises(SupplyError, match="grype wrote no report"):
        findings(text)


class Run:
    """Stands in for grype."""

    def __init__(self, *matches: dict[str, Any]) -> None:
        self.output = report(*matches)
        self.calls: list[list[str]] = []

    def __call__(self, name: str, arguments: list[str]) -> str:
        self.calls.append([name, *arguments])
        return self.output


@pytest.mark.parametrize(("matches", "code"), [((), 0), ((match(),), 1)])
def test_the_command_judges_each_sbom(
    matches: tuple[dict[str, Any], ...],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(*matches)
    monkeypatch.setattr(programs, "run", run)
    files = [tmp_path / "program.json", tmp_path / "portal.json"]
    for file in files:
        file.write_text('{"bomFormat": "CycloneDX", "components": [{}]}', encoding="utf-8")
    assert main(["audit", *map(str, files)]) == code
    assert [call[1] for call in run.calls] == [f"sbom:{file}" for file in files]
    assert f"portal: {len(matches)} to decide" in capsys.readouterr().out


def test_an_sbom_under_another_name_would_have_no_exceptions(tmp_path: Path) -> None:
    (tmp_path / "backend.json").write_text("{}", encoding="utf-8")
    assert main(["audit", str(tmp_path / "backend.json")]) == 1


def test_a_scanner_that_is_absent_or_crashes_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SupplyError, match="false --output failed with exit code 1"):
        programs.run("false", ["--output"])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SupplyError, match=r"grype isn't on PATH: make \.local/bin/grype"):
        programs.run("grype", [])


VALID = """
exceptions:
  - id: CVE-2026-0001
    sbom: portal
    package: lodash
    reason: no template is user input
    owner: security
    expires: 2026-11-26
"""


def test_the_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "exceptions.yaml"
    file.write_text(VALID, encoding="utf-8")
    assert exceptions.load(file) == [ENTRY]
    exceptions.load()  # the project's own


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    owner: security\n", "", "entry 1 lacks owner"),
        ("no template is user input", "''", "entry 1 lacks reason"),
        ("    owner:", "    severity: low\n    owner:", "entry 1 has severity; it may have id,"),
        ("sbom: portal", "sbom: frontend", "sbom is 'frontend'; it may be program,"),
        ("2026-11-26", "next year", "expires is 'next year'; write a date"),
        ("2026-11-26", "2026-11-26 10:00:00", "write a date"),
        ("exceptions:", "ignored:", "has to hold `exceptions`"),
        (VALID, "exceptions: {}", "exceptions has to be a list"),
        (VALID, "exceptions: [CVE-2026-0001]", "entry 1 has to be an object"),
        (VALID, "exceptions: [", "can't be read"),
    ],
)
def test_an_entry_that_cant_be_used_is_refused(
    old: str, new: str, expected: str, tmp_path: Path
) -> None:
    file = tmp_path / "exceptions.yaml"
    file.write_text(VALID.replace(old, new), encoding="utf-8")
    with pytest.raises(SupplyError, match=f"exceptions.yaml.*{expected}"):
        exceptions.load(file)
