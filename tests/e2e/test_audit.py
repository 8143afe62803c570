"""The audit events of a running portal, and the queries of docs/audit.md on its log."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import queries
from tests.e2e.conftest import TOKEN, Site
from tests.e2e.sign_in import Response, send, sign_in
from tests.programs import ROOT
from tools.container.portal import PortalContainer

pytestmark = pytest.mark.e2e

Events = list[dict[str, Any]]

PAGE = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
QUERIES = queries.jq_queries(PAGE)
INSIGHTS = queries.insights_queries(PAGE)
# What a load balancer adds comes last; the client chose the rest.
FORWARDED = {
    "X-Forwarded-For": "203.0.113.66, 192.0.2.7",
    "X-Forwarded-Proto": "https",
    "User-Agent": "audit-test",
}
MACHINE = {"Authorization": f"Bearer {TOKEN}", **FORWARDED}
CANARY = "canary-typed-into-a-form"
ENTITY = {"entityRef": "component:default/checkout"}


@pytest.fixture(scope="module")
def log(portal: PortalContainer, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portal's log after sign-ins, refusals and changes."""
    _wait_for_the_catalog(portal)
    signed_in = sign_in(portal.address, site.github, "alice", FORWARDED)
    token = signed_in["response"]["backstageIdentity"]["token"]
    assert "error" in sign_in(portal.address, site.github, "mallory", FORWARDED)
    forged = send(portal.address, "GET", "/api/auth/github/handler/frame?code=c&state=s", FORWARDED)
    assert forged.status == 403
    alice = {"Authorization": f"Bearer {token}", **FORWARDED}
    location = {"type": "url", "target": "https://github.com/acme/x/blob/main/catalog-info.yaml"}
    assert _post(portal, alice, "/api/catalog/locations", location).status == 403
    proxied = send(portal.address, "GET", "/api/kubernetes/proxy/api/v1/pods?q=secret", alice)
    assert proxied.status == 403
    assert _post(portal, MACHINE, "/api/catalog/refresh", ENTITY).status == 200
    task = {"templateRef": "template:default/greet", "values": {"name": CANARY}}
    assert _post(portal, MACHINE, "/api/scaffolder/v2/tasks", task).status == 201
    path = tmp_path_factory.mktemp("audit") / "portal.log"
    end = time.monotonic() + 60
    while "scaffolder.task" not in {each["message"] for each in _ended(portal.logs())}:
        assert time.monotonic() < end, "the task didn't end"
        time.sleep(0.5)
    path.write_text(portal.logs(), encoding="utf-8")
    return path


def _post(portal: PortalContainer, headers: dict[str, str], path: str, body: object) -> Response:
    return send(portal.address, "POST", path, headers, body)


def _wait_for_the_catalog(portal: PortalContainer) -> None:
    end = time.monotonic() + 180
    path = "/api/catalog/entities/by-name/template/default/greet"
    while send(portal.address, "GET", path, MACHINE).status != 200:
        assert time.monotonic() < end, "the catalog has no template after 180 s"
        time.sleep(0.5)


def _parsed(log: str) -> Events:
    lines = [json.loads(line) for line in log.splitlines() if line.startswith('{"')]
    return [line for line in lines if line.get("isAuditEvent")]


def _ended(log: str) -> Events:
    return [
        each
        for each in _parsed(log)
        if each["status"] != "initiated" and each.get("meta", {}).get("actionType") == "execution"
    ]


@pytest.fixture(scope="module")
def events(log: Path) -> Events:
    """Those of the requests above, and of tasks."""
    found = _parsed(log.read_text(encoding="utf-8"))
    own = "audit-test"
    return [e for e in found if e["actor"].get("userAgent") == own or "request" not in e]


def one(events: Events, message: str, **fields: Any) -> dict[str, Any]:
    (found,) = [e for e in events if e["message"] == message
                and all(e.get(name) == value for name, value in fields.items())]  # fmt: skip
    return found


def test_every_event_has_the_documented_fields(events: Events) -> None:
    documented = set(json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.S)[0]))
    for event in events:
        expected = documented - ({"error"} if event["status"] != "failed" else set())
        assert set(event) <= expected, event
        assert expected - set(event) <= {"request", "meta"}, event
        assert event["message"] == f"{event['plugin']}.{event['eventId']}"


def test_a_sign_in_names_the_user_and_the_users_own_address(events: Events) -> None:
    event = one(events, "auth.sign-in", status="succeeded")
    assert event["meta"] == {"provider": "github", "userEntityRef": "user:default/alice"}
    assert event["actor"]["ip"] == "192.0.2.7"
    assert event["request"] == {"method": "GET", "url": "/api/auth/github/handler/frame"}


def test_refused_sign_ins_say_why(events: Events) -> None:
    refused = [e for e in events if e["message"] == "auth.sign-in" and e["status"] == "failed"]
    whys = [event["error"]["message"] for event in refused]
    assert "unable to resolve user identity" in whys[0]
    assert len(whys) == 2
    assert all(event["actor"]["ip"] == "192.0.2.7" for event in refused)


def test_a_refused_permission_names_user_address_and_permission(events: Events) -> None:
    event = one(events, "catalog.permission-check", status="failed")
    assert event["meta"]["permissions"] == ["catalog.location.create"]
    assert event["error"]["name"] == "NotAllowedError"
    assert event["actor"]["actorId"] == "user:default/alice"
    assert event["actor"]["ip"] == "192.0.2.7"
    proxy = one(events, "kubernetes.permission-check", status="failed")
    assert proxy["meta"]["permissions"] == ["kubernetes.proxy"]


def test_changes_are_logged_and_reads_are_not(events: Events) -> None:
    refresh = one(events, "catalog.entity-mutate", status="succeeded")
    assert refresh["actor"]["actorId"] == "e2e"
    assert not [event for event in events if event["severityLevel"] == "low"]


def test_no_secret_in_an_event(log: Path) -> None:
    events = json.dumps(_parsed(log.read_text(encoding="utf-8")))
    for secret in (CANARY, TOKEN, "Bearer", "code=", "q=secret"):
        assert secret not in events, secret


# In the page's order: what the query's lines hold.
FOUND = (
    ("catalog.location-mutate\tfailed\tPOST\t/api/catalog/locations",),
    ("user:default/alice\tgithub\t192.0.2.7",),
    ("192.0.2.7\t",),
    ("user:default/alice\t192.0.2.7\tcatalog.permission-check\tcatalog.location.create",),
    ("\tcatalog.entity-mutate\t",),
    ("template:default/greet\t", "\tsucceeded"),
    ("user:default/alice\tGET\t/api/v1/pods\t\tfailed",),
)


@pytest.mark.parametrize(("number", "parts"), list(enumerate(FOUND)))
def test_documented_query(log: Path, number: int, parts: tuple[str, ...]) -> None:
    assert len(QUERIES) == len(FOUND)
    answer = queries.run(PAGE, "grep", QUERIES[number], log.parent)
    for part in parts:
        assert part in answer, answer


def _paths(node: Any, path: str = "") -> Iterator[str]:
    children = enumerate(node) if isinstance(node, list) else ()
    for name, value in node.items() if isinstance(node, dict) else children:
        yield f"{path}{name}"
        yield from _paths(value, f"{path}{name}.")


def test_fields_of_the_insights_queries_are_in_the_log(events: Events) -> None:
    assert INSIGHTS
    known = {path for event in events for path in _paths(event)}
    words = {"fields", "filter", "stats", "sort", "count", "as", "by", "and", "desc", "refused",
             "@timestamp"}  # fmt: skip
    for query in INSIGHTS:
        names = queries.names(query) - words
        assert names <= known, names - known
