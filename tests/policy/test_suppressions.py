"""policy/suppressions.yaml: what it accepts, and what is wrong with it."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest

from policy.suppressions import Suppression, SuppressionError, Suppressions, load
from tests.policy.broken import with_instances
from tools.preview.policy import Verdict, verdict

DAY = datetime.date(2027, 1, 31)
ENTRY = Suppression("rds-multi-az", "backstage-*-cluster", "prod", "reasons", "platform", DAY)


def judged(*entries: Suppression, today: datetime.date = DAY, instances: int = 1) -> Verdict:
    preview, created = (with_instances(instances, creates) for creates in (False, True))
    accepted = Suppressions("file.yaml", "backstage", entries)
    return verdict(preview, created, None, accepted, today)


def test_accepts_a_violation_until_its_last_day() -> None:
    found = judged(ENTRY)
    assert found.passed
    assert [entry for _, entry in found.suppressed] == [ENTRY]


def test_expired_entry_fails() -> None:
    found = judged(ENTRY, today=DAY + datetime.timedelta(days=1))
    assert not found.passed
    [problem] = found.problems
    assert problem == (
        "file.yaml: rds-multi-az on backstage-*-cluster in prod expired on 2027-01-31: fix the "
        "violation, or have platform decide anew and move `expires`"
    )


@pytest.mark.parametrize("change", [{"rule": "rds-logs"}, {"resource": "other"}])
def test_entry_that_matches_nothing_fails(change: dict[str, str]) -> None:
    entry = replace(ENTRY, **change)  # type: ignore[arg-type]
    found = judged(entry)
    assert not found.passed
    assert found.problems == [f"file.yaml: {entry} matches no violation: remove the entry"]
    assert len(found.violations) == 1


def test_entry_is_no_longer_needed_once_the_violation_is_fixed() -> None:
    assert judged(ENTRY, instances=2).problems


def test_urn_and_other_stacks() -> None:
    of_dev = replace(ENTRY, stack="dev", expires=DAY - datetime.timedelta(days=9))
    found = judged(replace(ENTRY, resource="urn:pulumi:prod::*::backstage-1-cluster"), of_dev)
    assert found.passed


GOOD = {
    "rule": "rds-multi-az",
    "resource": "'*'",
    "stack": "dev",
    "reason": "cheap",
    "owner": "platform",
    "expires": "2027-01-31",
}


def written(folder: Path, **fields: str) -> Path:
    lines = [f"{key}: {value}" for key, value in {**GOOD, **fields}.items() if value]
    file = folder / "suppressions.yaml"
    entry = "\n    ".join(lines)
    file.write_text(f"project: backstage\nsuppressions:\n  - {entry}\n", encoding="utf-8")
    return file


def test_reads_a_file(tmp_path: Path) -> None:
    [entry] = load(written(tmp_path)).entries
    assert (entry.expires, entry.resource) == (DAY, "*")


@pytest.mark.parametrize("field", GOOD)
def test_every_field_is_required(field: str, tmp_path: Path) -> None:
    with pytest.raises(SuppressionError, match=f"entry 1 lacks {field}"):
        load(written(tmp_path, **{field: ""}), "file.yaml")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rule": "rds-multi"}, r"rule is 'rds-multi'; did you mean rds-multi-az\?"),
        ({"rule": "none"}, "rule is 'none'; it may be one in docs/policy.md"),
        ({"rule": "[rds-multi-az]"}, "rule is "),
        ({"expires": "soon"}, "expires is 'soon'; write a date, such as 2027-05-26"),
        ({"expires": "2027-13-26"}, "file.yaml: entry 1: expires is '2027-13-26'; write a date"),
        ({"until": "2027-01-31"}, "has until; it may have rule, resource, stack, reason, owner"),
    ],
)
def test_wrong_entry_is_one_message(fields: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(SuppressionError, match=said):
        load(written(tmp_path, **fields), "file.yaml")


def test_every_wrong_entry_is_in_the_message(tmp_path: Path) -> None:
    file = tmp_path / "suppressions.yaml"
    entries = [{**GOOD, "resource": "x", "rule": "rds", "expires": "soon"}, {"owner": "x"}, GOOD]
    file.write_text(json.dumps({"project": "backstage", "suppressions": entries}), "utf-8")
    with pytest.raises(SuppressionError) as raised:
        load(file, "file.yaml")
    assert str(raised.value).splitlines() == [
        "file.yaml: entry 1: expires is 'soon'; write a date, such as 2027-05-26",
        "file.yaml: entry 1: rule is 'rds'; it may be one in docs/policy.md",
        "file.yaml: entry 2 lacks rule, resource, stack, reason, expires",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "can't be read"),
        ("suppressions: []", "has to hold `project` and `suppressions`"),
        ("project: x\nsuppressions: 1", "suppressions has to be a list"),
        ("project: x\nsuppressions: [1]", "entry 1 has to be an object"),
    ],
)
def test_wrong_file_is_one_message(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "suppressions.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SuppressionError, match=said):
        load(file, "file.yaml")
