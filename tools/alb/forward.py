"""Proxies a request: selects the rule and the target, forwards, and streams the response back.

Source of the status codes: "Troubleshoot your Application Load Balancers" in its user guide. Not
implemented: HTTP/2 to the client, WebSocket upgrades, weights, stickiness and slow start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tools.alb.authenticate import HEADER, Authenticator
from tools.alb.elb import Listener, Rule
from tools.alb.targets import Target, Targets

CONNECT_SECONDS = 10  # a load balancer's limit for connecting to a target
_HOP_BY_HOP = (
    "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "TE", "Trailer",
    "Transfer-Encoding", "Upgrade", "Expect",
)  # fmt: skip
# Headers that aiohttp adds to a request without them.
_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_SERVER = {"Server": "awselb/2.0"}


async def answer(
    request: web.BaseRequest,
    listener: Listener,
    groups: Mapping[str, Targets],
    authenticator: Authenticator,
) -> web.StreamResponse:
    """Answers a request to a listener. groups: targets by target group ARN."""
    host = request.headers.get("Host", "").partition(":")[0]
    rule = listener.rule(host, request.raw_path.partition("?")[0])
    user: Mapping[str, str] = {}
    if rule.authenticate:
        signed_in = await authenticator.answer(request, rule.authenticate)
        if isinstance(signed_in, web.Response):
            return signed_in
        user = signed_in
    if rule.action == "fixed-response":
        return web.Response(
            status=int(rule.settings["StatusCode"]),
            text=rule.settings.get("MessageBody", ""),
            content_type=rule.settings.get("ContentType", "text/plain"),
            headers=_SERVER,
        )
    if rule.action == "redirect":
        return _redirect(request, listener, rule, host)
    group = groups.get(rule.target_group)
    target = group.pick() if group else None
    if group is None or target is None:
        return _error(503)
    target.outstanding += 1
    try:
        return await _forward(request, listener, group.settings.protocol, target, user)
    finally:
        target.outstanding -= 1


async def _forward(
    request: web.BaseRequest,
    listener: Listener,
    protocol: str,
    target: Target,
    user: Mapping[str, str],
) -> web.StreamResponse:
    assert target.session is not None, "a target in service has a connection pool"
    url = f"{protocol.lower()}://{target.host}:{target.port}{request.raw_path}"
    try:
        upstream = await target.session.request(
            request.method,
            URL(url, encoded=True),
            headers=_headers(request, listener, user),
            data=request.content if request.can_read_body else None,
            allow_redirects=False,
            skip_auto_headers=_ADDED,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_SECONDS, sock_read=listener.idle_timeout
            ),
        )
    except TimeoutError:
        return _error(504)
    # aiohttp raises RuntimeError if the target's session was closed meanwhile.
    except (aiohttp.ClientError, OSError, RuntimeError):
        return _error(502)
    async with upstream:
        client = request.transport
        target.streaming.add(client)
        try:
            return await _stream(request, upstream)
        finally:
            target.streaming.discard(client)


async def _stream(request: web.BaseRequest, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    """Streams the response. If the target breaks it off, the client's connection is aborted too."""
    response = web.StreamResponse(
        status=upstream.status, reason=upstream.reason, headers=_kept(upstream.headers)
    )
    await response.prepare(request)
    try:
        async for part in upstream.content.iter_any():
            await response.write(part)
    except (aiohttp.ClientError, OSError):
        if request.transport:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _headers(
    request: web.BaseRequest, listener: Listener, user: Mapping[str, str]
) -> CIMultiDict[str]:
    headers = _kept(request.headers)
    if user:
        for name in [each for each in headers if each.lower().startswith(HEADER)]:
            headers.popall(name, None)
        headers.update(user)
    client = request.remote or ""
    before = headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {client}" if before else client
    headers["X-Forwarded-Proto"] = listener.protocol.lower()
    headers["X-Forwarded-Port"] = str(listener.port)
    return headers


def _kept(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    kept = CIMultiDict(headers)
    named = [each.strip() for each in headers.get("Connection", "").split(",")]
    for name in (*_HOP_BY_HOP, *filter(None, named)):
        kept.popall(name, None)
    return kept


def _redirect(
    request: web.BaseRequest, listener: Listener, rule: Rule, host: str
) -> web.StreamResponse:
    path, _, query = request.raw_path.partition("?")
    known = {
        "protocol": listener.protocol.lower(),
        "host": host,
        "port": str(listener.port),
        "path": path.lstrip("/"),
        "query": query,
    }

    def part(name: str, default: str) -> str:
        wanted = rule.settings.get(name, default)
        return re.sub(r"#\{(\w+)\}", lambda found: known[found[1]], wanted)

    location = (
        f"{part('Protocol', '#{protocol}').lower()}://{part('Host', '#{host}')}"
        f":{part('Port', '#{port}')}{part('Path', '/#{path}')}"
    )
    asked = part("Query", "#{query}")
    status = int(rule.settings["StatusCode"].removeprefix("HTTP_"))
    return web.Response(
        status=status, headers={"Location": location + (f"?{asked}" if asked else ""), **_SERVER}
    )


def _error(status: int) -> web.Response:
    reasons: dict[int, Any] = {
        502: "502 Bad Gateway",
        503: "503 Service Temporarily Unavailable",
        504: "504 Gateway Time-out",
    }
    text = f"<html><head><title>{reasons[status]}</title></head></html>"
    return web.Response(status=status, text=text, content_type="text/html", headers=_SERVER)
