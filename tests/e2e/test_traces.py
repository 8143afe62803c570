"""Traces of a running portal, received by OTLP."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from settings.keys import METRICS_PORT
from tests.e2e.conftest import TOKEN, Site, Start
from tests.e2e.sign_in import send
from tools.container.http_stub import StubHandler, serving
from tools.container.portal import PodSpec, PortalContainer, get

pytestmark = pytest.mark.e2e

MACHINE = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Collector:
    """Accepts OTLP over HTTP at /v1/traces."""

    spans: list[Span] = field(default_factory=list)
    resources: set[tuple[str, str]] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)

    @contextmanager
    def serve(self, address: str) -> Iterator[str]:
        """Yields the endpoint."""
        collector = self

        class Handler(StubHandler):
            def do_POST(self) -> None:
                collector.paths.add(self.path)
                request = ExportTraceServiceRequest.FromString(self.chunks())
                for resource in request.resource_spans:
                    collector.resources |= {
                        (each.key, each.value.string_value) for each in resource.resource.attributes
                    }
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
                self.send_json("", content_type="application/x-protobuf")

            def chunks(self) -> bytes:
                """The body, which Node sends in chunks: the size of each as a line before it."""
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

        with serving(Handler, address) as url:
            yield url

    def server_span(self, name: str) -> Span | None:
        """A request to the portal."""
        found = (each for each in self.spans if each.kind == Span.SPAN_KIND_SERVER)
        return next((each for each in found if each.name == name), None)


@pytest.fixture(scope="module")
def collector(site: Site) -> Iterator[tuple[Collector, str]]:
    own = Collector()
    with own.serve(site.address) as endpoint:
        yield own, endpoint


@pytest.fixture(scope="module")
def traced(
    start: Start, pod: PodSpec, migrated: list[str], collector: tuple[Collector, str]
) -> PortalContainer:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector[1],
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=e2e",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    container = start("traced", pod, variables)
    container.wait_ready()
    return container


@pytest.fixture(scope="module")
def request_span(traced: PortalContainer, collector: tuple[Collector, str]) -> Span:
    path = "/api/catalog/entities?limit=1"
    assert send(traced.address, "GET", path, MACHINE).status == 200
    end = time.monotonic() + 30
    while (span := collector[0].server_span("GET /api/catalog")) is None:
        assert time.monotonic() < end, "no span within 30 s"
        time.sleep(0.2)
    time.sleep(1)  # the batch after it
    return span


def test_request_is_a_span_with_its_statements(
    request_span: Span, collector: tuple[Collector, str]
) -> None:
    assert collector[0].paths == {"/v1/traces"}
    attributes = {each.key: each.value for each in request_span.attributes}
    statuses = [attributes[key].int_value for key in attributes if key.endswith("status_code")]
    assert 200 in statuses
    within = [each for each in collector[0].spans if each.trace_id == request_span.trace_id]
    statements = [each for each in within if each.name.startswith("pg.query:SELECT")]
    assert statements, sorted({each.name for each in within})
    assert request_span.end_time_unix_nano > request_span.start_time_unix_nano


def test_resource_names_the_portal(request_span: Span, collector: tuple[Collector, str]) -> None:
    assert ("service.name", "backstage") in collector[0].resources
    assert ("deployment.environment.name", "e2e") in collector[0].resources


def test_health_checks_and_polls_are_no_traces(
    traced: PortalContainer, request_span: Span, collector: tuple[Collector, str]
) -> None:
    for _ in range(5):
        traced.get("/.backstage/health/v1/readiness")
    time.sleep(1)
    urls = [
        each.value.string_value
        for span in collector[0].spans
        for each in span.attributes
        if each.key in ("url.path", "http.target", "url.full", "http.url")
    ]
    assert not [url for url in urls if "/.backstage/health" in url]
    roots = [each for each in collector[0].spans if not each.parent_span_id]
    assert not [each for each in roots if each.name.startswith("pg")]


def test_secrets_are_in_no_span(
    traced: PortalContainer, request_span: Span, collector: tuple[Collector, str]
) -> None:
    traced.get("/api/auth/github/handler/frame?code=canary&state=s")
    time.sleep(1)
    assert collector[0].server_span("GET /api/auth")
    text = "".join(str(each) for each in collector[0].spans)
    for secret in (TOKEN, "Bearer", "canary"):
        assert secret not in text


def test_requests_are_counted_once(traced: PortalContainer, request_span: Span) -> None:
    text = get(f"http://{traced.address.partition(':')[0]}:{METRICS_PORT}/metrics").body
    scopes = set(
        re.findall(r'^http_server_request_duration_count\{.*otel_scope_name="(.*?)"', text, re.M)
    )
    assert scopes == {"backend"}


def test_cost_of_traces(
    portal: PortalContainer, traced: PortalContainer, request_span: Span, results: Path
) -> None:
    figures = {
        name: {"seconds to ready": round(each.ready_after, 1), "MiB": round(each.memory())}
        for name, each in (("without traces", portal), ("with traces", traced))
    }
    (results / "traces.json").write_text(json.dumps(figures), encoding="utf-8")
    print(f"\n{figures}")
    assert traced.ready_after < 120
