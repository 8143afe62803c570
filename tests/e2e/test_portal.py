"""The portal as the rendered Deployment runs it, against a real database."""

from __future__ import annotations

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.kubernetes.health import LIVENESS, READINESS
from components.portal.portal_pod import CA_DIRECTORY
from settings.keys import METRICS_PORT, SHIPPED_PLUGINS, DatabaseSettings
from tests.e2e.conftest import TOKEN, Site, Start
from tools.container import engine
from tools.container.portal import Answer, PodSpec, PortalContainer, get

pytestmark = pytest.mark.e2e

MACHINE = {"Authorization": f"Bearer {TOKEN}"}
POOL_SIZE = 4
# An Application Load Balancer keeps sending for some seconds after a target became unhealthy.
ALB_LATENCY = 10


def test_ready_and_alive(portal: PortalContainer, results: Path) -> None:
    assert portal.get(LIVENESS).status == 200
    assert portal.ready_after < 120
    figures = {"seconds to ready": round(portal.ready_after, 1)}
    (results / "figures.json").write_text(json.dumps(figures), encoding="utf-8")
    print(f"\nready {portal.ready_after:.1f} s after its start")


def test_index_page_carries_the_configured_title_and_address(portal: PortalContainer) -> None:
    page = portal.get("/")
    assert page.status == 200
    config = re.search(r'<script type="backstage.io/config">(.*?)</script>', page.body, re.S)
    assert config
    assert "<title>Acme Portal</title>" in re.sub(r"\s*(</?title>)\s*", r"\1", page.body)
    data: dict[str, Any] = {}
    for source in json.loads(config.group(1)):
        for key, value in source["data"].items():
            data.setdefault(key, {}).update(value)
    assert data["app"]["baseUrl"] == "https://backstage.example.com"
    assert data["backend"]["baseUrl"] == "https://backstage.example.com"
    assert data["auth"]["providers"] == {"github": {}}  # names only, nothing below them


def test_page_is_hardened(portal: PortalContainer) -> None:
    headers = {key.lower(): value for key, value in portal.get("/").headers.items()}
    assert "upgrade-insecure-requests" in headers["content-security-policy"]
    assert "strict-transport-security" in headers


def entities(portal: PortalContainer, headers: dict[str, str]) -> Answer:
    return portal.get("/api/catalog/entities?filter=kind=component", headers)


def test_catalog_answers_a_machine_with_a_token(portal: PortalContainer) -> None:
    # A portal that was killed keeps the location reserved for up to 150 s.
    end = time.monotonic() + 180
    while not (found := entities(portal, MACHINE).json()) and time.monotonic() < end:
        time.sleep(0.5)
    assert [each["metadata"]["name"] for each in found] == ["checkout"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong-token"}])
def test_catalog_refuses_without(portal: PortalContainer, headers: dict[str, str]) -> None:
    assert entities(portal, headers).status == 401


def test_guest_sign_in_is_refused(portal: PortalContainer) -> None:
    answer = portal.get("/api/auth/guest/refresh")
    assert answer.status in (401, 403, 404)
    assert "token" not in answer.body


def test_connections_are_encrypted_and_within_the_budget(
    portal: PortalContainer, site: Site
) -> None:
    address = portal.address.partition(":")[0]  # other tests' portals share the database
    rows = site.database.query(
        "SELECT application_name, count(*), bool_and(ssl) FROM pg_stat_activity "
        f"JOIN pg_stat_ssl USING (pid) WHERE client_addr = '{address}' GROUP BY 1"
    )
    counts = {name: (int(count), ssl) for name, count, ssl in (row.split("|") for row in rows)}
    assert {ssl for _, ssl in counts.values()} == {"t"}
    assert max(count for count, _ in counts.values()) <= POOL_SIZE
    assert sum(count for count, _ in counts.values()) <= SHIPPED_PLUGINS * POOL_SIZE


def test_one_schema_for_each_plugin_and_no_further_database(
    portal: PortalContainer, site: Site
) -> None:
    schemas = site.database.query(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public)'"
    )
    of_other_tests = {"events", "mcp-actions"}
    assert len({*schemas} - of_other_tests) == SHIPPED_PLUGINS
    assert {"catalog", "auth", "scaffolder", "search"} <= set(schemas)
    databases = site.database.query("SELECT datname FROM pg_database WHERE NOT datistemplate")
    assert sorted(databases) == ["backstage", "postgres"]
    assert site.database.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [
        "0"
    ]


def test_schemas_have_their_schedulers_tables(portal: PortalContainer, site: Site) -> None:
    """The pods create none: without them the plugin's tasks never run, nor is anything indexed."""
    rows = site.database.query(
        "SELECT schemaname FROM pg_tables WHERE tablename = 'backstage_backend_tasks__tasks'"
    )
    assert {"notifications", "scaffolder", "search"} <= set(rows)


def test_metrics_have_a_port_of_their_own(portal: PortalContainer) -> None:
    address = portal.address.partition(":")[0]
    body = get(f"http://{address}:{METRICS_PORT}/metrics").body
    # No meter of tasks: a portal beside this one may run them all.
    for meter in ("catalog_entities_count", "http_server_request", "nodejs_eventloop"):
        assert meter in body, meter
    assert (
        portal.get("/metrics").body.lstrip().startswith("<!DOCTYPE html>")
    )  # the app's page, no metrics


def test_nothing_is_written_outside_the_writable_directories(
    portal: PortalContainer, pod: PodSpec
) -> None:
    changed = {line.split()[1] for line in engine.docker("diff", portal.name).splitlines()}
    mounts = [*pod.files, *pod.writable]
    assert not [path for path in changed if not any(mount.startswith(path) for mount in mounts)]


def test_health_checks_are_not_logged(portal: PortalContainer) -> None:
    portal.get("/api/catalog/entities")
    assert "/api/catalog/entities" in portal.logs()
    assert f'GET {READINESS} HTTP/1.1\\" 200' not in portal.logs()


def test_no_secret_in_the_logs(portal: PortalContainer, pod: PodSpec) -> None:
    logs = portal.logs()
    for name in ("POSTGRES_PASSWORD", "AUTH_SESSION_SECRET", "AUTH_GITHUB_CLIENT_SECRET"):
        assert pod.environment[name] not in logs, name
    assert TOKEN not in logs


def test_a_restart_of_the_database_is_survived(portal: PortalContainer, site: Site) -> None:
    before = portal.state()["StartedAt"]
    site.database.restart()
    end = time.monotonic() + 30
    while entities(portal, MACHINE).status != 200:
        assert time.monotonic() < end, "no answer for 30 s"
        time.sleep(0.2)
    assert portal.get(READINESS).status == 200
    assert portal.state()["StartedAt"] == before


def test_a_wrong_certificate_authority_ends_the_process(start: Start, pod: PodSpec) -> None:
    roots = DatabaseSettings().ca_bundle.text
    container = start(
        "wrong-ca", replace(pod, files={**pod.files, CA_DIRECTORY: {"ca.pem": roots}})
    )
    assert container.wait_ended(60) == 1
    assert re.search(
        r"did not start.*(self.signed certificate in certificate chain|unable to verify)",
        container.logs(),
        re.S,
    )


def test_a_certificate_for_another_host_ends_the_process(
    start: Start, pod: PodSpec, site: Site
) -> None:
    container = start("wrong-host", pod, {"POSTGRES_HOST": site.address})
    assert container.wait_ended(60) == 1
    assert re.search(r"did not start.*does not match certificate", container.logs(), re.S)


def test_a_starting_portal_answers_503_and_never_404(start: Start, pod: PodSpec) -> None:
    container = start("killed", pod)
    container.wait_ready()
    container.signal("KILL")
    container.wait_ended(30)
    statuses = set()
    with ThreadPoolExecutor() as pool:
        restarted = pool.submit(container.restart)
        time.sleep(0.5)  # its address answers
        while not restarted.done():
            statuses.add(entities(container, MACHINE).status)
    assert 503 in statuses
    assert statuses <= {0, 200, 503}


class Requests:
    """Requests page, API and liveness in turn, each over a new connection; keeps the statuses."""

    def __init__(self, portal: PortalContainer) -> None:
        self.answers: list[tuple[float, str, int]] = []
        """Time sent, path, status."""
        self._portal = portal
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(4)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        paths = ("/", "/api/catalog/entities?limit=1", LIVENESS)
        for turn in range(100_000):
            if self._stop.wait(0.05):
                return
            path = paths[(turn + number) % len(paths)]
            sent = time.monotonic()
            self.answers.append((sent, path, self._portal.get(path, MACHINE).status))

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_sigterm_loses_no_request_of_a_load_balancer(start: Start, pod: PodSpec) -> None:
    container = start("sigterm", pod)
    container.wait_ready()
    requests = Requests(container)
    time.sleep(2)
    container.signal("TERM")
    sent = time.monotonic()
    while container.get(READINESS).status != 503:
        assert time.monotonic() < sent + 5, "readiness still 200 after 5 s"
    unready = time.monotonic()
    code = container.wait_ended(pod.grace_seconds)
    ended = time.monotonic()
    requests.stop()
    expected = [each for each in requests.answers if each[0] < unready + ALB_LATENCY]
    lost = [each for each in expected if each[2] != 200]
    print(f"\n{len(expected)} requests until {ALB_LATENCY} s after readiness turned 503, "
          f"{len(lost)} lost; ended after {ended - sent:.1f} s with code {code}")  # fmt: skip
    assert len(expected) > 500
    assert lost == []
    assert code == 0
