"""The page of a plan, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_browser import launched
from tests.programs import previewed, stack_config
from tools.preview.policy import verdict
from tools.report.page import page as page_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

CLUSTER = "backstage-1-cluster"


@pytest.fixture(scope="module")
def browser(file: Path) -> Iterator[Browser]:
    """After the page is made: the browser's event loop would be in the program's way."""
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "prod.html"
    plan, created = (previewed("prod", creates).recording for creates in (False, True))
    text = page_of(stack_config("prod"), plan, verdict(plan, created), "5f0c2e9")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(params=[1280, 390])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=["light", "dark"])
def report(
    browser: Browser, file: Path, width: int, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """The page; whatever its console says, and each request, fails the test."""
    said: list[str] = []
    page = browser.new_page(
        viewport={"width": width, "height": 1100}, color_scheme=request.param, device_scale_factor=1
    )
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda one: said.append(one.url) if one.url != file.as_uri() else None)
    page.goto(file.as_uri())
    yield page
    page.close()
    assert said == []


def test_it_fits_and_is_readable(report: Page, width: int, results: Path) -> None:
    scheme = (
        "dark" if report.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    )
    report.screenshot(path=results / f"report-{width}-{scheme}.png")
    assert report.evaluate("document.documentElement.scrollWidth") == width
    poor = report.evaluate(CONTRAST)
    assert poor == []


def test_a_node_shows_what_it_is_connected_to(report: Page) -> None:
    node = report.locator(f"svg a[aria-label^='{CLUSTER},']")
    node.focus()
    on = report.locator("svg .edges path.on")
    assert on.count() > 5
    assert (
        report.locator("svg a:not(.on)").first.evaluate("e => getComputedStyle(e).opacity")
        == "0.35"
    )
    report.evaluate("document.activeElement.blur()")
    assert on.count() == 0


def test_a_node_leads_to_its_inputs(report: Page) -> None:
    node = report.locator(f"svg a[aria-label^='{CLUSTER},']")
    details = report.locator(f"details#{node.get_attribute('data-node')}")
    assert not details.locator("pre").is_visible()
    node.focus()
    report.keyboard.press("Enter")
    details.locator("pre").wait_for(state="visible")
    assert '"engine": "aurora-postgresql"' in details.locator("pre").inner_text()
    assert '"masterPassword": "[secret]"' in details.locator("pre").inner_text()


def test_a_file_opens_below_its_inputs(report: Page) -> None:
    node = report.locator("svg a[aria-label^='backstage-scripts,']")
    node.focus()
    report.keyboard.press("Enter")
    resource = report.locator(f"details#{node.get_attribute('data-node')}")
    file = resource.locator("details.text", has_text="data.migrate.js")
    text = file.locator("pre")
    assert not text.is_visible()
    file.locator("summary").click()
    text.wait_for(state="visible")
    assert text.inner_text().count("\n") > 50


def test_defaults_are_shown_on_demand(report: Page) -> None:
    row = report.locator("tr", has=report.get_by_role("rowheader", name="port", exact=True))
    assert not row.is_visible()
    report.get_by_label("default (").check()
    assert row.is_visible()
    report.get_by_label("stack file (").uncheck()
    assert not report.get_by_role("rowheader", name="host", exact=True).is_visible()


# Texts below 4.5:1 (WCAG 2.2, 1.4.3), against the nearest background that isn't transparent.
CONTRAST = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const below = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *:not(script):not(svg *)')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest('.hidden')) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(below(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${element.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""
