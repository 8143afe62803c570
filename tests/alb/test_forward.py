"""Requests through a listener: rules, errors, streaming and headers."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.alb.harness import GROUP, HOST, LOCAL, Pod, aiohttp, balancer, scenario, send

pytestmark = pytest.mark.alb


@scenario
async def test_no_target_is_503_and_no_matching_rule_the_default_action() -> None:
    async with balancer() as alb:
        assert (await alb.get())[0] == 503
        assert (await alb.get(headers={"Host": "elsewhere.example.com"}))[0] == 404


@scenario
async def test_reused_connection_closed_by_the_target_is_502_without_a_retry() -> None:
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
async def test_refused_connection_and_malformed_response_are_502() -> None:
    async def malformed(_: Any, sink: asyncio.StreamWriter, __: bytes) -> None:
        sink.write(b"nonsense\r\n\r\n")
        await sink.drain()

    async with balancer(replace(GROUP, interval=60)) as alb:
        async with Pod(malformed).serve() as pod:
            await alb.registered(pod)
            assert (await alb.get())[0] == 502
        assert (await alb.get())[0] == 502  # nobody listens any more


@scenario
async def test_no_response_within_the_idle_timeout_is_504() -> None:
    async def never(*_: Any) -> None:
        await asyncio.sleep(5)

    async with balancer(idle_timeout=0.5) as alb, Pod(never).serve() as pod:
        await alb.registered(pod)
        started = time.monotonic()
        assert (await alb.get())[0] == 504
        assert 0.4 < time.monotonic() - started < 1


@scenario
async def test_event_stream_is_unbuffered_and_cut_after_the_idle_timeout() -> None:
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
async def test_request_body_is_streamed() -> None:
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
async def test_forwarded_path_and_headers() -> None:
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
async def test_https_listener_has_a_certificate_of_the_authority() -> None:
    async with balancer(protocol="HTTPS") as alb, Pod().serve() as pod:
        await alb.registered(pod)
        context = ssl.create_default_context(cadata=alb.plane.authority.cert_pem.bytes().decode())
        assert await alb.get(ssl=context, server_hostname=HOST) == (200, "pod")
        assert b"X-Forwarded-Proto: https" in pod.heads[0]
