"""The log of a running portal, and the queries of docs/operations.md on it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import queries
from tests.e2e.conftest import TOKEN
from tests.e2e.sign_in import send
from tests.programs import ROOT
from tools.container.portal import PortalContainer

pytestmark = pytest.mark.e2e

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## Logs\n")[2].partition("\n## ")[0]
QUERIES = queries.jq_queries(SECTION)
INSIGHTS = queries.insights_queries(SECTION)
MACHINE = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "logs-test"}
FAILING = "/api/scaffolder/v2/tasks/no-id"  # no id of a task: PostgreSQL refuses it
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def log(portal: PortalContainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portal's log after requests that succeed and fail."""
    assert send(portal.address, "GET", "/api/catalog/entities?limit=1", MACHINE).status == 200
    for _ in range(3):
        assert send(portal.address, "GET", FAILING, MACHINE).status == 500
    path = tmp_path_factory.mktemp("logs") / "portal.log"
    path.write_text(portal.logs(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def lines(log: Path) -> Lines:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines() if line[:1] == "{"]


def test_every_line_has_the_documented_fields(lines: Lines) -> None:
    documented, request = (
        json.loads(each) for each in re.findall(r"```json\n(.*?)```", SECTION, re.S)
    )
    always = {"timestamp", "level", "service", "message"}
    assert always < set(documented)
    assert len(lines) > 20
    for line in lines:
        assert always <= set(line), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])
        assert line["level"] in ("error", "warn", "info", "http", "verbose", "debug", "silly")
        if line["service"] == "backstage":
            assert "plugin" in line or "isAuditEvent" not in line
    requests = [line for line in lines if line.get("type") == "incomingRequest"]
    assert requests
    for line in requests:
        assert set(line) <= set(request), line
        assert set(request) - set(line) <= {
            "contentLength",
            "userAgent",
            "remoteAddr",
            "referrer",
            "date",
        }


def test_error_names_plugin_and_reason(lines: Lines) -> None:
    (reason, *_) = (line for line in lines if "invalid input syntax" in line["message"])
    assert (reason["level"], reason["plugin"]) == ("error", "scaffolder")


# In the page's order: what the query's lines hold.
FOUND = (
    ("\tscaffolder\t", "invalid input syntax"),
    (f"3\t500\tGET\t{FAILING}\n",),
    ("\t500\n", "\t200\n"),
    ("close_stale_tasks\tinfo\t",),
    ("\tlogs-test\n",),
)


@pytest.mark.parametrize(("number", "parts"), list(enumerate(FOUND)))
def test_documented_query(log: Path, number: int, parts: tuple[str, ...]) -> None:
    assert len(QUERIES) == len(FOUND)
    answer = queries.run(SECTION, "jq -cR", QUERIES[number], log.parent)
    for part in parts:
        assert part in answer, answer


def test_fields_of_the_insights_queries_are_in_the_log(lines: Lines) -> None:
    assert INSIGHTS
    known = {name for line in lines for name in line}
    words = {"fields", "filter", "stats", "sort", "count", "as", "by", "and", "desc", "bin", "5m",
             "number", "500", "@timestamp"}  # fmt: skip
    for query in INSIGHTS:
        names = queries.names(query) - words
        assert names <= known, names - known
