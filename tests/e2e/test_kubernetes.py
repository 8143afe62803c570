"""What the Kubernetes plugin asks an API server for, beside what the service account may read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from settings.app_config import SHIPPED, AppConfig
from settings.kubernetes import shown
from tests.e2e.conftest import TOKEN, Site, Start
from tests.e2e.sign_in import send
from tools.container.http_stub import StubHandler, serving
from tools.container.portal import PodSpec, PortalContainer

pytestmark = pytest.mark.e2e

MACHINE = {"Authorization": f"Bearer {TOKEN}"}
QUERY = "/api/kubernetes/resources/workloads/query"
POD = {"metadata": {"name": "p", "namespace": "shop"}, "spec": {"containers": []}}


class ApiServer:
    """Answers every list with one pod, and keeps the paths."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.url = ""

    @contextmanager
    def serve(self, address: str) -> Iterator[ApiServer]:
        """Listens at an address of this machine; `url` is set to it."""
        paths = self.paths

        class Handler(StubHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                paths.append(path)
                self.send_json({"kind": "List", "items": [POD] if path.endswith("/pods") else []})

        with serving(Handler, address) as self.url:
            yield self


@pytest.fixture(scope="module")
def api_server(site: Site) -> Iterator[ApiServer]:
    with ApiServer().serve(site.address) as server:
        yield server


@pytest.fixture(scope="module")
def portal(
    start: Start, pod: PodSpec, migrated: list[str], api_server: ApiServer
) -> PortalContainer:
    cluster = {"name": "stand-in", "url": api_server.url,
               "authProvider": "serviceAccount", "serviceAccountToken": "t"}  # fmt: skip
    clusters = json.dumps([{"type": "config", "clusters": [cluster]}])
    container = start("kubernetes", pod, {"APP_CONFIG_kubernetes_clusterLocatorMethods": clusters})
    container.wait_ready()
    return container


def asked(portal: PortalContainer, api_server: ApiServer, entity: str) -> set[str]:
    """Paths that the API server is asked for, for the entity's page."""
    body = {"auth": {}, "entityRef": entity}
    end = time.monotonic() + 180  # a killed portal keeps the location reserved
    while True:
        api_server.paths.clear()
        answer = send(portal.address, "POST", QUERY, MACHINE, body)
        if answer.status == 200 or time.monotonic() > end:
            break
        time.sleep(0.5)
    assert answer.status == 200, answer.text
    return set(api_server.paths)


def resources(paths: set[str]) -> set[tuple[str, str]]:
    """API group and resource of each list."""
    parts = [path.split("/") for path in paths]
    return {("" if each[1] == "api" else each[2], each[-1]) for each in parts}


def test_the_plugin_asks_for_what_the_account_may_read_and_nothing_else(
    portal: PortalContainer, api_server: ApiServer
) -> None:
    readable = shown(AppConfig.load(SHIPPED))
    expected = {(group, name) for group, names in readable.items() for name in names}
    paths = asked(portal, api_server, "component:default/checkout")
    assert resources(paths) == expected
    assert "/api/v1/pods" in paths  # all namespaces at once, which a Role doesn't allow


def test_an_annotated_entity_is_looked_up_in_its_namespace_only(
    portal: PortalContainer, api_server: ApiServer
) -> None:
    paths = asked(portal, api_server, "resource:default/ledger")
    assert paths
    assert all("/namespaces/shop/" in path for path in paths)
