"""Sign-in at a listener, with an identity provider that this project didn't write."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.alb.harness import HOST, LOCAL, Balancer, Pod, balancer, scenario

pytest.importorskip("oidc_provider_mock", reason="needs requirements-e2e.txt; run `make test-alb`")

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from oidc_provider_mock import User, run_server_in_thread

from tools.alb.authenticate import HEADER, SHARD, Authenticate
from tools.alb.elb import Rule

# The identity provider's own dependency warns of its next release.
pytestmark = [pytest.mark.alb, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PORTRAIT = "https://example.com/" + "a" * 2 * SHARD
USERS = [
    User(sub="alice", claims={"email": "alice@example.com", "name": "Alice"}),
    User(sub="bob", claims={"email": "bob@example.com", "name": "Bob", "picture": PORTRAIT}),
]


@dataclass
class Site:
    alb: Balancer
    pod: Pod
    idp: str
    cookies: dict[str, str]
    """Of the client, kept from answer to answer."""

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Returns status and Location."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Host": HOST, **headers, **({"Cookie": cookie} if cookie else {})}
        context = ssl.create_default_context(
            cadata=self.alb.plane.authority.cert_pem.bytes().decode()
        )
        async with self.alb.client.get(
            self.alb.url + path, headers=sent, ssl=context, allow_redirects=False,
            server_hostname=HOST,
        ) as answer:  # fmt: skip
            for name, morsel in answer.cookies.items():
                self.cookies[name] = morsel.value
                if not morsel.value:
                    del self.cookies[name]
            return answer.status, answer.headers.get("Location", "")

    async def signed_in(self, user: str = "alice", path: str = "/page?a=b") -> str:
        """Goes through the code flow. Returns the query with which the provider leads back."""
        _, location = await self.get(path)
        async with self.alb.client.post(
            location, data={"sub": user}, allow_redirects=False
        ) as answer:
            back = urlsplit(answer.headers["Location"])
        assert (back.scheme, back.netloc, back.path) == ("https", HOST, "/oauth2/idpresponse")
        status, location = await self.get(f"{back.path}?{back.query}")
        assert (status, location) == (302, f"https://{HOST}{path}")
        return back.query

    @property
    def headers(self) -> Mapping[str, list[str]]:
        """The last request's x-amzn-oidc headers at the target, less that prefix."""
        found: dict[str, list[str]] = {}
        for line in self.pod.heads[-1].decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name.lower().startswith(HEADER):
                found.setdefault(name.lower().removeprefix(HEADER), []).append(value)
        return found


@asynccontextmanager
async def site(**fields: Any) -> AsyncIterator[Site]:
    """A listener whose /open paths need no sign-in; fields: of `Authenticate`."""
    with run_server_in_thread(user_claims=USERS) as server:
        idp = f"http://localhost:{server.server_port}"
        action = Authenticate(
            issuer=idp,
            authorization_endpoint=f"{idp}/oauth2/authorize",
            token_endpoint=f"{idp}/oauth2/token",
            user_info_endpoint=f"{idp}/userinfo",
            client_id="portal",
            client_secret="hunter2",
            scope="openid email profile",
        )
        of_host = Rule(priority=1, hosts=(HOST,), target_group="group")
        rules = (
            replace(of_host, paths=("/open", "/open/*")),
            replace(of_host, paths=("/*",), authenticate=replace(action, **fields)),
        )
        async with balancer(protocol="HTTPS", before=rules) as alb, Pod().serve() as pod:
            await alb.registered(pod)
            yield Site(alb, pod, idp, {})


@scenario
async def test_code_flow_signs_in_and_tells_the_target_who() -> None:
    async with site() as found:
        status, location = await found.get("/page?a=b")
        asked = parse_qs(urlsplit(location).query)
        assert (status, found.pod.heads) == (302, [])
        assert asked["redirect_uri"] == [f"https://{HOST}/oauth2/idpresponse"]
        assert (asked["scope"], asked["response_type"]) == (["openid email profile"], ["code"])
        await found.signed_in()
        forged = {f"{HEADER}data": "x", f"{HEADER}identity": "root", "X-Amzn-Oidc-Other": "y"}
        assert (await found.get("/page", **forged))[0] == 200
        assert set(found.headers) == {"accesstoken", "identity", "data"}
        assert found.headers["identity"] == ["alice"]
        [data] = found.headers["data"]
        head, claims, signature = map(base64.urlsafe_b64decode, data.split("."))
        assert "=" in data
        assert json.loads(head) | {"exp": 0, "kid": ""} == {
            "typ": "JWT", "alg": "ES256", "signer": "arn:balancer", "iss": found.idp,
            "client": "portal", "exp": 0, "kid": "",
        }  # fmt: skip
        assert json.loads(claims)["email"] == "alice@example.com"
        assert 0 < json.loads(claims)["exp"] - time.time() <= 120
        port = await found.alb.plane.serve_keys("keys.example.com", 0)
        url = f"https://{LOCAL}:{port}/"
        async with found.alb.client.get(url + json.loads(head)["kid"], ssl=False) as pem:
            key = serialization.load_pem_public_key(await pem.read())
        async with found.alb.client.get(url + "other", ssl=False) as unknown:
            assert unknown.status == 404
        assert isinstance(key, ec.EllipticCurvePublicKey)
        numbers = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        signed = data.rpartition(".")[0].encode()
        key.verify(utils.encode_dss_signature(*numbers), signed, ec.ECDSA(hashes.SHA256()))


@scenario
async def test_a_path_without_sign_in_passes_what_the_client_sent() -> None:
    async with site() as found:
        assert (await found.get("/open/x", **{f"{HEADER}data": "forged"}))[0] == 200
        assert found.headers == {"data": ["forged"]}
        assert (await found.get("/opened"))[0] == 302


@scenario
async def test_a_session_ends_with_its_time_even_for_a_copy_of_its_cookie() -> None:
    async with site(timeout=1) as found:
        await found.signed_in()
        copy = dict(found.cookies)
        assert (await found.get("/"))[0] == 200
        found.cookies.clear()
        assert (await found.get("/"))[0] == 302
        found.cookies = copy
        assert (await found.get("/"))[0] == 200
        await asyncio.sleep(1)
        found.cookies = copy
        assert (await found.get("/"))[0] == 302


@scenario
async def test_a_large_session_is_split() -> None:
    async with site() as found:
        await found.signed_in("bob")
        assert {f"AWSELBAuthSessionCookie-{n}" for n in range(3)} <= set(found.cookies)
        assert (await found.get("/"))[0] == 200
        claims = found.headers["data"][0].split(".")[1]
        assert json.loads(base64.urlsafe_b64decode(claims))["picture"] == PORTRAIT
        del found.cookies["AWSELBAuthSessionCookie-1"]
        assert (await found.get("/"))[0] == 302


@scenario
async def test_unauthenticated_requests_are_denied_or_allowed() -> None:
    async with site(unauthenticated="deny") as found:
        assert await found.get("/") == (401, "")
    async with site(unauthenticated="allow") as found:
        assert (await found.get("/"))[0] == 200
        assert found.headers == {}


@scenario
async def test_a_code_is_redeemed_only_in_the_browser_that_asked() -> None:
    async with site() as found:
        query = await found.signed_in()
        found.cookies.clear()
        assert (await found.get(f"/oauth2/idpresponse?{query}"))[0] == 401
        await found.get("/")
        assert (await found.get(f"/oauth2/idpresponse?{query}"))[0] == 401  # another nonce
        assert (await found.get("/oauth2/idpresponse?code=x&state=y"))[0] == 401
        assert (await found.get("/oauth2/idpresponse"))[0] == 401


@scenario
async def test_errors_of_the_identity_provider() -> None:
    async with site() as found:
        state = parse_qs(urlsplit((await found.get("/"))[1]).query)["state"][0]
        assert (await found.get(f"/oauth2/idpresponse?error=x&state={state}"))[0] == 561
        assert (await found.get(f"/oauth2/idpresponse?code=x&state={state}"))[0] == 561
    async with site(token_endpoint=f"http://{LOCAL}:1/token") as found:
        state = parse_qs(urlsplit((await found.get("/"))[1]).query)["state"][0]
        assert (await found.get(f"/oauth2/idpresponse?code=x&state={state}"))[0] == 500
