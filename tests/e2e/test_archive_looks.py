"""The archive in a real Chromium: in English and Korean, light and dark, on phones and desktops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from newsletter.app.setup.demo import ISSUE
from tests.axe import violations
from tests.e2e.archive_server import BASE, Archive, published, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]

NOTE = "We wrote that it opens on Monday; it opens on Tuesday."


@pytest.fixture(scope="module", params=["en", "ko"])
def archive(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Archive]:
    """More issues than a page of the list has, the newest with a correction."""
    room = published(tmp_path_factory.mktemp("archive"), request.param, earlier=42)
    room.run("correct", str(ISSUE), "--note", NOTE)
    with serving(room) as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(
    chromium: Browser, archive: Archive, scheme: str
) -> None:
    context = chromium.new_context(
        viewport={"width": 340, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page, complaints = context.new_page(), list[str]()

    def here(route: Route) -> None:
        """The newsletter's own address, as a proxy leads it here."""
        path = route.request.url.removeprefix(BASE)
        route.fulfill(response=route.fetch(url=archive.url + path))

    page.route(f"{BASE}/**", here)
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("requestfailed", lambda request: complaints.append(request.url))
    for path in ("/", "/?page=2", f"/issues/{ISSUE}", "/search?q=시장", "/search?q=nowhere"):
        page.goto(BASE + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 340, path
        assert not violations(page), path
    context.close()
    assert [each for each in complaints if "data:," not in each] == []


def test_readers_go_from_page_to_page_with_the_keyboard(
    chromium: Browser, archive: Archive
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{archive.url}/issues/{ISSUE}")
    assert page.locator("main section").inner_text().endswith(NOTE)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{archive.url}/")
    assert _issues(page) == 39
    page.locator("a[rel=next]").click()
    assert _issues(page) == 3
    page.locator("a[rel=prev]").click()
    page.wait_for_url(f"{archive.url}/")
    page.locator("#q").fill("시장")
    page.locator("#q").press("Enter")
    page.wait_for_url("**/search?q=*")
    assert page.locator("ol.found li").count() >= 14
    page.locator("ol.found a").first.click()
    page.wait_for_url("**/issues/*")
    context.close()


def _issues(page: Page) -> int:
    return page.locator("ul.issues li").count()
