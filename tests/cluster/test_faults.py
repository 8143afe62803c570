"""Error budgets and the load generator's output; needs no cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools.reliability.faults import RECOVERED, Fault
from tools.reliability.load import Outcome, Sample, parse
from tools.reliability.portal import CATALOG, Portal
from tools.reliability.report import row

PATHS = ({"path": "/"}, {"path": CATALOG})
FAULT = Fault("fault", Portal.update, requests=100)


def outcome(**failed: Sample) -> Outcome:
    """A request every 0.1 s for 10 s, all successful but for the given ones, `r5` the fifth."""
    samples = [Sample(index / 10, 0.1, "200", "/") for index in range(100)]
    for key, sample in failed.items():
        index = int(key.removeprefix("r"))
        samples[index] = replace(sample, at=index / 10)
    return Outcome(samples, "fault", since=1.0, until=9.0)


@pytest.mark.parametrize("status", ["404", "502", "503", "ECONNREFUSED", "timeout", "incomplete"])
def test_any_status_but_200_breaks_a_budget_of_zero(status: str) -> None:
    found = outcome(r50=Sample(0, 0.0, status, CATALOG))
    assert found.errors == {status: 1}
    assert list(FAULT.violations(found)) != []


def test_failures_have_to_fit_the_window_of_the_route() -> None:
    refused = Sample(0, 0.5, "ECONNREFUSED", "/")
    found = outcome(r10=refused, r40=refused)
    assert found.window == pytest.approx(3.5)
    fault = replace(FAULT, window=3, balanced_window=4)
    assert list(fault.violations(found)) == [
        "requests failed for 3.5 s of 3 s: {'ECONNREFUSED': 2}"
    ]
    assert list(fault.violations(found, balanced=True)) == []


def test_too_few_requests_measure_nothing() -> None:
    assert list(replace(FAULT, requests=101).violations(outcome())) == [
        "100 of at least 101 requests were sent"
    ]


def test_without_a_database_only_the_catalog_may_fail_and_has_to_recover() -> None:
    fault = replace(FAULT, database=True)
    assert list(fault.violations(outcome(r10=Sample(0, 1, "500", CATALOG)))) == []
    assert list(fault.violations(outcome(r10=Sample(0, 1, "500", "/")))) == [
        "requests failed that need no database: /"
    ]
    assert list(fault.violations(outcome(r90=Sample(0, 1, "500", CATALOG)))) == [
        f"1 requests failed in the last {RECOVERED} s"
    ]


def test_output_of_the_load_generator_is_read_in_the_order_of_sending() -> None:
    log = "start 1000000\n20 15 200 0\n0 300 timeout 1\n"
    assert parse(log, PATHS) == [
        Sample(1000.0, 0.3, "timeout", CATALOG), Sample(1000.02, 0.015, "200", "/"),
    ]  # fmt: skip


def test_stored_outcome_gives_the_same_row(tmp_path: Path) -> None:
    found = outcome(r50=Sample(0, 0.2, "503", "/"), r52=Sample(0, 0.2, "503", "/"))
    found.write(tmp_path / "fault.json")
    stored = Outcome.read(tmp_path / "fault.json")
    assert row(stored) == row(found) == "| fault | 100 | 2 (2 503) | 0.4 s | 0.10 s | 8 s |"
