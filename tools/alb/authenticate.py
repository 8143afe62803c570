"""Signs users in as an Application Load Balancer does, before a rule forwards their request.

Source: the user guide, "Authenticate users using an Application Load Balancer". What it leaves open
is an assumption, and the one that protects least: client-sent x-amzn-oidc headers pass on a rule
without authentication. Not implemented: refresh tokens and Cognito's action.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

REDIRECT_PATH = "/oauth2/idpresponse"
NONCE_COOKIE = "AWSALBAuthNonce"
HEADER = "x-amzn-oidc-"
TOKEN_SECONDS = 120  # from a request until its x-amzn-oidc-data expires
SHARD = 4096 - 200  # characters of a cookie's value; browsers hold 4 KiB with name and attributes
IDP_SECONDS = 10

Claims = Mapping[str, Any]


@dataclass(frozen=True)
class Authenticate:
    """A rule's action authenticate-oidc; fields as in AWS's AuthenticateOidcConfig."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    user_info_endpoint: str
    client_id: str
    client_secret: str
    cookie: str = "AWSELBAuthSessionCookie"
    scope: str = "openid"
    timeout: float = 604800
    """Seconds until a session ends."""
    unauthenticated: str = "authenticate"
    """Or deny, or allow."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further parameters of the authorization request."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Authenticate:
        """Reads an AuthenticateOidcConfig. Its secret is there only because moto returns it."""
        return cls(
            issuer=config["Issuer"],
            authorization_endpoint=config["AuthorizationEndpoint"],
            token_endpoint=config["TokenEndpoint"],
            user_info_endpoint=config["UserInfoEndpoint"],
            client_id=config["ClientId"],
            client_secret=config["ClientSecret"],
            cookie=config.get("SessionCookieName", cls.cookie),
            scope=config.get("Scope", cls.scope),
            timeout=float(config.get("SessionTimeout", cls.timeout)),
            unauthenticated=config.get("OnUnauthenticatedRequest", cls.unauthenticated),
            extra=config.get("AuthenticationRequestExtraParams", {}),
        )


class Authenticator:
    """One load balancer's sessions and signing key. Its sessions live in cookies only: whoever has
    a copy of them is signed in until they expire, whatever happens to the browser's own.
    """

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self.kid = secrets.token_hex(16)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._box = Fernet(Fernet.generate_key())

    @property
    def public_key(self) -> str:
        """PEM, as the region's key server has it under `kid`."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat
        pem = self._key.public_key().public_bytes(encoding, form.SubjectPublicKeyInfo)
        return pem.decode()

    async def answer(
        self, request: web.BaseRequest, action: Authenticate
    ) -> web.Response | Mapping[str, str]:
        """The response, or else the headers of the signed-in user for the target; none with
        `allow`.
        """
        if request.path == REDIRECT_PATH:
            return await self._signed_in(request, action)
        session = self._session(request, action)
        if session:
            return self._headers(session, action)
        if action.unauthenticated == "allow":
            return {}
        if action.unauthenticated == "deny":
            return web.Response(status=401)
        return self._redirect(request, action)

    def data(self, claims: Claims, action: Authenticate, **header: Any) -> str:
        """x-amzn-oidc-data: a JWT whose parts are padded, as AWS's are. header: other values."""
        expires = int(time.time()) + TOKEN_SECONDS
        head = {
            "typ": "JWT", "kid": self.kid, "alg": "ES256", "iss": action.issuer,
            "client": action.client_id, "signer": self.arn, "exp": expires, **header,
        }  # fmt: skip
        body = {**claims, "exp": head["exp"], "iss": head["iss"]}
        signed = ".".join(_encoded(json.dumps(each).encode()) for each in (head, body))
        der = self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
        numbers = utils.decode_dss_signature(der)
        return f"{signed}.{_encoded(b''.join(each.to_bytes(32, 'big') for each in numbers))}"

    def _headers(self, session: Mapping[str, Any], action: Authenticate) -> Mapping[str, str]:
        return {
            f"{HEADER}accesstoken": session["token"],
            f"{HEADER}identity": session["claims"]["sub"],
            f"{HEADER}data": self.data(session["claims"], action),
        }

    def _session(self, request: web.BaseRequest, action: Authenticate) -> Any:
        shards, cookies = "", request.cookies
        while (name := f"{action.cookie}-{len(shards) // SHARD}") in cookies:
            shards += cookies[name]
            if len(cookies[name]) < SHARD:
                break
        session = self._opened(shards)
        of_client = session and session["client"] == [action.issuer, action.client_id]
        return session if of_client and session["until"] > time.time() else None

    def _redirect(self, request: web.BaseRequest, action: Authenticate) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        state = self._sealed({"nonce": nonce, "url": f"https://{request.host}{request.raw_path}"})
        asked = {
            "client_id": action.client_id,
            "redirect_uri": f"https://{request.host}{REDIRECT_PATH}",
            "response_type": "code",
            "scope": action.scope,
            "state": state,
            **action.extra,
        }
        separator = "&" if "?" in action.authorization_endpoint else "?"
        response = _found(f"{action.authorization_endpoint}{separator}{urlencode(asked)}")
        _set_cookie(response, NONCE_COOKIE, nonce)
        return response

    async def _signed_in(self, request: web.BaseRequest, action: Authenticate) -> web.Response:
        """Redeems the code, and leads to the page that was asked for at first."""
        query = request.query
        state = self._opened(query.get("state", ""))
        if not state or state["nonce"] != request.cookies.get(NONCE_COOKIE):
            return web.Response(status=401)
        if "code" not in query:
            return web.Response(status=561)  # the identity provider returned an error
        redeemed = {
            "grant_type": "authorization_code",
            "code": query["code"],
            "redirect_uri": f"https://{request.host}{REDIRECT_PATH}",
        }
        timeout = aiohttp.ClientTimeout(total=IDP_SECONDS)
        client = base64.b64encode(f"{action.client_id}:{action.client_secret}".encode()).decode()
        basic = {"Authorization": f"Basic {client}"}
        try:
            async with aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session:
                async with session.post(
                    action.token_endpoint, data=redeemed, headers=basic
                ) as answer:
                    token = (await answer.json())["access_token"]
                bearer = {"Authorization": f"Bearer {token}"}
                async with session.get(action.user_info_endpoint, headers=bearer) as answer:
                    claims = await answer.json()
        except aiohttp.ClientResponseError:
            return web.Response(status=561)
        except (aiohttp.ClientError, TimeoutError):
            return web.Response(status=500)  # the load balancer doesn't reach the endpoint
        sealed = self._sealed(
            {
                "client": [action.issuer, action.client_id],
                "until": time.time() + action.timeout,
                "token": token,
                "claims": claims,
            }
        )
        response = _found(state["url"])
        for start in range(0, len(sealed), SHARD):
            name = f"{action.cookie}-{start // SHARD}"
            _set_cookie(response, name, sealed[start : start + SHARD], int(action.timeout))
        response.del_cookie(NONCE_COOKIE)
        return response

    def _sealed(self, value: Mapping[str, Any]) -> str:
        return self._box.encrypt(json.dumps(value).encode()).decode()

    def _opened(self, text: str) -> Any:
        try:
            return json.loads(self._box.decrypt(text.encode()))
        except InvalidToken:
            return None


def _found(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location, "Server": "awselb/2.0"})


def _set_cookie(response: web.Response, name: str, value: str, age: int | None = None) -> None:
    response.set_cookie(
        name, value, max_age=age, path="/", secure=True, httponly=True, samesite="None"
    )


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode()
