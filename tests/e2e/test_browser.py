"""Sign-in and catalog in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import Site
from tools.container.edge import https_edge
from tools.container.portal import PortalContainer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

HOST = "backstage.example.com"
# The browser itself must not call the Internet.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip


@contextmanager
def launched(*rules: str) -> Iterator[Browser]:
    """A headless Chromium. rules: such as `MAP HOST:443 ADDRESS:PORT`."""
    executable = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    if not executable:
        pytest.skip("needs Chromium: install it, or set CHROMIUM to its executable")
    from playwright.sync_api import sync_playwright

    mapped = f"--host-resolver-rules={', '.join(rules)}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*FLAGS, mapped])
        yield browser
        browser.close()


@contextmanager
def chromium(portal: PortalContainer, *names: str) -> Iterator[Browser]:
    """A browser for which the portal's host is this machine. names: further rules."""
    with (
        https_edge(HOST, portal.address) as port,
        launched(f"MAP {HOST}:443 127.0.0.1:{port}", *names) as browser,
    ):
        yield browser


@pytest.fixture(scope="module")
def browser(portal: PortalContainer) -> Iterator[Browser]:
    """`chromium` of the module's portal."""
    with chromium(portal) as browser:
        yield browser


def opened(browser: Browser) -> Page:
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"https://{HOST}/")
    return page


def sign_in(page: Page) -> None:
    with page.expect_popup():
        page.get_by_role("button", name="Sign In").click()


def test_sign_in_page_offers_what_is_configured(browser: Browser, results: Path) -> None:
    page = opened(browser)
    page.get_by_role("button", name="Sign In").wait_for()
    page.screenshot(path=results / "sign-in.png")
    text = page.inner_text("body")
    assert "GitHub" in text
    assert "Guest" not in text


def test_a_user_in_the_catalog_signs_in(browser: Browser, site: Site, results: Path) -> None:
    site.github.login = "alice"
    page = opened(browser)
    sign_in(page)
    page.get_by_role("link", name="checkout").first.wait_for(timeout=60_000)
    page.get_by_role("heading", name="Acme Catalog").wait_for()
    page.screenshot(path=results / "catalog.png")
    page.reload()  # the session is in a cookie
    page.get_by_role("link", name="checkout").first.wait_for()


def test_a_user_missing_from_the_catalog_is_refused(browser: Browser, site: Site) -> None:
    site.github.login = "mallory"
    page = opened(browser)
    sign_in(page)
    page.get_by_text("unable to resolve user identity").wait_for()
    assert page.get_by_role("link", name="checkout").count() == 0
