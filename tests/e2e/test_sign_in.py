"""Sign-in with four providers, in a browser, at an issuer that this project didn't write."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.e2e import issuer as issuers
from tests.e2e.conftest import Pods, Preview, Site, Start, pod_of
from tests.e2e.issuer import Issuer
from tests.e2e.sign_in import cookies, handed_over, send
from tests.e2e.test_browser import chromium, opened
from tools.container.portal import PortalContainer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

CA = "/etc/backstage/issuer-ca"
TITLES = {"oidc": "Single sign-on", "okta": "Okta", "gitlab": "GitLab", "github": "GitHub"}
# Whom the page of four signs in, and whom the catalog doesn't know. GitHub and GitLab go by name.
ALICE = {
    "email": "alice@example.com", "email_verified": True, "name": "Alice",
    "id": 1, "node_id": "U1", "login": "alice", "username": "alice",
}  # fmt: skip
MALLORY = {**ALICE, "email": "mallory@example.com", "login": "mallory", "username": "mallory"}


@pytest.fixture(scope="module")
def issuer(site: Site) -> Iterator[Issuer]:
    with issuers.serve(site.address) as issuer:
        issuer.describe("alice", **ALICE)
        issuer.describe("mallory", **MALLORY)
        yield issuer


Signing = Callable[..., PortalContainer]


@pytest.fixture(scope="module")
def signing(
    issuer: Issuer, preview: Preview, start: Start, pods: Pods, site: Site, migrated: list[str]
) -> Signing:
    """Starts a portal as the program renders it for providers of `signIn`, at the issuer. The
    portals have one database; each needs other providers, keys or a name.
    """

    def signing(
        *providers: str, keys: str = "", name: str = "", **environment: str
    ) -> PortalContainer:
        clients = [f"AUTH_{each.upper()}_CLIENT" for each in providers]
        addresses = {
            "oidc": ("AUTH_OIDC_METADATA_URL", "/.well-known/openid-configuration"),
            "okta": ("AUTH_OKTA_AUDIENCE", ""),
            "gitlab": ("AUTH_GITLAB_AUDIENCE", ""),
            "github": ("AUTH_GITHUB_URL", ""),
        }
        variables = {f"{each}_ID": "portal" for each in clients}
        for variable, path in map(addresses.__getitem__, providers):
            variables[variable] = issuer.url + path
        env = "".join(f"    {name}: {value}\n" for name, value in variables.items())
        manifests = preview(
            f"\n  backstage:signIn: [{', '.join(providers)}]\n  backstage:env:\n{env}"
            f"  backstage:egressPorts: [{issuer.port}]\n  backstage:secretEnv:\n"
            + "".join(f"    {each}_SECRET: given\n" for each in clients)
            + keys
        )
        github = ("AUTH_GITHUB_", "APP_CONFIG_auth_")
        same = {key: value for key, value in pods.portal.environment.items()
                if not key.startswith(github)}  # fmt: skip
        given = {key: same[key] for key in ("POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD")}
        given |= {"AUTH_SESSION_SECRET": same["AUTH_SESSION_SECRET"]}
        given |= {f"{each}_SECRET": secrets.token_hex(16) for each in clients}
        pod = pod_of(site, manifests, "Deployment", "backstage", given, {})
        container = start(
            f"signing-{'-'.join(providers)}{len(keys)}{name}",
            replace(
                pod,
                environment={
                    **pod.environment,
                    **same,
                    "NODE_EXTRA_CA_CERTS": f"{CA}/ca.pem",
                    **environment,
                },
                files={**pod.files, CA: {"ca.pem": issuer.ca}},
            ),
        )
        container.wait_ready()
        return container

    return signing


START = "/api/auth/oidc/start?env=production&scope=openid%20profile%20email"
REFRESH = "/api/auth/oidc/refresh?env=production"
HTTPS = {"X-Forwarded-Proto": "https"}  # otherwise the session's cookie isn't set


@pytest.fixture(scope="module")
def rotated(signing: Signing) -> tuple[str, str]:
    """Addresses of two portals of one rollout, before and after the session secret changed."""
    before = signing("oidc", name="-before")
    after = signing("oidc", name="-after", AUTH_SESSION_SECRET=secrets.token_hex(24))
    return before.address, after.address


def began(address: str, issuer: Issuer) -> tuple[str, dict[str, str]]:
    """Begins a sign-in. Returns the path that the issuer sends Alice back to, and her cookies."""
    start = send(address, "GET", START, HTTPS)
    back = urlsplit(issuer.authorize(start.headers["Location"], "alice"))
    return f"{back.path}?{back.query}", {**HTTPS, "Cookie": cookies(start)}


# First: the browsers' portals would share the memory with these.
def test_a_new_session_secret_signs_nobody_out(rotated: tuple[str, str], issuer: Issuer) -> None:
    before, after = rotated
    path, headers = began(before, issuer)
    assert "connect.sid" in headers["Cookie"]
    popup = send(before, "GET", path, headers)
    identity = handed_over(popup)["response"]["backstageIdentity"]
    assert identity["identity"]["userEntityRef"] == "user:default/alice"
    kept = {**HTTPS, "Cookie": cookies(popup), "X-Requested-With": "XMLHttpRequest"}
    refreshed = send(after, "GET", REFRESH, kept)
    assert refreshed.status == 200, refreshed.text
    assert refreshed.json()["backstageIdentity"]["identity"] == identity["identity"]
    bearer = {"Authorization": f"Bearer {identity['token']}"}
    assert send(after, "GET", "/api/catalog/entities?limit=1", bearer).status == 200


def test_a_sign_in_under_way_has_to_start_again(rotated: tuple[str, str], issuer: Issuer) -> None:
    before, after = rotated
    path, headers = began(before, issuer)
    assert "error" in handed_over(send(after, "GET", path, headers))
    path, headers = began(after, issuer)
    assert "response" in handed_over(send(after, "GET", path, headers))


@pytest.fixture(scope="module")
def browser(signing: Signing, issuer: Issuer) -> Iterator[Browser]:
    with chromium(signing(*TITLES), f"MAP {issuers.HOST} {issuer.address}") as browser:
        yield browser


def sign_in(page: Page, title: str, user: str) -> None:
    card = page.get_by_role("listitem").filter(has_text=title)
    with page.expect_popup() as popup:
        card.get_by_role("button", name="Sign In").click()
    popup.value.get_by_placeholder("sub").fill(user)
    popup.value.get_by_role("button", name="Authorize").click()


# Before the others: it has a browser of its own.
def test_an_issuer_without_email_verified_where_that_is_assumed(
    signing: Signing, issuer: Issuer
) -> None:
    portal = signing("oidc", keys="  backstage:signInOidcEmailVerified: assumed\n")
    issuer.describe("bob", email="alice@example.com")
    issuer.describe("eve", email="alice@example.com", email_verified=False)
    with chromium(portal, f"MAP {issuers.HOST} {issuer.address}") as browser:
        page = opened(browser)
        page.get_by_role("button", name="Sign In").wait_for()
        sign_in(page, TITLES["oidc"], "bob")
        page.get_by_role("link", name="checkout").first.wait_for(timeout=60_000)
        page = opened(browser)
        sign_in(page, TITLES["oidc"], "eve")
        page.get_by_text("user profile does not contain an email").wait_for()
    assert portal.get("/api/auth/github/refresh?env=production").status == 404


def test_the_page_offers_the_providers_in_the_order_of_the_key(
    browser: Browser, results: Path
) -> None:
    page = opened(browser)
    page.get_by_role("button", name="Sign In").first.wait_for()
    page.screenshot(path=results / "sign-in-four.png")
    cards = [each for each in page.get_by_role("listitem").all_inner_texts() if "Sign in" in each]
    assert [next(each for each in TITLES.values() if each in card) for card in cards] == [
        *TITLES.values()
    ]


@pytest.mark.parametrize("provider", TITLES)
def test_a_user_signs_in(browser: Browser, provider: str) -> None:
    page = opened(browser)
    sign_in(page, TITLES[provider], "alice")
    page.get_by_role("link", name="checkout").first.wait_for(timeout=60_000)
    if provider == "oidc":  # it refreshes no other provider's scopes
        page.reload()
        page.get_by_role("link", name="checkout").first.wait_for(timeout=60_000)
    page.context.close()


@pytest.mark.parametrize("provider", TITLES)
def test_a_user_missing_from_the_catalog_is_refused(browser: Browser, provider: str) -> None:
    page = opened(browser)
    sign_in(page, TITLES[provider], "mallory")
    page.get_by_text("unable to resolve user identity").first.wait_for()
    assert page.get_by_role("link", name="checkout").count() == 0
    page.context.close()


@pytest.mark.parametrize("claims", [{}, {"email_verified": False}, {"email_verified": "true"}])
def test_an_unverified_email_is_no_user(
    browser: Browser, issuer: Issuer, claims: dict[str, object]
) -> None:
    user = f"u{secrets.token_hex(4)}"
    issuer.describe(user, email="alice@example.com", **claims)
    page = opened(browser)
    sign_in(page, TITLES["oidc"], user)
    page.get_by_text("user profile does not contain an email").first.wait_for()
    page.context.close()
