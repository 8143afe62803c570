"""An OpenID Connect issuer that this project didn't write: oidc-provider-mock, over TLS.

It also answers at the paths of GitHub, GitLab and Okta, whose providers accept another address. Its
form takes any user; what it says of one is up to `Issuer.describe`.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

HOST = "issuer.example.com"
AUTHORIZE, TOKEN, USERINFO = "/oauth2/authorize", "/oauth2/token", "/userinfo"
PATHS = {
    "/login/oauth/authorize": AUTHORIZE,
    "/login/oauth/access_token": TOKEN,
    "/api/v3/user": USERINFO,
    "/oauth/authorize": AUTHORIZE,
    "/oauth/token": TOKEN,
    "/api/v4/user": USERINFO,
    "/oauth2/v1/authorize": AUTHORIZE,
    "/oauth2/v1/token": TOKEN,
    "/oauth2/v1/userinfo": USERINFO,
}


@dataclass(frozen=True)
class Issuer:
    """url: https, by its name. address: where it listens. ca: PEM of who signed its certificate."""

    url: str
    address: str
    port: int
    ca: str

    def describe(self, user: str, **claims: object) -> None:
        """Sets what it says of a user; standard claims need their scope."""
        request = urllib.request.Request(
            f"https://{self.address}:{self.port}/users/{user}",
            data=json.dumps(claims).encode(),
            headers={"Content-Type": "application/json"},
            method="PUT",
        )
        trusting = ssl.create_default_context(cadata=self.ca)
        with urllib.request.urlopen(request, context=trusting, timeout=10):
            pass

    def authorize(self, url: str, user: str) -> str:
        """Submits the form at an authorization URL. Returns where it sends the user back to."""
        asked = urlsplit(url)
        trusting = ssl.create_default_context(cadata=self.ca)
        connection = http.client.HTTPSConnection(
            self.address, self.port, context=trusting, timeout=10
        )
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"{asked.path}?{asked.query}", urlencode({"sub": user}), form)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.headers["Location"]


@contextmanager
def serve(address: str) -> Iterator[Issuer]:
    """Listens at an address of this machine, on a free port."""
    import oidc_provider_mock  # only requirements-e2e.txt installs both
    import trustme
    import werkzeug.serving

    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(HOST, address).configure_cert(context)
    provider = oidc_provider_mock.app()

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        # Okta's strategy writes "Basic: ", and sends the client in the body as well.
        credentials = environ.get("HTTP_AUTHORIZATION", "").replace("Basic: ", "Basic ")
        changed = {"PATH_INFO": PATHS.get(path, path), "HTTP_AUTHORIZATION": credentials}
        return provider({**environ, **changed}, start_response)

    server = werkzeug.serving.make_server(
        address, 0, application, threaded=True, ssl_context=context
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"https://{HOST}:{server.server_port}"
        yield Issuer(url, address, server.server_port, ca.cert_pem.bytes().decode())
    finally:
        server.shutdown()
        thread.join()
