"""Targets in the data plane of an Application Load Balancer, from registration to removal.

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

from tools.alb.elb import TargetGroup

# Seconds until a registration or deregistration reaches every node of a load balancer. An
# assumption: AWS publishes no bound, and its guidance for EKS is a preStop sleep of 10 s or more.
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
        """AWS's sentence for the reason; empty for a healthy target."""
        return _DESCRIPTIONS.get(self.reason, "")


@dataclass(frozen=True)
class Event:
    """A change of a target's state."""

    at: float
    """Seconds since the epoch."""
    target_group: str
    host: str
    port: int
    state: str
    """As in DescribeTargetHealth; also `out of service` once a draining target gets no new
    requests, and `gone` once its connections are closed."""
    reason: str = ""


Record = Callable[[Event], None]


class Target:
    """A registered address and port. Health checks start with the instance.

    Use it on the event loop that created it.
    """

    def __init__(self, group: Targets, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.outstanding = 0
        """Requests whose response is incomplete."""
        self.streaming: set[asyncio.Transport | None] = set()
        """Client connections with a response in progress."""
        self.healthy: bool | None = None
        """None until the first health checks decide."""
        self.in_service = False
        """Whether the data plane sends it requests."""
        self.draining = False
        self.session: aiohttp.ClientSession | None = None
        """Its connection pool; None until it is in service."""
        self._group = group
        self._reason = "Elb.RegistrationInProgress"
        self._record()
        self._checks = asyncio.create_task(self._serve())
        self._drain: asyncio.Task[None] | None = None

    @property
    def health(self) -> Health:
        """Its current entry in DescribeTargetHealth."""
        if self.draining:
            state, reason = "draining", "Target.DeregistrationInProgress"
        elif self.healthy:
            state, reason = "healthy", ""
        else:
            state = "initial" if self.healthy is None else "unhealthy"
            reason = self._reason
        return Health(self.host, self.port, state, reason)

    def deregister(self) -> None:
        """Starts draining; idempotent."""
        if self._drain is None:
            self.draining = True
            self._record()
            self._drain = asyncio.create_task(self._leave())

    async def close(self) -> None:
        """Stops the health checks and closes every connection."""
        self.in_service = False
        tasks = [each for each in (self._checks, self._drain) if each is not None]
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self.session:
            await self.session.close()
        # aiohttp never wakes a reader of a closed session.
        for client in list(self.streaming):
            if client:
                client.abort()

    async def _serve(self) -> None:
        await asyncio.sleep(self._group.propagation)
        self.session = _session(self._group.idle_timeout)
        self.in_service = True
        self._reason = "Elb.InitialHealthChecking"
        self._record()
        passed = failed = 0
        while True:
            settings, started = self._group.settings, time.monotonic()
            reason = await check(settings, self.host, self.port)
            passed, failed = (0, failed + 1) if reason else (passed + 1, 0)
            before = self.healthy
            # A new target needs only one successful check, whatever the threshold.
            if passed and (self.healthy is None or passed >= settings.healthy_threshold):
                self.healthy, self._reason = True, ""
            elif failed >= settings.unhealthy_threshold:
                self.healthy, self._reason = False, reason
            if self.healthy is not before and not self.draining:
                self._record()
            await asyncio.sleep(max(0.0, settings.interval - (time.monotonic() - started)))

    async def _leave(self) -> None:
        delay = self._group.settings.deregistration_delay
        await asyncio.sleep(self._group.propagation)
        self._checks.cancel()
        self.in_service = False
        self._group.record(self, "out of service")
        await asyncio.sleep(max(0.0, delay - self._group.propagation))
        self._group.members.remove(self)
        self._group.record(self, "gone")
        await self.close()

    def _record(self) -> None:
        health = self.health
        self._group.record(self, health.state, health.reason)


class Targets:
    """The targets of one target group. Use it on the event loop that created it.

    propagation: seconds until the data plane learns of a registration or deregistration; a shorter
    deregistration delay is extended to it. idle_timeout: seconds until an unused connection to a
    target is closed.
    """

    def __init__(
        self, settings: TargetGroup, record: Record, propagation: float, idle_timeout: float
    ) -> None:
        self.settings, self.propagation, self.idle_timeout = settings, propagation, idle_timeout
        self.members: list[Target] = []
        """Oldest first. A draining target may precede its own later registration."""
        self._notify = record
        self._turn = 0

    def register(self, host: str, port: int) -> None:
        """Adds a target; no-op if it is registered and not draining."""
        if not self.registered(host, port):
            self.members.append(Target(self, host, port))

    def deregister(self, host: str, port: int | None = None) -> None:
        """Drains a target, on every port if none is given; no-op if it is unknown."""
        for target in self._of(host, port):
            target.deregister()

    def registered(self, host: str, port: int | None = None) -> bool:
        """Whether the target is registered and not draining."""
        return any(not each.draining for each in self._of(host, port))

    def health(self, targets: Sequence[tuple[str, int]] = ()) -> list[Health]:
        """Health of the given targets; of all, draining ones included, if none is given."""
        latest = {(each.host, each.port): each.health for each in self.members}
        if not targets:
            return list(latest.values())
        return [
            latest.get(each) or Health(*each, "unused", "Target.NotRegistered") for each in targets
        ]

    def pick(self) -> Target | None:
        """The target for a new request. Fails open: if no target is healthy, all are candidates."""
        in_service = [each for each in self.members if each.in_service]
        candidates = [each for each in in_service if each.healthy] or in_service
        if not candidates:
            return None
        self._turn += 1
        turn = self._turn % len(candidates)
        candidates = candidates[turn:] + candidates[:turn]
        if self.settings.algorithm == "least_outstanding_requests":
            return min(candidates, key=lambda each: each.outstanding)
        return candidates[0]

    def record(self, target: Target, state: str, reason: str = "") -> None:
        """Reports a target's new state as an event."""
        self._notify(Event(time.time(), self.settings.arn, target.host, target.port, state, reason))

    async def close(self) -> None:
        """Closes every target."""
        for target in self.members:
            await target.close()
        self.members.clear()

    def _of(self, host: str, port: int | None) -> list[Target]:
        return [each for each in self.members if each.host == host and port in (None, each.port)]


async def check(settings: TargetGroup, host: str, port: int) -> str:
    """Sends one health check over a new connection. Returns AWS's failure reason, or ""."""
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
        # A load balancer doesn't verify its targets' certificates or cap connections per target.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=idle_timeout, ssl=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )
    # aiohttp retries an idempotent request if the target closed the reused connection. A load
    # balancer doesn't, and aiohttp has no public option for it.
    session._retry_connection = False
    return session
