"""What an eks stack renders, on a real cluster, seen by a client of its load balancer."""

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

from components.ingress import ANNOTATION
from tests.cluster.faults import FAULTS, SOME, Fault
from tests.cluster.site import (
    ENVIRONMENT,
    IMAGES,
    PATHS,
    TOKEN,
    Rendered,
    balanced_by,
    bring_up,
    local,
    render,
)
from tests.cluster.tutorial import tutorial
from tools.reliability.load import Way
from tools.reliability.portal import Portal
from tools.reliability.report import TUTORIAL, record

if TYPE_CHECKING:
    import aiohttp

    from tools.reliability.alb import Alb

pytestmark = pytest.mark.alb

HOST = "backstage.example.com"
NAMESPACE = "backstage"
SLOW = 30  # seconds that a slow request takes
TASK = "8f7e6d5c-4b3a-4291-8807-f6e5d4c3b2a1"


def eks(alb: Alb) -> Rendered:
    """The prod stack's objects, with the certificate and the database of this cluster.

    Postgres is the local stack's, without TLS. The NetworkPolicy is left out: it lets AWS's subnets
    in and Aurora's out.
    """
    repository, _, tag = IMAGES[0].rpartition(":")
    rendered = render(
        "prod",
        {
            "host": HOST,
            "imageRepository": f"stand-in.example.com/{repository}",
            "imageTag": tag,
            "cpuRequest": "250m",  # three of them have to fit a small node
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
def behind(alb: Alb, rendered: Rendered) -> Iterator[tuple[Portal, Way]]:
    """A portal on the cluster, and the way to it from outside."""
    (ingress,) = rendered.of("Ingress")
    namespace = ingress["metadata"]["namespace"]
    port = 443 if f"{ANNOTATION}listen-ports" in ingress["metadata"]["annotations"] else 80
    portal = bring_up(namespace, rendered.objects)
    try:
        hostname = balanced_by(portal.cluster)
        yield portal, Way(alb.url(hostname, port), PATHS, HOST, alb.ca if port == 443 else "")
    finally:
        # As `pulumi destroy` does it: the pods, then the Ingress, whose controller still runs.
        portal.cluster.run("delete", "deployment", "backstage", "--ignore-not-found")
        portal.cluster.run("delete", "ingress", "--all", "--timeout", "120s")
        portal.cluster.delete_namespace()
    assert hostname not in [each["DNSName"] for each in alb.aws.load_balancers()]


@pytest.fixture(scope="module")
def site(alb: Alb) -> Iterator[tuple[Portal, Way]]:
    with behind(alb, eks(alb)) as found:
        yield found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_users_notice_no_more_than_they_may(site: tuple[Portal, Way], fault: Fault) -> None:
    portal, way = site
    restarts = portal.restarts()
    outcome = fault.run(portal, way)
    record("alb", outcome)
    fault.check(outcome, balanced=True)
    if fault.database:
        assert portal.restarts() == restarts


Client = Callable[["aiohttp.ClientSession", threading.Event], Coroutine[None, None, list[Any]]]


def meanwhile(way: Way, clients: list[Client], action: Callable[[], None]) -> list[Any]:
    """What clients of the load balancer report that live until the action is over."""
    import aiohttp

    over, found = threading.Event(), []

    async def live() -> None:
        context = ssl.create_default_context(cadata=way.ca)
        async with aiohttp.ClientSession(
            way.url,
            connector=aiohttp.TCPConnector(ssl=context, force_close=True),
            headers={"Host": way.host, "Authorization": f"Bearer {TOKEN}"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        ) as session:
            for each in await asyncio.gather(*(client(session, over) for client in clients)):
                found.extend(each)
        await asyncio.sleep(0.5)  # TLS connections close only now

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    try:
        action()
    finally:
        over.set()
        thread.join()
    return found


def test_slow_requests_outlive_their_pod(site: tuple[Portal, Way]) -> None:
    portal, way = site
    body = json.dumps({"entityRefs": ["component:default/none"]}).encode().ljust(SLOW * 2 + 50)

    async def trickle() -> Any:
        """A body that takes `SLOW` seconds to send."""
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

    statuses = meanwhile(way, [starting_at(second) for second in range(0, SLOW, 3)], portal.update)
    assert len(statuses) >= 20
    assert set(statuses) == {200}


def test_event_streams_are_cut_late_and_open_anew_at_once(site: tuple[Portal, Way]) -> None:
    """The scaffolder's log of a task, as its page reads it."""
    portal, way = site
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
                except aiohttp.ClientError:  # cut
                    pass
            opened.append((answered, time.monotonic() - asked))
        return opened

    def update() -> None:
        time.sleep(5)
        portal.update()
        time.sleep(5)

    streams = meanwhile(way, [client] * 6, update)
    assert len(streams) >= 12, "no stream was cut: the update went past them"
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
def test_what_the_ways_of_waiting_are_for(
    site: tuple[Portal, Way], without: str, change: dict[str, Any], lost: bool
) -> None:
    """A pod has to serve on until its target is out of service; either way of waiting does it."""
    portal, way = site
    with portal.changed(change):
        outcome = Fault(f"rolling update without {without}", Portal.update, SOME).run(portal, way)
    record("alb", outcome)
    assert bool(outcome.failures) == lost


def test_tutorial_for_comparison(alb: Alb) -> None:
    rendered = local("tutorial")
    rendered.objects = tutorial(rendered, HOST)
    with behind(alb, rendered) as (portal, way):
        portal.wait_answers()
        portal.cluster.until(
            lambda: any(each.state == "healthy" for each in alb.events[-3:]), 120, "it is healthy"
        )
        outcome = Fault(TUTORIAL, Portal.update).run(portal, way)
    record("alb", outcome)
    assert len(outcome.samples) >= 10_000
