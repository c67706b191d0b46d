"""The approval page and the alert's mail in a real Chromium: without scripts, at every width."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from newsletter.app.desk import utc_now
from tests.axe import OF_PAGES, violations
from tests.e2e.approval_pages import Pages, drafted, serving
from tests.e2e.send_processes import ISSUE
from tests.e2e.test_approving import is_approved, made
from tests.newsroom import Newsroom
from tests.patient import PATIENCE
from tests.unit.test_alert_mail import config
from tests.unit.test_alert_mail import made as an_alert

pytestmark = pytest.mark.browser

SEOUL = {'timezone = "America/Los_Angeles"': 'timezone = "Asia/Seoul"\nlanguage = "ko"'}


@contextmanager
def looking(browser: Browser, *, scripts: bool = False) -> Iterator[Page]:
    """A page in a context of its own; what it complains of, or asks of others, fails the test."""
    context = browser.new_context(
        viewport={"width": 340, "height": 760}, java_script_enabled=scripts
    )
    page, complaints = context.new_page(), list[str]()
    page.set_default_timeout(PATIENCE * 1000)
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    try:
        yield page
        # The browser counts each answer of 4xx as an error: those are the test's own.
        assert [words for words in complaints if "status of 4" not in words] == []
    finally:
        context.close()


def test_an_editor_approves_with_the_keyboard_and_without_scripts(
    chromium: Browser, newsroom: Newsroom
) -> None:
    with serving(drafted(newsroom)) as pages, looking(chromium) as page:
        page.goto(pages.link())
        expect(page.get_by_role("heading", name="Approve the issue of")).to_be_visible()
        with page.expect_popup() as opened:
            page.get_by_role("link", name="Read the mail first").click()
        expect(opened.value.get_by_role("heading", name="Second tale")).to_be_visible()
        assert not is_approved(newsroom)
        opened.value.close()
        page.reload()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        button = page.get_by_role("button", name="Approve this issue")
        expect(button).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="is approved")).to_be_visible()
        assert is_approved(newsroom)
        page.reload()
        expect(page.get_by_role("heading", name="is approved")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("button")).to_have_count(0)


def states(pages: Pages) -> dict[str, str]:
    """Links in every state that looks its own way."""
    old = made(pages.room, expires=utc_now() - timedelta(days=1))
    return {
        "open": pages.link(),
        "expired": f"{pages.url}/approve/{old}",
        "unknown": f"{pages.url}/approve/garbage",
    }


def suits_everybody(page: Page, address: str, without: tuple[str, ...] = ()) -> None:
    """Axe finds nothing, and nothing is wider than the window: loaded anew for each window."""
    for width in (340, 1280):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 760})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address)
            assert not violations(page, without=without)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("changes", [{}, SEOUL], ids=["en", "ko"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(
    chromium: Browser, newsroom: Newsroom, changes: dict[str, str]
) -> None:
    newsroom.configure(**changes)
    for command in ("gather", "build", "test"):
        newsroom.run(command, ISSUE)
    with serving(newsroom) as pages:
        links = states(pages)
        with looking(chromium, scripts=True) as page:
            for name in links:
                suits_everybody(page, links[name])
            pages.press(links["open"])
            suits_everybody(page, links["open"])


@pytest.mark.parametrize("language", ["en", "ko"])
def test_axe_finds_nothing_in_an_alert(chromium: Browser, tmp_path: Path, language: str) -> None:
    file = tmp_path / "alert.html"
    file.write_text(an_alert(config(tmp_path, language)).html, encoding="utf-8")
    with looking(chromium, scripts=True) as page:
        suits_everybody(page, file.as_uri(), OF_PAGES)
