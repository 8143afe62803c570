"""A portal's answers over plain HTTP, and what tools/smoke/smoke.js makes of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from components.kubernetes.health import READINESS
from tests.settings.stack import loaded, with_provider
from tools.container.http_stub import StubHandler, serving
from tools.findings import Finding
from tools.smoke.__main__ import SCRIPTS, read
from tools.smoke.expected import Expected, expected

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="needs node on PATH")

CATALOG = "/api/catalog/entities?limit=1"
START = "/api/auth/github/start?env=production"
GOOD_TOKEN = "of-a-machine"
PAGE = '<html><script defer="" src="/static/main.js"></script><div id="root"></div></html>'


@dataclass(frozen=True)
class Answer:
    """One of the portal's. location: may contain {url}, its own."""

    status: int = 200
    body: str = ""
    type: str = "text/html; charset=UTF-8"
    location: str = ""


@dataclass
class Stub:
    """What a portal answers by path. with_token: to a request with `GOOD_TOKEN`."""

    answers: dict[str, Answer] = field(
        default_factory=lambda: {
            "/": Answer(body=PAGE),
            "/static/main.js": Answer(body="0", type="application/javascript"),
            READINESS: Answer(body='{"status":"ok"}', type="application/json"),
            CATALOG: Answer(401),
            START: Answer(
                302,
                location="https://github.com/login/oauth/authorize?redirect_uri="
                "{url}/api/auth/github/handler/frame",
            ),
        }
    )
    with_token: Answer = field(default_factory=lambda: Answer(body="[]", type="application/json"))

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Yields its URL."""
        stub = self

        class Portal(StubHandler):
            def do_GET(self) -> None:
                found = stub.answers.get(self.path, Answer(404))
                token = self.headers.get("Authorization") == f"Bearer {GOOD_TOKEN}"
                if token and self.path == CATALOG:
                    found = stub.with_token
                self.send_response(found.status)
                self.send_header("Content-Type", found.type)
                if found.location:
                    url = f"http://{self.headers['Host']}"
                    self.send_header("Location", found.location.format(url=url))
                self.send_header("Content-Length", str(len(found.body)))
                self.end_headers()
                self.wfile.write(found.body.encode())

        with serving(Portal, "127.0.0.1") as url:
            yield url


def goal(url: str, changes: Mapping[str, object] | None = None, **fields: Any) -> Expected:
    """What the stack `prod` expects of the portal at a URL, with sign-in by GitHub."""
    given = {**with_provider("github"), **(changes or {})}
    found = expected(loaded(given)[0], "prod", url)
    return replace(found, **{"database_port": None, "http_url": "http://127.0.0.1:1/", **fields})


def asked(given: Expected, **variables: str) -> dict[str, Finding]:
    """What smoke.js finds, by check."""
    done = subprocess.run(
        ["node", str(SCRIPTS / "smoke.js")],
        env={"PATH": os.environ["PATH"], "SMOKE": given.text(), **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return dict(read(done.stdout))
