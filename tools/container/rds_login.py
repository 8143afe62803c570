"""RDS's check of IAM tokens, and the agent that hands out a pod's credentials.

PostgreSQL asks an LDAP server whether a name and a password belong together. This one takes the
password for a token, as RDS's own PAM module does, whose limit of 512 bytes no token would pass
here.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import secrets
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qsl, quote

from tools.container.http_stub import StubHandler

ALGORITHM, SERVICE = "AWS4-HMAC-SHA256", "rds-db"
SIGNATURE = "X-Amz-Signature"
ACCEPTED, INVALID_CREDENTIALS = 0, 49  # result codes of LDAP (RFC 4511)


@dataclass(frozen=True)
class Credentials:
    """Temporary ones of a role that may connect as `user`."""

    key: str
    secret: str
    session: str
    expires: float
    user: str


class RefusedError(Exception):
    """Why a token isn't accepted."""


@dataclass
class TokenCheck:
    """Accepts tokens for one database.

    age: seconds that a token is good for; RDS's 900. credentials: by access key.
    """

    host: str
    port: int
    region: str
    age: float
    credentials: dict[str, Credentials] = field(default_factory=dict)
    accepted: list[float] = field(default_factory=list)
    """When, in seconds of `time.time`."""
    refused: list[str] = field(default_factory=list)
    """Why."""

    def issue(self, user: str, seconds: float) -> Credentials:
        """Credentials that expire, of a role that may connect as `user`."""
        issued = Credentials(
            f"ASIA{secrets.token_hex(8).upper()}",
            secrets.token_hex(20),
            secrets.token_hex(300),
            time.time() + seconds,
            user,
        )
        self.credentials[issued.key] = issued
        return issued

    def check(self, user: str, token: str) -> None:
        """Raises RefusedError unless the token is one for this database, user and moment."""
        address, _, query = token.partition("/?")
        fields = parse_qsl(query)
        given = dict(fields)
        if address != f"{self.host}:{self.port}":
            raise RefusedError(f"a token for {address}")
        if (given.get("Action"), given.get("DBUser")) != ("connect", user):
            raise RefusedError(f"a token for {given.get('DBUser')}, used by {user}")
        key, date, region, service, _ = given["X-Amz-Credential"].split("/")
        known = self.credentials.get(key)
        if known is None or (region, service) != (self.region, SERVICE):
            raise RefusedError("credentials of nobody")
        if not hmac.compare_digest(given.get("X-Amz-Security-Token", ""), known.session):
            raise RefusedError("no session token, or another one")
        signed = datetime.datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
        issued = signed.replace(tzinfo=datetime.UTC).timestamp()
        if time.time() > issued + min(self.age, float(given["X-Amz-Expires"])):
            raise RefusedError("a token that is too old")
        if time.time() > known.expires:
            raise RefusedError("a token of credentials that have expired")
        if not hmac.compare_digest(
            given[SIGNATURE], _signature(known.secret, address, fields, date, region)
        ):
            raise RefusedError("a wrong signature")
        if known.user != user:
            raise RefusedError(f"the role may not connect as {user}")

    def log_in(self, user: str, token: str) -> bool:
        """Checks a token and keeps the result."""
        try:
            self.check(user, token)
        except (RefusedError, KeyError, ValueError) as error:
            self.refused.append(str(error))
            return False
        self.accepted.append(time.time())
        return True


def _signature(
    secret: str, host: str, fields: list[tuple[str, str]], date: str, region: str
) -> str:
    """Of a presigned GET request. Source: IAM User Guide, "Create a signed AWS API request"."""
    signed = sorted(
        f"{quote(name, safe='~')}={quote(value, safe='~')}"
        for name, value in fields
        if name != SIGNATURE
    )
    empty = hashlib.sha256(b"").hexdigest()
    request = "\n".join(["GET", "/", "&".join(signed), f"host:{host}", "", "host", empty])
    scope = f"{date}/{region}/{SERVICE}/aws4_request"
    moment = dict(fields)["X-Amz-Date"]
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join([ALGORITHM, moment, scope, hashed])
    key = f"AWS4{secret}".encode()
    for part in (date, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _element(data: bytes, at: int) -> tuple[bytes, int]:
    """The content of a BER element, and where the next one begins (X.690, definite lengths)."""
    length, at = data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(data[at : at + count]), at + count
    return data[at : at + length], at + length


class _Bind(socketserver.StreamRequestHandler):
    """Answers one simple bind (RFC 4511, 4.2), whose name is `cn=USER`."""

    check: TokenCheck

    def handle(self) -> None:
        head = self.rfile.read(2)
        more = self.rfile.read(head[1] & 0x7F) if head[1] & 0x80 else b""
        length = int.from_bytes(more) if more else head[1]
        message = self.rfile.read(length)
        number, at = _element(message, 0)
        bind, _ = _element(message, at)
        _, at = _element(bind, 0)
        name, at = _element(bind, at)
        password, _ = _element(bind, at)
        user = name.decode().removeprefix("cn=")
        good = self.check.log_in(user, password.decode())
        result = bytes([0x0A, 1, ACCEPTED if good else INVALID_CREDENTIALS, 4, 0, 4, 0])
        answer = bytes([0x02, len(number)]) + number + bytes([0x61, len(result)]) + result
        self.wfile.write(bytes([0x30, len(answer)]) + answer)


@contextmanager
def ldap_server(check: TokenCheck) -> Iterator[int]:
    """Listens on this machine for PostgreSQL's binds. Yields the port."""
    handler = type("Bind", (_Bind,), {"check": check})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def agent(address: str, check: TokenCheck, user: str, seconds: float) -> Iterator[str]:
    """Hands out credentials for `seconds`, to whoever shows the token that it is made with, as
    EKS's Pod Identity agent does. Yields URL and token, separated by a blank.
    """
    token = secrets.token_hex(16)

    class Agent(StubHandler):
        def do_GET(self) -> None:
            if self.headers["Authorization"] != token:
                self.send_json({"message": "no such association"}, 403)
                return
            issued = check.issue(user, seconds)
            moment = datetime.datetime.fromtimestamp(issued.expires, datetime.UTC)
            self.send_json(
                {
                    "AccessKeyId": issued.key,
                    "SecretAccessKey": issued.secret,
                    "Token": issued.session,
                    "Expiration": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
                }
            )

    with ThreadingHTTPServer((address, 0), Agent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{address}:{server.server_address[1]}/v1/credentials {token}"
        server.shutdown()
