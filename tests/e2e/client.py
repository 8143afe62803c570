"""A client of the portal's API, with the tokens of people and machines."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tools.container.portal import Answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def call(
    url: str,
    method: str = "GET",
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Sends a request, `body` as JSON; follows no redirect. Set-Cookie is as Cookie takes it."""
    data = None if body is None else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, given, method=method)
    try:
        response = _OPENER.open(request, timeout=30)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        cookies = [each.partition(";")[0] for each in response.headers.get_all("Set-Cookie", [])]
        kept = [each for each in cookies if not each.endswith("=")]  # not those that it clears
        headers = {**response.headers, "Set-Cookie": "; ".join(kept)}
        return Answer(response.status, response.read().decode(), headers)


class Client:
    """Somebody at the portal's API. token: None is anonymous."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address
        self.token = token

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"http://{self.address}{path}"
        return call(url, method, body, {**bearer, **(headers or {})})


def sign_in(address: str) -> str:
    """Signs the GitHub stand-in's account in, as the popup of a browser does. Returns its token."""
    edge = {"X-Forwarded-Proto": "https", "Host": "backstage.example.com"}
    start = f"http://{address}/api/auth/github/start?env=production&scope=read%3Auser"
    started = call(start, headers=edge)
    code = call(started.headers["Location"]).headers["Location"]
    parts = urlsplit(code)
    frame = f"http://{address}{parts.path}?{parts.query}"
    page = call(frame, headers={**edge, "Cookie": started.headers["Set-Cookie"]}).body
    found = re.search(r'"backstageIdentity":\{"token":"([^"]+)"', unquote(page))
    assert found, page
    return found[1]


class Upstream:
    """GitHub's API, Kubernetes' API and a proxy endpoint's target at once: answers everything.

    asked: method, path and Authorization of each request.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self.url = ""

    @contextmanager
    def serve(self, address: str) -> Iterator[Upstream]:
        """Listens at an address of this machine; `url` is set to it."""
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                authorization = self.headers.get("Authorization")
                upstream.asked.append((self.command, self.path, authorization))
                body = b'{"kind": "ConfigMapList", "items": []}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        with ThreadingHTTPServer((address, 0), Handler) as server:
            self.url = f"http://{address}:{server.server_address[1]}"
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield self
            server.shutdown()
