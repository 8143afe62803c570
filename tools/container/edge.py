"""Minimal stand-ins for the load balancer and for GitHub."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tools.container.http_stub import StubHandler, serving


@contextmanager
def https_edge(host: str, target: str, certificate: Any = None) -> Iterator[int]:
    """Terminates TLS for `host` on a port of this machine and forwards to `target`, host:port.

    Like a load balancer it adds X-Forwarded-Proto and X-Forwarded-For. Yields the port.

    certificate: a trustme.LeafCert; by default one for `host` whose authority nobody trusts.
    """
    import trustme  # only requirements-e2e.txt installs it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (certificate or trustme.CA().issue_cert(host)).configure_cert(context)
    address, _, port = target.rpartition(":")

    async def serve(client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await client.readuntil(b"\r\n\r\n")
            server, request = await asyncio.open_connection(address, int(port))
            request.write(_forwarded(head))
            upstream = asyncio.create_task(_copy(client, request))
            try:
                await _copy(server, answer)
            finally:
                upstream.cancel()
                request.close()
                answer.close()

    port_known: Future[int] = Future()
    stopping: Future[None] = Future()

    async def listen() -> None:
        listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port_known.set_result(listener.sockets[0].getsockname()[1])
        await asyncio.wrap_future(stopping)
        listener.close()

    thread = threading.Thread(target=asyncio.run, args=(listen(),))
    thread.start()
    try:
        yield port_known.result(10)
    finally:
        stopping.set_result(None)
        thread.join()


def _forwarded(head: bytes) -> bytes:
    """A request's head with the load balancer's headers, and one request per connection."""
    lines = head.split(b"\r\n")
    added = [b"X-Forwarded-Proto: https", b"X-Forwarded-For: 192.0.2.1"]
    if b"\r\nupgrade:" not in head.lower():
        lines = [line for line in lines if not line.lower().startswith(b"connection:")]
        added.append(b"Connection: close")
    return b"\r\n".join([lines[0], *added, *lines[1:]])


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()


class GitHub:
    """A GitHub Enterprise server that only signs users in: OAuth and the user's profile."""

    login = ""
    """The account that signs in."""
    url = ""

    @contextmanager
    def serve(self, address: str) -> Iterator[GitHub]:
        """Listens at an address of this machine; `url` is set to it."""
        github = self

        class Handler(StubHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/login/oauth/authorize":
                    asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
                    answer = urlencode({"code": "code", "state": asked["state"]})
                    self.send_response(302)
                    self.send_header("Location", f"{asked['redirect_uri']}?{answer}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif parts.path == "/api/v3/user":
                    self.send_json(
                        {"login": github.login, "id": 1, "node_id": "U1", "name": "A User"}
                    )
                else:
                    self.send_error(404)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_json({"access_token": "t", "token_type": "bearer", "scope": "read:user"})

        with serving(Handler, address) as self.url:
            yield self
