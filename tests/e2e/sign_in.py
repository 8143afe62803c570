"""Signs in through a portal's provider `github` as a browser's popup does, without a browser."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from tools.container.edge import GitHub


@dataclass(frozen=True)
class Response:
    status: int
    headers: http.client.HTTPMessage
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


def send(
    address: str, method: str, path: str, headers: Mapping[str, str], body: object = None
) -> Response:
    """Sends a request, with JSON if there is a body, to host:port. Follows no redirect."""
    connection = http.client.HTTPConnection(address, timeout=30)
    data = None if body is None else json.dumps(body)
    content = {"Content-Type": "application/json"} if data else {}
    connection.request(method, path, data, {**content, **headers})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return Response(response.status, response.headers, text)


def sign_in(
    address: str, github: GitHub, login: str, headers: Mapping[str, str] | None = None
) -> Any:
    """What the popup hands to the page: `response` with the user's token, or `error`."""
    github.login = login
    headers = dict(headers or {})
    start = send(address, "GET", "/api/auth/github/start?env=production", headers)
    asked = urlsplit(start.headers["Location"])
    consent = send(asked.netloc, "GET", f"{asked.path}?{asked.query}", {})
    back = urlsplit(consent.headers["Location"])
    cookie = {"Cookie": cookies(start)}
    return handed_over(send(address, "GET", f"{back.path}?{back.query}", {**headers, **cookie}))


def cookies(response: Response) -> str:
    """The cookies that it sets, for the next request."""
    found = [each.partition(";")[0] for each in response.headers.get_all("Set-Cookie") or []]
    return "; ".join(each for each in found if not each.endswith("="))


def handed_over(popup: Response) -> Any:
    """What the popup's last page hands to the page that opened it."""
    found = re.search(r"authResponse = decodeURIComponent\('([^']*)'\)", popup.text)
    assert found, popup.text
    return json.loads(unquote(found[1]))
