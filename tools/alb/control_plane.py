"""AWS's API: moto's, except that target health comes from the data plane.

moto reports every target healthy at once and drops it on deregistration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from tools.alb.data_plane import DataPlane
from tools.alb.targets import Health, Targets

VERSION = "2015-12-01"  # API version of Elastic Load Balancing v2
_NAMESPACE = f"http://elasticloadbalancing.amazonaws.com/doc/{VERSION}/"
# Actions that change nothing, so the data plane needn't sync after them.
_READS = ("Describe", "Get", "List")
_NOT_FORWARDED = ("Connection", "Content-Length", "Keep-Alive", "Transfer-Encoding")

Form = dict[str, str]


class ControlPlane:
    """A proxy before a moto server; pass `handle` to an aiohttp server. moto: its URL."""

    def __init__(self, moto: str, data_plane: DataPlane, session: aiohttp.ClientSession) -> None:
        self._moto, self._data_plane, self._session = moto, data_plane, session

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one API call; syncs the data plane after each change."""
        body = await request.read()
        form = _form(request, body)
        action = form.get("Action", "") if form.get("Version") == VERSION else ""
        group = self._data_plane.groups.get(form.get("TargetGroupArn", ""))
        if group and action == "DescribeTargetHealth":
            return _answer(action, _descriptions(group, form))
        if group and action == "DeregisterTargets":
            return await self._deregister(request, group, form)
        answer = await self._forward(request, body)
        if group and action == "RegisterTargets" and answer.status == 200:
            for host, port in _targets(form):
                group.register(host, port or await self._port(form["TargetGroupArn"]))
        elif action and not action.startswith(_READS):
            await self._data_plane.sync()
        return answer

    async def _deregister(
        self, request: web.BaseRequest, group: Targets, form: Form
    ) -> web.StreamResponse:
        """Drops unknown targets: moto rejects the whole call for one of them, AWS ignores it."""
        known = [each for each in _targets(form) if group.registered(*each)]
        for host, port in known:
            group.deregister(host, port)
        if known:
            rest = {key: value for key, value in form.items() if not key.startswith("Targets.")}
            for index, (host, _) in enumerate(known, start=1):
                rest[f"Targets.member.{index}.Id"] = host
            await self._forward(request, urlencode(rest).encode())
        return _answer("DeregisterTargets", "")

    async def _forward(self, request: web.BaseRequest, body: bytes) -> web.Response:
        headers = CIMultiDict(request.headers)
        for name in _NOT_FORWARDED:
            headers.popall(name, None)
        async with self._session.request(
            request.method,
            self._moto + request.raw_path,
            data=body or None,
            headers=headers,
            allow_redirects=False,
        ) as answer:
            kept = CIMultiDict(answer.headers)
            for name in _NOT_FORWARDED:
                kept.popall(name, None)
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    async def _port(self, arn: str) -> int:
        """The target group's port, the default for a target registered without one."""
        form = {
            "Action": "DescribeTargetGroups", "Version": VERSION, "TargetGroupArns.member.1": arn,
        }  # fmt: skip
        async with self._session.post(self._moto, data=form) as answer:
            _, _, after = (await answer.text()).partition("<Port>")
            return int(after.partition("<")[0])


def _form(request: web.BaseRequest, body: bytes) -> Form:
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _targets(form: Mapping[str, str]) -> Iterator[tuple[str, int | None]]:
    index = 1
    while host := form.get(f"Targets.member.{index}.Id"):
        port = form.get(f"Targets.member.{index}.Port")
        yield host, int(port) if port else None
        index += 1


def _descriptions(group: Targets, form: Form) -> str:
    targets = [(host, port or 0) for host, port in _targets(form)]
    members = "".join(_description(group, each) for each in group.health(targets))
    return f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"


def _description(group: Targets, health: Health) -> str:
    port = group.settings.check_port
    fields = {
        "State": health.state, "Reason": health.reason, "Description": health.description,
    }  # fmt: skip
    present = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in fields.items() if value)
    return (
        f"<member><HealthCheckPort>{health.port if port == 'traffic-port' else port}"
        f"</HealthCheckPort><Target><Id>{escape(health.host)}</Id><Port>{health.port}</Port>"
        f"</Target><TargetHealth>{present}</TargetHealth></member>"
    )


def _answer(action: str, result: str) -> web.Response:
    text = (
        f'<{action}Response xmlns="{_NAMESPACE}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId>"
        f"</ResponseMetadata></{action}Response>"
    )
    return web.Response(text=text, content_type="text/xml")
