"""A stand-in for GitHub's API: an App's installation, people and repositories."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("cryptography", reason="needs requirements-e2e.txt; run `make e2e`")

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tools.container.http_stub import StubHandler, serving

TOKEN = "ghs_of-the-installation"
PAGE = {"hasNextPage": False, "endCursor": None}


class GitHubApi:
    """An App with `app_id`, installed in `organizations`; the first has a repository for each of
    `files`, whose catalog file it is.

    Refuses what GitHub refuses: an App's token that its private key didn't sign, and requests for
    people and repositories without the installation's token.
    """

    def __init__(self, app_id: int, organizations: list[str], files: dict[str, str]) -> None:
        self.app_id, self.organizations, self.files = app_id, organizations, files
        self.requests: list[str] = []
        """Method and path of every request."""
        self.url = ""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.private_key = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,  # as GitHub's
            serialization.NoEncryption(),
        ).decode()

    def signed(self, token: str) -> bool:
        """Whether a JSON Web Token is this App's."""
        head, _, signature = token.rpartition(".")
        try:
            self._key.public_key().verify(
                _decoded(signature), head.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            return False
        claims = json.loads(_decoded(head.partition(".")[2]))
        return str(claims["iss"]) == str(self.app_id)

    def answer(self, method: str, path: str, token: str, body: Any) -> tuple[int, Any]:
        """Status, and JSON or a file's text."""
        if path.startswith("/api/v3/app/"):
            if not self.signed(token):
                return 401, {"message": "A JSON web token could not be decoded"}
            if method == "POST":
                expiry = {"expires_at": "2099-01-01T00:00:00Z", "repository_selection": "all"}
                return 201, {"token": TOKEN, **expiry}
            return 200, [
                {"id": number, "account": {"login": name}, "target_type": "Organization"}
                for number, name in enumerate(self.organizations, 1)
            ]
        if token != TOKEN:
            return 401, {"message": "Bad credentials"}
        if path == "/api/graphql":
            return 200, {"data": self._query(body["query"], body["variables"])}
        file = re.fullmatch(r"/api/v3/repos/[^/]+/([^/]+)/contents/catalog-info.yaml", path)
        text = self.files.get(file[1]) if file else None
        return (200, text) if text else (404, {"message": "Not Found"})

    def _query(self, query: str, variables: dict[str, Any]) -> Any:
        known = variables["org"] == self.organizations[0]
        alice = {"login": "alice", "id": "U1", "name": "Alice", "avatarUrl": "", "bio": "",
                 "organizationVerifiedDomainEmails": ["alice@acme.example.com"]}  # fmt: skip
        members = {"pageInfo": PAGE, "nodes": [alice]}
        team = {"slug": "platform", "combinedSlug": f"{variables['org']}/platform",
                "name": "Platform", "description": "", "avatarUrl": "", "editTeamUrl": "",
                "parentTeam": None, "members": members}  # fmt: skip
        if "query repositories" in query:
            nodes = [self._repository(name) for name in self.files] if known else []
            found = {"nodes": nodes, "pageInfo": PAGE}
            return {"repositoryOwner": {"login": variables["org"], "repositories": found}}
        name, nodes = ("membersWithRole", [alice]) if "query users" in query else ("teams", [team])
        return {"organization": {name: {"pageInfo": PAGE, "nodes": nodes if known else []}}}

    def _repository(self, name: str) -> dict[str, Any]:
        blob = {"__typename": "Blob", "id": "1", "text": self.files[name]}
        url = f"https://github.com/{self.organizations[0]}/{name}"
        return {"name": name, "catalogInfoFile": blob, "isArchived": False, "isFork": False,
                "url": url, "visibility": "PRIVATE",
                "repositoryTopics": {"nodes": []},
                "defaultBranchRef": {"name": "main"}}  # fmt: skip

    @contextmanager
    def serve(self, address: str) -> Iterator[GitHubApi]:
        """Listens at an address of this machine; `url` is set to it."""
        api = self

        class Handler(StubHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                api.requests.append(f"{self.command} {path}")
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                token = (self.headers.get("Authorization") or "").partition(" ")[2]
                status, value = api.answer(self.command, path, token, body)
                self.send_json(value, status, "application/json; charset=utf-8")

            do_POST = do_GET

        with serving(Handler, address) as self.url:
            yield self


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
