"""Health checks, draining and selection of targets."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.alb.harness import (
    GROUP,
    HOST,
    LOCAL,
    PROPAGATION,
    Answer,
    Pod,
    aiohttp,
    balancer,
    scenario,
    send,
)

pytestmark = pytest.mark.alb


@scenario
async def test_new_target_is_healthy_after_propagation_and_one_check() -> None:
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
async def test_only_healthy_targets_get_requests_and_all_if_none_is_healthy() -> None:
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
async def test_failed_health_checks_report_their_reason() -> None:
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
async def test_draining_target_gets_requests_until_propagation() -> None:
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
async def test_requests_to_a_draining_target_may_complete_within_its_delay() -> None:
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
async def test_stream_from_a_draining_target_is_cut_after_its_delay() -> None:
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
async def test_target_registered_while_draining_starts_over() -> None:
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
async def test_least_outstanding_requests_prefers_the_idle_target() -> None:
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
