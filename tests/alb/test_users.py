"""The prod stack's manifests on a real cluster, under load through the load balancer."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from components.ingress.authentication import ANNOTATION
from tests.cluster.site import (
    ENVIRONMENT,
    IMAGES,
    PATHS,
    TOKEN,
    Rendered,
    delete_ingresses,
    deploy,
    local,
    render,
    wait_for_load_balancer,
)
from tests.cluster.tutorial import tutorial
from tools.reliability.faults import FAULTS, SOME, Fault
from tools.reliability.load import Endpoint
from tools.reliability.portal import Portal
from tools.reliability.report import TUTORIAL, record

if TYPE_CHECKING:
    import aiohttp

    from tools.alb.stand_in import Alb

pytestmark = pytest.mark.alb

HOST = "backstage.example.com"
NAMESPACE = "backstage"
SLOW = 30  # seconds that a slow request takes
TASK = "8f7e6d5c-4b3a-4291-8807-f6e5d4c3b2a1"


def eks(alb: Alb) -> Rendered:
    """The prod stack with a certificate of the stand-in and the local Postgres, without TLS.

    Omits the NetworkPolicy, which allows traffic from and to AWS's subnets only.
    """
    repository, _, tag = IMAGES[0].rpartition(":")
    rendered = render(
        "prod",
        {
            "host": HOST,
            "imageRepository": f"stand-in.example.com/{repository}",
            "imageTag": tag,
            "cpuRequest": "250m",  # so that three pods fit a small node
            "env": ENVIRONMENT,
        },
    )
    postgres = [each for each in local(NAMESPACE).objects if "postgres" in each["metadata"]["name"]]
    kept = [each for each in rendered.objects if each["kind"] != "NetworkPolicy"]
    rendered.objects = [*kept, *postgres]
    rendered.fill(f"postgres.{NAMESPACE}.svc")
    for each in rendered.of("Deployment", "Job"):
        (container,) = each["spec"]["template"]["spec"]["containers"]
        container["image"] = IMAGES[0]
        container["imagePullPolicy"] = "IfNotPresent"
        container["env"] = [
            variable for variable in container["env"] if variable["name"] != "PGSSLROOTCERT"
        ] + [{"name": "APP_CONFIG_backend_database_connection_ssl", "value": "false"}]
    annotations = rendered.one("Ingress")["metadata"]["annotations"]
    annotations[f"{ANNOTATION}certificate-arn"] = alb.aws.certificate(HOST)
    return rendered


@contextmanager
def deployed(alb: Alb, rendered: Rendered) -> Iterator[tuple[Portal, Endpoint]]:
    """Deploys a portal until the context exits. Yields it and its load balancer's endpoint."""
    (ingress,) = rendered.of("Ingress")
    namespace = ingress["metadata"]["namespace"]
    port = 443 if f"{ANNOTATION}listen-ports" in ingress["metadata"]["annotations"] else 80
    portal = deploy(namespace, rendered.objects)
    try:
        hostname = wait_for_load_balancer(portal.cluster)
        yield portal, Endpoint(alb.url(hostname, port), PATHS, HOST, alb.ca if port == 443 else "")
    finally:
        # In the order of `pulumi destroy`: pods, then the Ingress while its controller runs.
        portal.cluster.run("delete", "deployment", "backstage", "--ignore-not-found")
        delete_ingresses(portal.cluster)
        portal.cluster.delete_namespace()
    assert hostname not in [each["DNSName"] for each in alb.aws.load_balancers()]


@pytest.fixture(scope="module")
def site(alb: Alb) -> Iterator[tuple[Portal, Endpoint]]:
    with deployed(alb, eks(alb)) as found:
        yield found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_stays_within_its_error_budget(site: tuple[Portal, Endpoint], fault: Fault) -> None:
    portal, endpoint = site
    restarts = portal.restarts()
    outcome = fault.run(portal, endpoint)
    record("alb", outcome)
    assert list(fault.violations(outcome, balanced=True)) == []
    if fault.database:
        assert portal.restarts() == restarts


Client = Callable[["aiohttp.ClientSession", threading.Event], Coroutine[None, None, list[Any]]]


def during(endpoint: Endpoint, clients: list[Client], action: Callable[[], None]) -> list[Any]:
    """Runs clients of the load balancer during an action. Returns what they report."""
    import aiohttp

    over, found = threading.Event(), []

    async def live() -> None:
        context = ssl.create_default_context(cadata=endpoint.ca)
        async with aiohttp.ClientSession(
            endpoint.url,
            connector=aiohttp.TCPConnector(ssl=context, force_close=True),
            headers={"Host": endpoint.host, "Authorization": f"Bearer {TOKEN}"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        ) as session:
            for each in await asyncio.gather(*(client(session, over) for client in clients)):
                found.extend(each)
        await asyncio.sleep(0.5)  # asyncio closes TLS connections in the background

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    try:
        action()
    finally:
        over.set()
        thread.join()
    return found


def test_slow_requests_complete_during_an_update(site: tuple[Portal, Endpoint]) -> None:
    portal, endpoint = site
    body = json.dumps({"entityRefs": ["component:default/none"]}).encode().ljust(SLOW * 2 + 50)

    async def trickle() -> Any:
        """Sends the body over `SLOW` seconds."""
        step = len(body) // (SLOW * 2) + 1
        for start in range(0, len(body), step):
            yield body[start : start + step]
            await asyncio.sleep(0.5)

    def starting_at(second: float) -> Client:
        async def client(session: aiohttp.ClientSession, over: threading.Event) -> list[Any]:
            await asyncio.sleep(second)
            statuses = []
            while not over.is_set():
                async with session.post(
                    "/api/catalog/entities/by-refs",
                    data=trickle(),
                    headers={"Content-Type": "application/json", "Content-Length": str(len(body))},
                ) as answer:
                    await answer.read()
                    statuses.append(answer.status)
            return statuses

        return client

    statuses = during(
        endpoint, [starting_at(second) for second in range(0, SLOW, 3)], portal.update
    )
    assert len(statuses) >= 20
    assert set(statuses) == {200}


def test_event_streams_outlive_draining_and_reconnect_at_once(
    site: tuple[Portal, Endpoint],
) -> None:
    """The scaffolder's task log, read as its page reads it."""
    portal, endpoint = site
    portal.cluster.run(
        "exec", "postgres-0", "--", "psql", "--username", "postgres", "--dbname", "backstage",
        "--command",
        "INSERT INTO scaffolder.tasks (id, spec, status, created_at, last_heartbeat_at) "
        f"VALUES ('{TASK}', '{{}}', 'processing', now(), now()); "
        "INSERT INTO scaffolder.task_events (task_id, body, event_type, created_at) "
        f"VALUES ('{TASK}', '{{\"message\": \"begun\"}}', 'log', now())",
    )  # fmt: skip

    async def client(session: aiohttp.ClientSession, over: threading.Event) -> list[Any]:
        import aiohttp

        opened: list[tuple[float, float]] = []
        while not over.is_set():
            asked = time.monotonic()
            async with session.get(f"/api/scaffolder/v2/tasks/{TASK}/eventstream") as answer:
                assert answer.status == 200
                answered = time.monotonic() - asked
                try:
                    while not over.is_set():
                        try:
                            async with asyncio.timeout(1):
                                if not await answer.content.readany():
                                    break
                        except TimeoutError:
                            continue
                except aiohttp.ClientError:  # the load balancer cut the stream
                    pass
            opened.append((answered, time.monotonic() - asked))
        return opened

    def update() -> None:
        time.sleep(5)
        portal.update()
        time.sleep(5)

    streams = during(endpoint, [client] * 6, update)
    assert len(streams) >= 12, "the update cut no stream"
    assert max(answered for answered, _ in streams) < 5
    assert sorted(lived for _, lived in streams)[-6] > 25


PRE_STOP = {"lifecycle": {"preStop": None}}
NO_DELAY = {
    "env": [
        {"name": "APP_CONFIG_backend_lifecycle_serverShutdownDelay", "value": '{"seconds":0}'},
    ]
}


@pytest.mark.parametrize(
    ("without", "change", "lost"),
    [
        ("preStop", PRE_STOP, False),
        ("shutdown delay", NO_DELAY, False),
        ("preStop and shutdown delay", {**PRE_STOP, **NO_DELAY}, True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_prestop_or_shutdown_delay_alone_keeps_requests(
    site: tuple[Portal, Endpoint], without: str, change: dict[str, Any], lost: bool
) -> None:
    """A pod has to serve until its target is out of service. Either wait achieves that."""
    portal, endpoint = site
    with portal.changed(change):
        outcome = Fault(f"rolling update without {without}", Portal.update, SOME).run(
            portal, endpoint
        )
    record("alb", outcome)
    assert bool(outcome.failures) == lost


def test_tutorials_deployment_for_comparison(alb: Alb) -> None:
    rendered = local("tutorial")
    rendered.objects = tutorial(rendered, HOST)
    with deployed(alb, rendered) as (portal, endpoint):
        portal.wait_answers()
        portal.cluster.until(
            lambda: any(each.state == "healthy" for each in alb.events[-3:]),
            120,
            "the target is healthy",
        )
        outcome = Fault(TUTORIAL, Portal.update).run(portal, endpoint)
    record("alb", outcome)
    assert len(outcome.samples) >= 10_000
