"""The data plane: one socket per listener, and the targets behind it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import trustme
from aiohttp import web

from tools.alb.authenticate import Authenticator
from tools.alb.elb import Configuration, Listener
from tools.alb.forward import answer
from tools.alb.targets import PROPAGATION, Event, Targets

CLIENT_KEEP_ALIVE = 3600.0  # seconds; the default of an Application Load Balancer
MOST_HEADER = 16 * 1024  # bytes of a request line or a header; its quota
_SHUTDOWN_SECONDS = 1.0  # for the open requests of a deleted listener


@dataclass
class _Socket:
    listener: Listener
    runner: web.ServerRunner
    port: int
    context: ssl.SSLContext | None
    names: frozenset[str]


class DataPlane:
    """Serves the listeners of a configuration. Use it on one event loop.

    read: returns the account's configuration; every `sync` calls it in a thread. address: of this
    machine, where each listener binds a free port. propagation: seconds until a registration or
    deregistration takes effect. authority: issues the listeners' certificates, because ACM doesn't
    hand out private keys.
    """

    def __init__(
        self,
        read: Callable[[], Configuration],
        address: str,
        propagation: float = PROPAGATION,
        authority: trustme.CA | None = None,
    ) -> None:
        self.authority = authority or trustme.CA()
        self.groups: dict[str, Targets] = {}
        """Targets by target group ARN."""
        self.events: list[Event] = []
        """Every change of a target's state, oldest first."""
        self.authenticators: dict[str, Authenticator] = {}
        """What signs users in, by load balancer ARN."""
        self._read, self._address, self._propagation = read, address, propagation
        self._sockets: dict[str, _Socket] = {}
        self._key_servers: list[web.ServerRunner] = []
        self._lock = asyncio.Lock()

    async def sync(self) -> None:
        """Reads the configuration and applies it."""
        async with self._lock:
            configuration = await asyncio.to_thread(self._read)
            await self._sync_groups(configuration)
            for arn in set(self._sockets) - set(configuration.listeners):
                await self._sockets.pop(arn).runner.cleanup()
            for arn, listener in configuration.listeners.items():
                socket = self._sockets.get(arn)
                if socket is None or socket.listener.protocol != listener.protocol:
                    if socket:
                        await socket.runner.cleanup()
                    self._sockets[arn] = await self._open(listener)
                else:
                    socket.listener = listener
                    self._certify(socket)

    def port(self, hostname: str, port: int) -> int:
        """The local port of a load balancer's listener. Raises KeyError if there is none."""
        for socket in self._sockets.values():
            if (socket.listener.hostname, socket.listener.port) == (hostname, port):
                return socket.port
        raise KeyError(f"{hostname}:{port}")

    async def serve_keys(self, host: str, port: int) -> int:
        """Serves the load balancers' public keys as the region's `host` does, over HTTPS at a port
        of the address; 0: any. Returns the port.
        """

        async def key(request: web.BaseRequest) -> web.StreamResponse:
            kid = request.path.removeprefix("/")
            known = {each.kid: each.public_key for each in self.authenticators.values()}
            return web.Response(text=known[kid]) if kid in known else web.Response(status=404)

        runner = web.ServerRunner(web.Server(key, access_log=None))
        await runner.setup()
        self._key_servers.append(runner)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(host).configure_cert(context)
        await web.TCPSite(runner, self._address, port, ssl_context=context).start()
        found: int = runner.addresses[0][1]
        return found

    async def close(self) -> None:
        """Closes every listener and every connection to a target."""
        for runner in self._key_servers:
            await runner.cleanup()
        self._key_servers.clear()
        for socket in self._sockets.values():
            await socket.runner.cleanup()
        self._sockets.clear()
        for group in self.groups.values():
            await group.close()
        self.groups.clear()

    async def _sync_groups(self, configuration: Configuration) -> None:
        for arn in set(self.groups) - set(configuration.target_groups):
            await self.groups.pop(arn).close()
        idle = {
            rule.target_group: listener.idle_timeout
            for listener in configuration.listeners.values()
            for rule in listener.rules
        }
        for arn, settings in configuration.target_groups.items():
            group = self.groups.get(arn)
            if group is None:
                group = self.groups[arn] = Targets(
                    settings, self.events.append, self._propagation, idle.get(arn, 60.0)
                )
            group.settings = settings
            group.idle_timeout = idle.get(arn, group.idle_timeout)

    async def _open(self, listener: Listener) -> _Socket:
        authenticator = self.authenticators.setdefault(
            listener.load_balancer, Authenticator(listener.load_balancer)
        )

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            current = self._sockets[listener.arn].listener
            return await answer(request, current, self.groups, authenticator)

        server = web.Server(
            handle,
            # A disconnecting client cancels its request to the target.
            handler_cancellation=True,
            keepalive_timeout=CLIENT_KEEP_ALIVE,
            max_line_size=MOST_HEADER,
            max_field_size=MOST_HEADER,
            auto_decompress=False,
            access_log=None,
        )
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        context = None
        if listener.protocol == "HTTPS":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        socket = _Socket(listener, runner, 0, context, frozenset())
        self._certify(socket)
        await web.TCPSite(runner, self._address, 0, ssl_context=context, backlog=1024).start()
        socket.port = runner.addresses[0][1]
        return socket

    def _certify(self, socket: _Socket) -> None:
        """Issues a certificate for the address, the load balancer and every host in the rules."""
        listener = socket.listener
        hosts = {host for rule in listener.rules for host in rule.hosts}
        names = frozenset({self._address, *hosts, *filter(None, [listener.hostname])})
        if socket.context and names != socket.names:
            self.authority.issue_cert(*sorted(names)).configure_cert(socket.context)
            socket.names = names
