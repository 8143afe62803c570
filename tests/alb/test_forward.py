"""The stand-in for an Application Load Balancer by itself: no cluster, no controller."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs requirements-cluster.txt; run by `make test-alb`")
pytest.importorskip("moto", reason="needs requirements-cluster.txt; run by `make test-alb`")

import aiohttp
from yarl import URL

from tools.reliability.alb import Alb, alb_stand_in
from tools.reliability.data_plane import DataPlane
from tools.reliability.elb import Configuration, Listener, Rule, TargetGroup
from tools.reliability.targets import Targets

pytestmark = pytest.mark.alb

LOCAL = "127.0.0.1"
HOST = "backstage.example.com"
PROPAGATION = 0.3
GROUP = TargetGroup(
    arn="group", interval=0.1, timeout=0.5, healthy_threshold=2, deregistration_delay=1.0
)
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


@dataclass
class Pod:
    """A target that answers health checks with `health`, and anything else as `answer` does.

    health: a status; with 0 it doesn't answer them.
    """

    answer: Answer | None = None
    health: int = 200
    name: str = "pod"
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    """Of the requests that weren't health checks."""
    connections: int = 0
    """Of those requests."""
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
        """Registers targets and waits until each is healthy."""
        for pod in pods:
            self.group.register(LOCAL, pod.port)
        await self.until(*["healthy"] * len(pods))

    async def until(self, *states: str) -> None:
        end = time.monotonic() + 5
        while [each.state for each in self.group.health()] != list(states):
            assert time.monotonic() < end, self.group.health()
            await asyncio.sleep(0.01)


@asynccontextmanager
async def balancer(
    group: TargetGroup = GROUP, idle_timeout: float = 5, protocol: str = "HTTP"
) -> AsyncIterator[Balancer]:
    """A listener of whose requests for HOST a target group gets all, others a 404."""
    rules = (
        Rule(priority=1, hosts=(HOST,), paths=("/*",), target_group=group.arn),
        Rule(action="fixed-response", settings={"StatusCode": "404"}),
    )
    listener = Listener("listener", 443, protocol, rules, idle_timeout=idle_timeout)
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
    """A test of a coroutine."""

    def test() -> None:
        asyncio.run(asyncio.wait_for(run(), 30))

    test.__name__, test.__doc__ = run.__name__, run.__doc__
    return test


@scenario
async def test_no_target_is_503_and_no_rule_the_default_action() -> None:
    async with balancer() as alb:
        assert (await alb.get())[0] == 503
        assert (await alb.get(headers={"Host": "elsewhere.example.com"}))[0] == 404


@scenario
async def test_a_registration_arrives_late_and_one_check_makes_it_healthy() -> None:
    async with balancer() as alb, Pod().serve() as pod:
        alb.group.register(LOCAL, pod.port)
        (first,) = alb.group.health()
        assert (first.state, first.reason) == ("initial", "Elb.RegistrationInProgress")
        assert (await alb.get())[0] == 503
        started = time.monotonic()
        await alb.until("healthy")
        assert PROPAGATION - 0.05 < time.monotonic() - started < PROPAGATION + 0.15
        assert await alb.get() == (200, "pod")
        assert [each.state for each in alb.plane.events] == ["initial", "initial", "healthy"]


@scenario
async def test_only_healthy_targets_get_requests_until_none_is_left() -> None:
    async with balancer() as alb, Pod(name="a").serve() as a, Pod(name="b").serve() as b:
        await alb.registered(a, b)
        assert {(await alb.get())[1] for _ in range(4)} == {"a", "b"}
        a.health = 503
        await alb.until("unhealthy", "healthy")
        assert alb.group.health()[0].reason == "Target.ResponseCodeMismatch"
        assert {(await alb.get())[1] for _ in range(4)} == {"b"}
        b.health = 503
        await alb.until("unhealthy", "unhealthy")
        assert {(await alb.get())[1] for _ in range(4)} == {"a", "b"}
        a.health = 200
        await alb.until("healthy", "unhealthy")
        assert {(await alb.get())[1] for _ in range(4)} == {"a"}


@scenario
async def test_failed_checks_say_why() -> None:
    gone = Pod()
    async with gone.serve():
        pass
    async with balancer(replace(GROUP, timeout=0.2)) as alb, Pod(health=0).serve() as silent:
        alb.group.register(LOCAL, gone.port)
        alb.group.register(LOCAL, silent.port)
        await alb.until("unhealthy", "unhealthy")
        reasons = [each.reason for each in alb.group.health()]
        assert reasons == ["Target.FailedHealthChecks", "Target.Timeout"]


@scenario
async def test_a_draining_target_gets_requests_until_the_data_plane_knows() -> None:
    async with balancer() as alb, Pod(name="a").serve() as a, Pod(name="b").serve() as b:
        await alb.registered(a, b)
        alb.group.deregister(LOCAL, a.port)
        alb.group.deregister(LOCAL, a.port)
        started = time.monotonic()
        assert [each.state for each in alb.group.health()] == ["draining", "healthy"]
        assert {(await alb.get())[1] for _ in range(4)} == {"a", "b"}
        await asyncio.sleep(PROPAGATION + 0.1)
        assert {(await alb.get())[1] for _ in range(4)} == {"b"}
        await alb.until("healthy")
        assert 0.9 < time.monotonic() - started < 1.3
        (other,) = alb.group.health([(LOCAL, a.port)])
        assert (other.state, other.reason) == ("unused", "Target.NotRegistered")


@scenario
async def test_requests_to_a_draining_target_may_end_before_its_delay() -> None:
    async def after(seconds: float) -> Answer:
        async def answer(_: Any, sink: asyncio.StreamWriter, __: bytes) -> None:
            await asyncio.sleep(seconds)
            await send(sink, b"done")

        return answer

    async with balancer() as alb, Pod(await after(0.7)).serve() as pod:
        await alb.registered(pod)
        short = asyncio.create_task(alb.get())
        await asyncio.sleep(0.05)
        alb.group.deregister(LOCAL, pod.port)
        pod.answer = await after(5)
        long = asyncio.create_task(alb.get())
        assert await short == (200, "done")
        started = time.monotonic()
        assert (await long)[0] == 502
        assert time.monotonic() - started < 1


@scenario
async def test_a_stream_of_a_draining_target_is_cut_after_its_delay() -> None:
    async def stream(_: Any, sink: asyncio.StreamWriter, __: bytes) -> None:
        sink.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        await sink.drain()
        await asyncio.sleep(30)

    async with balancer() as alb, Pod(stream).serve() as pod:
        await alb.registered(pod)
        async with alb.client.get(alb.url, headers={"Host": HOST}) as answer:
            assert await answer.content.readany() == b"x"
            alb.group.deregister(LOCAL, pod.port)
            started = time.monotonic()
            with pytest.raises(aiohttp.ClientError):
                await answer.content.readany()
            assert 0.9 < time.monotonic() - started < 1.5


@scenario
async def test_a_target_registered_again_while_it_drains_starts_anew() -> None:
    async with balancer() as alb, Pod().serve() as pod:
        await alb.registered(pod)
        alb.group.deregister(LOCAL, pod.port)
        alb.group.register(LOCAL, pod.port)
        await alb.until("initial")
        await alb.until("healthy")
        await asyncio.sleep(1.1)
        assert len(alb.group.members) == 1
        assert await alb.get() == (200, "pod")


@scenario
async def test_a_connection_that_the_target_closes_while_it_is_reused_is_502() -> None:
    async def once(source: Any, sink: asyncio.StreamWriter, _: bytes) -> None:
        await send(sink, b"first")
        await source.readuntil(b"\r\n\r\n")
        raise OSError  # closes on the second request, as a server whose idle time is over

    async with balancer() as alb, Pod(once).serve() as pod:
        await alb.registered(pod)
        assert await alb.get() == (200, "first")
        assert (await alb.get())[0] == 502
        assert pod.connections == 1  # and no second attempt on another
        assert await alb.get() == (200, "first")


@scenario
async def test_connections_to_a_target_are_reused() -> None:
    async with balancer() as alb, Pod().serve() as pod:
        await alb.registered(pod)
        for _ in range(5):
            assert (await alb.get())[0] == 200
        assert (len(pod.heads), pod.connections) == (5, 1)


@scenario
async def test_a_refused_connection_and_an_answer_that_is_none_are_502() -> None:
    async def malformed(_: Any, sink: asyncio.StreamWriter, __: bytes) -> None:
        sink.write(b"nonsense\r\n\r\n")
        await sink.drain()

    async with balancer(replace(GROUP, interval=60)) as alb:
        async with Pod(malformed).serve() as pod:
            await alb.registered(pod)
            assert (await alb.get())[0] == 502
        assert (await alb.get())[0] == 502  # nobody listens any more


@scenario
async def test_no_answer_within_the_idle_timeout_is_504() -> None:
    async def never(*_: Any) -> None:
        await asyncio.sleep(5)

    async with balancer(idle_timeout=0.5) as alb, Pod(never).serve() as pod:
        await alb.registered(pod)
        started = time.monotonic()
        assert (await alb.get())[0] == 504
        assert 0.4 < time.monotonic() - started < 1


@scenario
async def test_an_event_stream_comes_as_it_is_sent_and_is_cut_when_silent() -> None:
    async def stream(_: Any, sink: asyncio.StreamWriter, __: bytes) -> None:
        sink.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for index in range(3):
            sink.write(b"data: %d\n\n" % index)
            await sink.drain()
            await asyncio.sleep(0.3)
        await asyncio.sleep(5)

    async with balancer(idle_timeout=1) as alb, Pod(stream).serve() as pod:
        await alb.registered(pod)
        times = []
        started = time.monotonic()
        async with alb.client.get(alb.url, headers={"Host": HOST}) as answer:

            async def receive() -> None:
                async for _ in answer.content.iter_any():
                    times.append(round(time.monotonic() - started, 1))

            with pytest.raises(aiohttp.ClientError):
                await receive()
        assert times == pytest.approx([0, 0.3, 0.6], abs=0.11)
        assert time.monotonic() - started == pytest.approx(1.6, abs=0.3)


@scenario
async def test_a_body_is_sent_on_while_it_comes() -> None:
    arrived: list[float] = []

    async def upload(source: asyncio.StreamReader, sink: asyncio.StreamWriter, _: bytes) -> None:
        while line := (await source.readline()).strip():  # chunk sizes and chunks
            if line.startswith(b"part"):
                arrived.append(time.monotonic())
            if line == b"0":
                break
        await source.readline()
        await send(sink, b"taken")

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(2):
            yield b"part"
            await asyncio.sleep(0.3)

    async with balancer() as alb, Pod(upload).serve() as pod:
        await alb.registered(pod)
        headers = {"Host": HOST}
        async with alb.client.post(alb.url, data=parts(), headers=headers) as answer:
            assert await answer.text() == "taken"
        assert arrived[1] - arrived[0] > 0.2


@scenario
async def test_what_a_target_sees_of_the_client() -> None:
    async with balancer() as alb, Pod().serve() as pod:
        await alb.registered(pod)
        await alb.get(
            "/a%20b?c=%2F",
            headers={"Connection": "X-Gone", "X-Gone": "1", "X-Forwarded-For": "192.0.2.1"},
        )
        request, *lines = pod.heads[0].decode().strip().split("\r\n")
        headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
        assert request == "GET /a%20b?c=%2F HTTP/1.1"
        assert headers["host"] == HOST
        assert headers["x-forwarded-for"] == f"192.0.2.1, {LOCAL}"
        assert headers["x-forwarded-proto"] == "http"
        assert headers["x-forwarded-port"] == "443"
        assert "x-gone" not in headers


@scenario
async def test_least_outstanding_requests() -> None:
    async def slow(_: Any, sink: asyncio.StreamWriter, __: bytes) -> None:
        await asyncio.sleep(0.5)
        await send(sink, b"slow")

    group = replace(GROUP, algorithm="least_outstanding_requests")
    async with balancer(group) as alb, Pod(slow).serve() as a, Pod(name="fast").serve() as b:
        await alb.registered(a, b)
        waiting = [asyncio.create_task(alb.get())]
        while not a.heads:
            waiting.append(asyncio.create_task(alb.get()))
            await asyncio.sleep(0.05)
        assert {(await alb.get())[1] for _ in range(6)} == {"fast"}
        await asyncio.gather(*waiting)


@scenario
async def test_https_has_a_certificate_of_its_authority() -> None:
    async with balancer(protocol="HTTPS") as alb, Pod().serve() as pod:
        await alb.registered(pod)
        context = ssl.create_default_context(cadata=alb.plane.authority.cert_pem.bytes().decode())
        assert await alb.get(ssl=context, server_hostname=HOST) == (200, "pod")
        assert b"X-Forwarded-Proto: https" in pod.heads[0]


@pytest.fixture(scope="module")
def account() -> Iterator[Alb]:
    with alb_stand_in(LOCAL, propagation=PROPAGATION) as stand_in:
        yield stand_in


def test_the_api_tells_the_health_that_the_data_plane_sees(account: Alb) -> None:
    client = account.aws.client("elbv2")
    group = client.create_target_group(
        Name="group", Protocol="HTTP", Port=7007, VpcId=account.aws.vpc_id, TargetType="ip",
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    client.modify_target_group_attributes(
        TargetGroupArn=group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}],
    )
    assert account.attributes(group)["deregistration_delay.timeout_seconds"] == "1"
    target, other = {"Id": LOCAL, "Port": 1}, {"Id": LOCAL, "Port": 2}

    def states(*targets: Any) -> list[tuple[int, str]]:
        asked = {"Targets": list(targets)} if targets else {}
        found = client.describe_target_health(TargetGroupArn=group, **asked)
        return [
            (each["Target"]["Port"], each["TargetHealth"]["State"])
            for each in found["TargetHealthDescriptions"]
        ]

    client.register_targets(TargetGroupArn=group, Targets=[target])
    assert states() == [(1, "initial")]
    assert states(target, other) == [(1, "initial"), (2, "unused")]
    for _ in range(2):
        client.deregister_targets(TargetGroupArn=group, Targets=[target])
        assert states() == [(1, "draining")]
    time.sleep(1.3)
    assert states() == []
    assert [each.state for each in account.events][-2:] == ["out of service", "gone"]
    client.delete_target_group(TargetGroupArn=group)
    with pytest.raises(client.exceptions.TargetGroupNotFoundException):
        states()


def test_a_listener_is_served_from_its_creation_to_its_end(account: Alb) -> None:
    client = account.aws.client("elbv2")
    subnets = account.aws.client("ec2").describe_subnets(
        Filters=[{"Name": "vpc-id", "Values": [account.aws.vpc_id]}]
    )["Subnets"]
    balancer = client.create_load_balancer(
        Name="balancer", Scheme="internal", Subnets=[each["SubnetId"] for each in subnets]
    )["LoadBalancers"][0]
    fixed = {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "nothing here"}
    listener = client.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTPS", Port=443,
        Certificates=[{"CertificateArn": account.aws.certificate(HOST)}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": fixed}],
    )["Listeners"][0]["ListenerArn"]  # fmt: skip
    redirect = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    client.create_rule(
        ListenerArn=listener, Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/old/*"]}],
        Actions=[{"Type": "redirect", "RedirectConfig": redirect}],
    )  # fmt: skip

    async def get(path: str) -> tuple[int, str, str | None]:
        context = ssl.create_default_context(cadata=account.ca)
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                account.url(balancer["DNSName"]) + path, ssl=context, allow_redirects=False
            ) as answer,
        ):
            return answer.status, await answer.text(), answer.headers.get("Location")

    assert asyncio.run(get("/")) == (404, "nothing here", None)
    status, _, location = asyncio.run(get("/old/page?a=b"))
    assert (status, location) == (301, f"https://{LOCAL}:443/old/page?a=b")
    client.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    with pytest.raises(KeyError):
        account.url(balancer["DNSName"])
