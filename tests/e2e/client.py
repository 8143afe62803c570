"""A client of the portal's API, and what the portal calls with its own rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.e2e.sign_in import Response, send
from tools.container.http_stub import StubHandler, serving


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
    ) -> Response:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return send(self.address, method, path, {**bearer, **(headers or {})}, body)


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

        class Handler(StubHandler):
            def do_GET(self) -> None:
                authorization = self.headers.get("Authorization")
                upstream.asked.append((self.command, self.path, authorization))
                self.send_json({"kind": "ConfigMapList", "items": []})

            do_POST = do_GET

        with serving(Handler, address) as self.url:
            yield self
