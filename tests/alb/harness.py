"""Scriptable targets and a listener in front of them, on the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs requirements-cluster.txt; run `make test-alb`")
pytest.importorskip("moto", reason="needs requirements-cluster.txt; run `make test-alb`")
pytest.importorskip("trustme", reason="needs requirements-cluster.txt; run `make test-alb`")

import aiohttp as aiohttp  # for the tests, which can't import it before the check above
from yarl import URL

from tools.alb.data_plane import DataPlane
from tools.alb.elb import Configuration, Listener, Rule, TargetGroup
from tools.alb.targets import Targets

LOCAL = "127.0.0.1"
HOST = "backstage.example.com"
PROPAGATION = 0.3
GROUP = TargetGroup(
    arn="group", interval=0.1, timeout=0.5, healthy_threshold=2, deregistration_delay=1.0
)
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


@dataclass
class Pod:
    """A target. Answers health checks with the status `health`, or never if it is 0.

    answer: handles any other request; without it the response is the pod's name.
    """

    answer: Answer | None = None
    health: int = 200
    name: str = "pod"
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    """Heads of all requests but health checks."""
    connections: int = 0
    """Connections that carried those requests."""
    _open: set[asyncio.Task[Any]] = field(default_factory=set)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Pod]:
        server = await asyncio.start_server(self._connected, LOCAL, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        counted = False
        try:
            while True:
                head = await source.readuntil(b"\r\n\r\n")
                if b"ELB-HealthChecker" in head:
                    if not self.health:
                        await asyncio.sleep(30)
                    await send(sink, b"", self.health)
                    return
                self.connections += not counted
                counted = True
                self.heads.append(head)
                if self.answer:
                    await self.answer(source, sink, head)
                else:
                    await send(sink, self.name.encode())
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            sink.close()
            with contextlib.suppress(OSError):
                await sink.wait_closed()


async def send(sink: asyncio.StreamWriter, body: bytes, status: int = 200) -> None:
    head = f"HTTP/1.1 {status} Status\r\nContent-Length: {len(body)}\r\n\r\n"
    sink.write(head.encode() + body)
    await sink.drain()


@dataclass
class Balancer:
    plane: DataPlane
    group: Targets
    client: aiohttp.ClientSession
    url: str

    async def get(self, path: str = "/", **more: Any) -> tuple[int, str]:
        headers = {"Host": HOST, **more.pop("headers", {})}
        async with self.client.get(
            URL(self.url + path, encoded=True), headers=headers, **more
        ) as answer:
            return answer.status, await answer.text()

    async def registered(self, *pods: Pod) -> None:
        """Registers targets and waits until all are healthy."""
        for pod in pods:
            self.group.register(LOCAL, pod.port)
        await self.until(*["healthy"] * len(pods))

    async def until(self, *states: str) -> None:
        """Waits up to 5 s until the targets have these states, in order of registration."""
        end = time.monotonic() + 5
        while [each.state for each in self.group.health()] != list(states):
            assert time.monotonic() < end, self.group.health()
            await asyncio.sleep(0.01)


@asynccontextmanager
async def balancer(
    group: TargetGroup = GROUP,
    idle_timeout: float = 5,
    protocol: str = "HTTP",
    before: tuple[Rule, ...] = (),
) -> AsyncIterator[Balancer]:
    """A listener that forwards requests for HOST to a target group and answers others with 404.

    before: rules that come first.
    """
    rules = (
        *before,
        Rule(priority=1, hosts=(HOST,), paths=("/*",), target_group=group.arn),
        Rule(action="fixed-response", settings={"StatusCode": "404"}),
    )
    listener = Listener(
        "listener", 443, protocol, rules, idle_timeout=idle_timeout, load_balancer="arn:balancer"
    )
    configuration = Configuration({"listener": listener}, {group.arn: group})
    plane = DataPlane(lambda: configuration, LOCAL, PROPAGATION)
    await plane.sync()
    url = f"{protocol.lower()}://{LOCAL}:{plane.port('', 443)}"
    async with aiohttp.ClientSession() as client:
        try:
            yield Balancer(plane, plane.groups[group.arn], client, url)
        finally:
            await plane.close()


Scenario = Callable[[], Awaitable[None]]


def scenario(run: Scenario) -> Callable[[], None]:
    """Turns a coroutine function into a test, with a timeout of 30 s."""

    def test() -> None:
        asyncio.run(asyncio.wait_for(run(), 30))

    test.__name__, test.__doc__ = run.__name__, run.__doc__
    return test
