"""Targets as an Application Load Balancer's data plane sees them: their health and their end.

Source of the states, reasons and rules: the user guide for Application Load Balancers, pages
"Health checks for your target groups", "Edit target group attributes" and "Register targets".
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp

from tools.reliability.elb import TargetGroup

# Seconds until a registration or a deregistration has reached every node of a load balancer. AWS
# promises no number; several seconds are seen, and the guidance for EKS is to sleep 10 or more.
PROPAGATION = 10.0

_DESCRIPTIONS = {
    "Elb.RegistrationInProgress": "Target registration is in progress",
    "Elb.InitialHealthChecking": "Initial health checks in progress",
    "Target.Timeout": "Request timed out",
    "Target.FailedHealthChecks": "Health checks failed",
    "Target.ResponseCodeMismatch": "Health checks failed with an unexpected status code",
    "Target.DeregistrationInProgress": "Target deregistration is in progress",
    "Target.NotRegistered": "Target is not registered to the target group",
}


@dataclass(frozen=True)
class Health:
    """A target's entry in DescribeTargetHealth."""

    host: str
    port: int
    state: str
    reason: str = ""

    @property
    def description(self) -> str:
        """The reason in words."""
        return _DESCRIPTIONS.get(self.reason, "")


@dataclass(frozen=True)
class Event:
    """A target's new state."""

    at: float
    """Seconds since the epoch."""
    target_group: str
    host: str
    port: int
    state: str
    """As in DescribeTargetHealth; `out of service` when no new request goes to a draining target,
    `gone` when its connections were cut."""
    reason: str = ""


Record = Callable[[Event], None]


class Target:
    """An address and a port, from its registration until its last connection is cut."""

    def __init__(self, group: Targets, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.outstanding = 0
        self.streaming: set[asyncio.Transport | None] = set()
        """Connections to clients on which an answer is under way."""
        """Requests without a complete answer."""
        self.healthy: bool | None = None
        """None until the first health checks have decided."""
        self.in_service = False
        """Whether the data plane knows it."""
        self.draining = False
        self.session: aiohttp.ClientSession | None = None
        """The connections to it."""
        self._group = group
        self._reason = "Elb.RegistrationInProgress"
        self._tell()
        self._checking = asyncio.create_task(self._live())
        self._leaving: asyncio.Task[None] | None = None

    @property
    def health(self) -> Health:
        """As DescribeTargetHealth has it."""
        if self.draining:
            state, reason = "draining", "Target.DeregistrationInProgress"
        elif self.healthy:
            state, reason = "healthy", ""
        else:
            state = "initial" if self.healthy is None else "unhealthy"
            reason = self._reason
        return Health(self.host, self.port, state, reason)

    def deregister(self) -> None:
        """Lets it drain. Doing so again changes nothing."""
        if self._leaving is None:
            self.draining = True
            self._tell()
            self._leaving = asyncio.create_task(self._leave())

    async def close(self) -> None:
        """Ends its tasks and cuts its connections."""
        self.in_service = False
        tasks = [each for each in (self._checking, self._leaving) if each is not None]
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self.session:
            await self.session.close()
        # aiohttp lets whoever reads from a closed session wait for ever.
        for client in list(self.streaming):
            if client:
                client.abort()

    async def _live(self) -> None:
        """Health checks, which go on until the data plane learns of the deregistration."""
        await asyncio.sleep(self._group.propagation)
        self.session = _session(self._group.idle_timeout)
        self.in_service = True
        self._reason = "Elb.InitialHealthChecking"
        self._tell()
        passed = failed = 0
        while True:
            settings, started = self._group.settings, time.monotonic()
            reason = await check(settings, self.host, self.port)
            passed, failed = (0, failed + 1) if reason else (passed + 1, 0)
            before = self.healthy
            # A new target needs one passed check only.
            if passed and (self.healthy is None or passed >= settings.healthy_threshold):
                self.healthy, self._reason = True, ""
            elif failed >= settings.unhealthy_threshold:
                self.healthy, self._reason = False, reason
            if self.healthy is not before and not self.draining:
                self._tell()
            await asyncio.sleep(max(0.0, settings.interval - (time.monotonic() - started)))

    async def _leave(self) -> None:
        delay = self._group.settings.deregistration_delay
        await asyncio.sleep(self._group.propagation)
        self._checking.cancel()
        self.in_service = False
        self._group.tell(self, "out of service")
        await asyncio.sleep(max(0.0, delay - self._group.propagation))
        self._group.members.remove(self)
        self._group.tell(self, "gone")
        await self.close()

    def _tell(self) -> None:
        health = self.health
        self._group.tell(self, health.state, health.reason)


class Targets:
    """The targets of one target group. To be used on the event loop that it was made on.

    propagation: seconds until the data plane learns of a registration or deregistration; a
    deregistration delay shorter than that lasts as long. idle_timeout: seconds after which an
    unused connection to a target is closed.
    """

    def __init__(
        self, settings: TargetGroup, record: Record, propagation: float, idle_timeout: float
    ) -> None:
        self.settings, self.propagation, self.idle_timeout = settings, propagation, idle_timeout
        self.members: list[Target] = []
        """Oldest first; one that drains may stand beside its own later registration."""
        self._record = record
        self._turn = 0

    def register(self, host: str, port: int) -> None:
        """Adds a target, unless it is one."""
        if not any(each.health.state != "draining" for each in self._of(host, port)):
            self.members.append(Target(self, host, port))

    def deregister(self, host: str, port: int | None = None) -> None:
        """Lets a target drain, on each of its ports where none is given; nothing if unknown."""
        for target in self._of(host, port):
            target.deregister()

    def registered(self, host: str, port: int | None = None) -> bool:
        """Whether there is such a target and it doesn't drain."""
        return any(not each.draining for each in self._of(host, port))

    def health(self, asked: Sequence[tuple[str, int]] = ()) -> list[Health]:
        """Of the targets asked for, or of all that are registered or drain."""
        latest = {(each.host, each.port): each.health for each in self.members}
        if not asked:
            return list(latest.values())
        return [
            latest.get(each) or Health(*each, "unused", "Target.NotRegistered") for each in asked
        ]

    def pick(self) -> Target | None:
        """The target of a new request: a healthy one, without any of them whichever; or None."""
        known = [each for each in self.members if each.in_service]
        able = [each for each in known if each.healthy] or known
        if not able:
            return None
        self._turn += 1
        turn = self._turn % len(able)
        able = able[turn:] + able[:turn]
        if self.settings.algorithm == "least_outstanding_requests":
            return min(able, key=lambda each: each.outstanding)
        return able[0]

    def tell(self, target: Target, state: str, reason: str = "") -> None:
        """Records a target's new state."""
        self._record(Event(time.time(), self.settings.arn, target.host, target.port, state, reason))

    async def close(self) -> None:
        """Cuts every connection."""
        for target in self.members:
            await target.close()
        self.members.clear()

    def _of(self, host: str, port: int | None) -> list[Target]:
        return [each for each in self.members if each.host == host and port in (None, each.port)]


async def check(settings: TargetGroup, host: str, port: int) -> str:
    """One health check on a new connection; the reason why it failed, nothing if it passed."""
    if settings.check_port != "traffic-port":
        port = int(settings.check_port)
    url = f"{settings.check_protocol.lower()}://{host}:{port}{settings.check_path}"
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, ssl=False),
                timeout=aiohttp.ClientTimeout(total=settings.timeout),
                headers={"User-Agent": "ELB-HealthChecker/2.0"},
            ) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            await answer.read()
            return "" if settings.passes(answer.status) else "Target.ResponseCodeMismatch"
    except TimeoutError:
        return "Target.Timeout"
    except (aiohttp.ClientError, OSError):
        return "Target.FailedHealthChecks"


def _session(idle_timeout: float) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        # A load balancer doesn't know targets by certificate, and limits no connections to one.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=idle_timeout, ssl=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )
    # aiohttp sends an idempotent request again when the target has closed the connection that it
    # reused. A load balancer doesn't; there is no public way to say so.
    session._retry_connection = False
    return session
