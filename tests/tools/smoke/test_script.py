"""tools/smoke/smoke.js against a portal of which one answer is wrong at a time."""

from __future__ import annotations

import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from components.kubernetes.health import READINESS
from tests.settings.stack import WITH_COGNITO, WITH_OIDC
from tests.tools.smoke.site import (
    CATALOG,
    GOOD_TOKEN,
    PAGE,
    START,
    Answer,
    Stub,
    asked,
    goal,
    needs_node,
)
from tools.findings import Finding

pytestmark = needs_node

LOGS = "kubectl logs --namespace backstage deployment/backstage --since 10m"
UP = "pulumi up --stack prod"
TOKEN = {"SMOKE_TOKEN": GOOD_TOKEN}


def test_portal_that_serves() -> None:
    with Stub().serving() as url:
        found = asked(goal(url), **TOKEN)
    states = {name: each.state for name, each in found.items()}
    assert states.pop("database TLS") == "not checked"
    assert set(states.values()) == {"ok"}
    assert list(states) == [
        "address", "connection", "readiness", "sign-in page", "sign-in github",
        "catalog, no token", "catalog, token",
    ]  # fmt: skip
    assert GOOD_TOKEN not in str(found)


# What the portal answers where; the check; a part of its line, and of its fix.
BROKEN: dict[str, tuple[str, Answer, str, str, str]] = {
    "not ready": (READINESS, Answer(503), "readiness", "answers 503", LOGS),
    "no page": ("/", Answer(body="ok"), "sign-in page", "no page of the portal", LOGS),
    "no script": ("/static/main.js", Answer(404), "sign-in page", "main.js answers 404", LOGS),
    "a page for a script": (
        "/static/main.js", Answer(body=PAGE), "sign-in page", "main.js answers 200", LOGS,
    ),
    "no such provider": (START, Answer(404), "sign-in github", "404; not a redirect", LOGS),
    "another callback": (
        START,
        Answer(302, location="https://github.com/x?redirect_uri=http://localhost:7007/frame"),
        "sign-in github", "come back to http://localhost:7007/frame, not to", UP,
    ),
    "an open catalog": (
        CATALOG, Answer(body="[]", type="application/json"), "catalog, no token",
        "answers 200 to anyone", UP,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_one_wrong_answer_is_one_line(name: str) -> None:
    path, answer, check, text, fix = BROKEN[name]
    stub = Stub()
    stub.answers[path] = answer
    with stub.serving() as url:
        found = asked(goal(url), **TOKEN)
    [(broken, finding)] = [each for each in found.items() if each[1].state == "missing"]
    assert broken == check
    assert text in finding.text
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(401), "answers 401 to the token"),
        (Answer(body="<html>"), "answers 200 to the token"),
    ],
    ids=["refused", "no JSON"],
)
def test_token_that_is_not_taken(answer: Answer, text: str) -> None:
    with Stub(with_token=answer).serving() as url:
        found = asked(goal(url), **TOKEN)["catalog, token"]
    assert found.state == "missing"
    assert text in found.text
    assert "secretEnv.APP_CONFIG_backend_auth_externalAccess" in found.fix
    assert GOOD_TOKEN not in str(found)


def test_without_a_token_that_is_not_asked() -> None:
    with Stub().serving() as url:
        found = asked(goal(url))["catalog, token"]
    assert (found.state, found.fix) == ("not checked", "")


def test_portal_behind_a_load_balancer_that_signs_users_in() -> None:
    away = Answer(302, location="https://idp.example.com/authorize?client_id=portal")
    stub = Stub(answers={"/": away, CATALOG: away})
    with stub.serving() as url:
        found = asked(goal(url, {**WITH_OIDC, "signIn": ["alb"]}), **TOKEN)
    assert {name: each.state for name, each in found.items()} == {
        "address": "ok",
        "connection": "ok",
        "readiness": "not checked",
        "sign-in page": "ok",
        "catalog, no token": "ok",
        "catalog, token": "not checked",
        "database TLS": "not checked",
    }


def test_load_balancer_that_lets_everyone_through() -> None:
    with Stub().serving() as url:
        found = asked(goal(url, {**WITH_COGNITO, "signIn": ["alb"]}))
    page = found["sign-in page"]
    assert page.state == "missing"
    assert "not a redirect to example-staff.auth.us-east-1.amazoncognito.com" in page.text
    assert page.fix == UP


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_connection_is_none_of_the_certificate(scheme: str) -> None:
    found = asked(goal(f"{scheme}://127.0.0.1:1"))
    assert found["address"].state == "ok"
    assert found["connection"] == Finding(
        "missing",
        "port 1: ECONNREFUSED",
        "kubectl describe ingress --namespace backstage backstage\n"
        "make smoke STACK=prod IN_CLUSTER=1",
    )
    assert found["readiness"].text == "of the connection above"
    assert found.get("certificate", found["readiness"]).state == "not checked"


def test_a_job_waits_for_policies_that_dont_know_it_yet() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler, bind_and_activate=False) as portal:
        portal.server_bind()  # refuses connections until it listens

        def listen() -> None:
            portal.server_activate()
            portal.serve_forever(poll_interval=0.05)

        threading.Timer(0.3, listen).start()
        found = asked(goal(f"http://127.0.0.1:{portal.server_port}"), SMOKE_PATIENCE="10")
        portal.shutdown()
    assert found["connection"].state == "ok"


def test_name_without_an_address_blocks_the_rest() -> None:
    found = asked(replace(goal("http://portal.invalid"), known_name="localhost"))
    address = found.pop("address")
    assert address.state == "missing"
    assert address.text.startswith("portal.invalid has no address (ENOTFOUND): no record points ")
    assert address.fix == "pulumi stack output --stack prod loadBalancerHostname"
    assert {each.text for each in found.values()} == {
        "of the address above", "the database in the cluster speaks no TLS",
    }  # fmt: skip


def test_name_without_an_address_where_nothing_resolves() -> None:
    found = asked(replace(goal("http://portal.invalid"), known_name="sts.invalid"))
    assert found["address"] == Finding(
        "missing",
        "portal.invalid has no address (ENOTFOUND), and neither has sts.invalid: no DNS server "
        "answers here",
        "check the DNS and VPN of this machine",
    )


def test_record_of_the_stack_is_looked_for_without_an_update() -> None:
    command = goal("http://portal.invalid", {"hostedZoneName": "example.com"}).record_command
    assert command == "pulumi preview --stack prod --refresh"
