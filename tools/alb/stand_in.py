"""Runs the stand-in: AWS's API and the data plane in one event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import aiohttp
from aiohttp import web

from tools.alb.aws import Aws, aws_account
from tools.alb.control_plane import ControlPlane
from tools.alb.data_plane import DataPlane
from tools.alb.elb import read
from tools.alb.targets import PROPAGATION, Event

_CALL_SECONDS = 60
T = TypeVar("T")


@dataclass(frozen=True)
class Alb:
    """A running stand-in. Call its methods from any thread but its own."""

    aws: Aws
    """The account, with the URL of the stand-in's API, which the cluster can reach."""
    address: str
    """Of this machine, where the API and every listener bind."""
    _data_plane: DataPlane
    _loop: asyncio.AbstractEventLoop = field(repr=False)

    @property
    def ca(self) -> str:
        """PEM certificate of the authority that issues the HTTPS listeners' certificates."""
        return self._data_plane.authority.cert_pem.bytes().decode()

    @property
    def events(self) -> list[Event]:
        """Every change of a target's state so far, oldest first."""
        return list(self._data_plane.events)

    def url(self, hostname: str, port: int = 443) -> str:
        """Local URL of a listener: scheme, address and port.

        hostname, port: of the load balancer, as in AWS's API. Raises KeyError if there is no such
        listener.
        """
        scheme = "http" if port == 80 else "https"

        async def found() -> int:
            return self._data_plane.port(hostname, port)

        return f"{scheme}://{self.address}:{self._call(found())}"

    def attributes(self, arn: str) -> Mapping[str, str]:
        """Attributes of a load balancer, target group or listener by its ARN."""
        return self.aws.attributes(arn)

    def _call(self, what: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(_CALL_SECONDS)


@contextmanager
def alb_stand_in(
    address: str, cluster: str = "backstage", propagation: float = PROPAGATION
) -> Iterator[Alb]:
    """Runs an AWS account and the stand-in in front of it until the context exits.

    address: of this machine, where the API and the listeners bind free ports; it must be reachable
    from pods, the controller's included. cluster: its name in AWS tags. propagation: seconds until
    the data plane learns of a registration or deregistration.
    """
    with aws_account(cluster) as account:
        ready: Future[Alb] = Future()
        stopping: Future[None] = Future()
        thread = threading.Thread(
            target=_run, args=(_serve(account, address, propagation, ready, stopping), ready)
        )
        thread.start()
        try:
            yield ready.result(_CALL_SECONDS)
        finally:
            stopping.set_result(None)
            thread.join()


def _run(serve: Coroutine[object, object, None], ready: Future[Alb]) -> None:
    try:
        asyncio.run(serve)
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)


async def _serve(
    account: Aws, address: str, propagation: float, ready: Future[Alb], stopping: Future[None]
) -> None:
    client = account.client("elbv2")
    data_plane = DataPlane(lambda: read(client), address, propagation)
    async with aiohttp.ClientSession() as session:
        control_plane = ControlPlane(account.url, data_plane, session)
        server = web.Server(control_plane.handle, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, address, 0).start()
            url = f"http://{address}:{runner.addresses[0][1]}"
            loop = asyncio.get_running_loop()
            ready.set_result(Alb(replace(account, url=url), address, data_plane, loop))
            await asyncio.wrap_future(stopping)
        finally:
            await data_plane.close()
            await runner.cleanup()
