"""Sign-in at the load balancer: a browser, its stand-in with the Ingress's rules, the portal."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import yaml

from components.ingress.authentication import ANNOTATION, OPEN_SERVICE
from components.kubernetes.health import READINESS
from settings.keys import SIGNER
from tests.e2e.conftest import TOKEN, Pods, Preview, Site, pod_of
from tests.e2e.test_browser import HOST, launched
from tools.container.engine import docker, inspect
from tools.container.portal import Answer, PortalContainer
from tools.container.postgres import HOST as DATABASE

pytest.importorskip("aiohttp", reason="needs requirements-e2e.txt; run `make e2e`")
pytest.importorskip("oidc_provider_mock", reason="needs requirements-e2e.txt; run `make e2e`")

from oidc_provider_mock import User, run_server_in_thread

from tools.alb.authenticate import HEADER, Authenticate, Authenticator
from tools.alb.data_plane import DataPlane
from tools.alb.elb import Configuration, Listener, Rule, TargetGroup

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# The identity provider's own dependency warns of its next release.
pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

ISSUER = "https://idp.example.com"
KEYS = f"""
  backstage:signIn: [alb]
  backstage:ingressAuthentication: oidc
  backstage:ingressOidc:
    issuer: {ISSUER}
    authorizationEndpoint: {ISSUER}/oauth2/authorize
    tokenEndpoint: {ISSUER}/oauth2/token
    userInfoEndpoint: {ISSUER}/userinfo
  backstage:ingressClient: {{clientID: portal, clientSecret: hunter2}}
  backstage:ingressTokenPaths: [/api/search]
"""
KEY_SERVER = "public-keys.auth.elb.us-east-1.amazonaws.com"
CA_FOLDER = "/etc/backstage/keys"
PEOPLE = ("alice", "mallory")  # the catalog knows alice
SECRETS = ("POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD", "AUTH_SESSION_SECRET")
ADDED = (
    "POSTGRES_PORT",
    "APP_CONFIG_backend_auth_externalAccess",
    "APP_CONFIG_catalog_locations",
)
T = TypeVar("T")


class LoadBalancer:
    """The stand-in, on a thread of its own, with one listener."""

    def __init__(self, address: str, arn: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._configuration = Configuration()
        self.arn, self.address = arn, address
        self.plane = DataPlane(lambda: self._configuration, address, propagation=0.1)

    @contextmanager
    def running(self) -> Iterator[LoadBalancer]:
        self._thread.start()
        try:
            yield self
        finally:
            self.call(self.plane.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def call(self, action: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(action, self._loop).result(60)

    def serve(self, rules: tuple[Rule, ...]) -> None:
        listener = Listener("listener", 443, "HTTPS", rules, load_balancer=self.arn)
        group = TargetGroup("group", check_path=READINESS, interval=1, timeout=1)
        self._configuration = Configuration({"listener": listener}, {"group": group})
        self.call(self.plane.sync())

    def register(self, target: str) -> None:
        async def register() -> None:
            address, _, port = target.rpartition(":")
            self.plane.groups["group"].register(address, int(port))
            while [each.state for each in self.plane.groups["group"].health()] != ["healthy"]:
                await asyncio.sleep(0.1)

        self.call(register())

    @property
    def port(self) -> int:
        return self.plane.port("", 443)

    @property
    def authenticator(self) -> Authenticator:
        return self.plane.authenticators[self.arn]

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Sends a request as any client may, without following redirects."""
        context = ssl._create_unverified_context()
        listener = http.client.HTTPSConnection(self.address, self.port, context=context)
        with closing(listener) as connection:
            connection.request("GET", path, headers={"Host": HOST, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(), dict(answer.headers))


def rules(ingress: Any, idp: str, **fields: Any) -> tuple[Rule, ...]:
    """Those that the controller makes of an Ingress, with endpoints that are reachable.

    fields: of `Authenticate`, other than the Ingress says.
    """
    annotations = ingress["metadata"]["annotations"]

    def of(key: str) -> str:
        return str(annotations[f"{ANNOTATION}auth-{key}"])

    provider = json.loads(of("idp-oidc"))
    reachable = {key: value.replace(ISSUER, idp) for key, value in provider.items()}
    action = Authenticate(
        issuer=provider["issuer"],
        authorization_endpoint=reachable["authorizationEndpoint"],
        token_endpoint=reachable["tokenEndpoint"],
        user_info_endpoint=reachable["userInfoEndpoint"],
        client_id="portal",
        client_secret="hunter2",
        cookie=of("session-cookie"),
        scope=of("scope"),
        timeout=float(of("session-timeout")),
        unauthenticated=of("on-unauthenticated-request"),
    )
    [rule] = ingress["spec"]["rules"]
    return tuple(
        Rule(
            priority=number,
            hosts=(rule["host"],),
            paths=(each["path"], f"{each['path'].rstrip('/')}/*"),
            target_group="group",
            authenticate=None
            if each["backend"]["service"]["name"] == OPEN_SERVICE
            else replace(action, **fields),
        )
        for number, each in enumerate(rule["http"]["paths"], start=1)
    )


@dataclass(frozen=True)
class Lab:
    alb: LoadBalancer
    ingress: Any
    idp: str
    portal: PortalContainer

    def serve(self, **fields: Any) -> None:
        """Changes what the Ingress says of sign-in; fields: as of `rules`."""
        self.alb.serve(rules(self.ingress, self.idp, **fields))

    def headers(
        self, user: str = "alice", by: Authenticator | None = None, **header: Any
    ) -> dict[str, str]:
        """What the load balancer tells the portal of a user; by: another signer."""
        [*_, last] = rules(self.ingress, self.idp)
        assert last.authenticate
        claims = {"sub": user, "email": f"{user}@example.com"}
        data = (by or self.alb.authenticator).data(claims, last.authenticate, **header)
        return {f"{HEADER}data": data, f"{HEADER}accesstoken": "t", f"{HEADER}identity": user}

    def refresh(self, headers: Mapping[str, str]) -> Answer:
        """Asks a pod, past the load balancer, whom it takes the sender for."""
        asked = {"X-Requested-With": "XMLHttpRequest", **headers}
        return self.portal.get("/api/auth/awsalb/refresh", asked)


@pytest.fixture(scope="module")
def lab(site: Site, image: str, preview: Preview, pods: Pods, migrated: list[str]) -> Iterator[Lab]:
    """A portal that believes the load balancer only; its keys' host leads to the stand-in."""
    manifests = preview(KEYS)
    found = [yaml.safe_load(file.read_text("utf-8")) for file in manifests.glob("*.yaml")]
    [ingress] = [each for each in found if each["kind"] == "Ingress"]
    known = {name: pods.portal.environment[name] for name in (*SECRETS, *ADDED)}
    given = {name: known.pop(name) for name in SECRETS}
    added = {**known, "NODE_EXTRA_CA_CERTS": f"{CA_FOLDER}/ca.pem"}
    pod = pod_of(site, manifests, "Deployment", "backstage", given, added)
    users = [User(sub=name, claims={"email": f"{name}@example.com"}) for name in PEOPLE]
    alb = LoadBalancer(site.address, pod.environment[SIGNER])
    with run_server_in_thread(user_claims=users) as server, alb.running(), ExitStack() as stack:
        idp = f"http://localhost:{server.server_port}"
        alb.serve(rules(ingress, idp))
        port = alb.call(alb.plane.serve_keys(KEY_SERVER, 0))
        forwarder = stack.enter_context(key_server(site, image, port))
        authority = alb.plane.authority.cert_pem.bytes().decode()
        portal = PortalContainer(
            "backstage-e2e-alb",
            image,
            replace(pod, files={**pod.files, CA_FOLDER: {"ca.pem": authority}}),
            site.network,
            {DATABASE: site.address, KEY_SERVER: forwarder},
        )
        stack.callback(portal.remove)
        portal.wait_ready()
        alb.register(portal.address)
        yield Lab(alb, ingress, idp, portal)


@contextmanager
def key_server(site: Site, image: str, port: int) -> Iterator[str]:
    """Forwards port 443 of a container to the stand-in's `port`: the portal asks at 443, where only
    a container may listen without root. Yields its address.
    """
    name = "backstage-e2e-keys"
    forward = (
        f"net = require('net'); net.createServer(from => from.pipe(net.connect({port}, "
        f"'{site.address}')).pipe(from)).listen(443)"
    )
    docker("rm", "--force", name, check=False)
    docker("run", "--detach", "--name", name, "--network", site.network, "--entrypoint", "node",
           image, "--eval", forward)  # fmt: skip
    try:
        [network] = inspect("container", name)["NetworkSettings"]["Networks"].values()
        yield network["IPAddress"]
    finally:
        docker("rm", "--force", name, check=False)


@pytest.fixture(scope="module")
def browser(lab: Lab) -> Iterator[Browser]:
    """A browser for which the portal's host is the load balancer."""
    with launched(f"MAP {HOST}:443 {lab.alb.address}:{lab.alb.port}") as found:
        yield found


def opened(browser: Browser, path: str = "/") -> Page:
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"https://{HOST}{path}")
    return page


def sign_in(page: Page, user: str) -> None:
    """At the identity provider, to which the load balancer has led."""
    page.wait_for_url("http://localhost:*/oauth2/authorize?*")
    page.get_by_role("button", name=user, exact=True).click()


def test_nothing_of_the_portal_is_served_without_a_session(lab: Lab) -> None:
    for path in ("/", "/index.html", "/api/app/x", "/api/searching", "/API/search", READINESS):
        answer = lab.alb.get(path, lab.headers())
        assert (answer.status, answer.body) == (302, ""), path
        assert answer.headers["Location"].startswith(f"{lab.idp}/oauth2/authorize?"), path


def test_a_user_signs_in_and_out(browser: Browser, lab: Lab, results: Path) -> None:
    page = opened(browser)
    sign_in(page, "alice")
    page.get_by_role("link", name="checkout").first.wait_for(timeout=60_000)
    page.screenshot(path=results / "load-balancer-sign-in.png")
    page.goto(f"https://{HOST}/settings")
    page.get_by_test_id("user-settings-menu").click()
    page.get_by_text("Sign Out").click()
    page.get_by_text("You are signed out of the portal").wait_for()
    names = {cookie["name"] for cookie in page.context.cookies(f"https://{HOST}")}
    assert not [name for name in names if name.startswith("AWSELB")]
    page.goto(f"https://{HOST}/")
    page.wait_for_url("http://localhost:*/oauth2/authorize?*")


def test_a_user_missing_from_the_catalog_is_told_so(browser: Browser, results: Path) -> None:
    page = opened(browser)
    sign_in(page, "mallory")
    page.get_by_text("The catalog has no User with your email address").wait_for(timeout=60_000)
    page.screenshot(path=results / "load-balancer-sign-in-refused.png")


def test_a_page_whose_session_has_ended_leads_to_sign_in(browser: Browser, lab: Lab) -> None:
    lab.serve(timeout=12)
    try:
        page = opened(browser)
        sign_in(page, "alice")
        page.get_by_role("link", name="checkout").first.wait_for(timeout=60_000)
        time.sleep(12)
        page.get_by_test_id("user-picker-all").click()
        page.wait_for_url("http://localhost:*/oauth2/authorize?*")
    finally:
        lab.serve()


def test_the_portal_believes_this_load_balancer_only(lab: Lab) -> None:
    answer = lab.refresh(lab.headers())
    assert answer.status == 200, answer.body
    identity = answer.json()["backstageIdentity"]["identity"]
    assert identity["userEntityRef"] == "user:default/alice"
    other = Authenticator(lab.alb.arn)
    refused = {
        "no header": {},
        "a signature of an unknown key": lab.headers(by=other),
        "a known key's id, another key": lab.headers(by=other, kid=lab.alb.authenticator.kid),
        "another load balancer of the region": lab.headers(signer=f"{lab.alb.arn}0"),
        "another issuer": lab.headers(iss=f"{ISSUER}/"),
        "expired": lab.headers(exp=int(time.time()) - 1),
        "unsigned": {**lab.headers(), f"{HEADER}data": "e30.e30."},
    }
    said = {case: lab.refresh(headers).status for case, headers in refused.items()}
    assert said == dict.fromkeys(refused, 401)


def test_a_session_wins_over_headers_of_its_client(browser: Browser, lab: Lab) -> None:
    page = opened(browser)
    sign_in(page, "mallory")
    page.get_by_text("The catalog has no User").wait_for(timeout=60_000)
    cookies = page.context.cookies(f"https://{HOST}")
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in cookies)
    forged = {**lab.headers("alice"), "Cookie": cookie, "X-Requested-With": "XMLHttpRequest"}
    answer = lab.alb.get("/api/auth/awsalb/refresh", forged)
    assert answer.status >= 400
    assert "unable to resolve user identity" in answer.body


def test_an_open_path_takes_a_token_and_nothing_else(lab: Lab) -> None:
    path = "/api/search/query?term=checkout"
    assert lab.alb.get(path).status == 401
    assert lab.alb.get(path, lab.headers()).status == 401
    answer = lab.alb.get(path, {"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status, set(answer.json())) == (200, {"results", "numberOfResults"})
