"""A server that stands in for another one's HTTP API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StubHandler(BaseHTTPRequestHandler):
    """Answers with JSON, and logs nothing."""

    def send_json(
        self, value: object, status: int = 200, content_type: str = "application/json"
    ) -> None:
        """Sends a value; a text is sent as it is."""
        body = (value if isinstance(value, str) else json.dumps(value)).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], address: str, port: int = 0) -> Iterator[str]:
    """Listens at an address of this machine, on a free port unless given one. Yields the URL."""
    with ThreadingHTTPServer((address, port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{address}:{server.server_address[1]}"
        server.shutdown()
