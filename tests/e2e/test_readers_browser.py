"""A reader's whole way in a real Chromium, without scripts: from signing up to leaving again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.axe import violations
from tests.e2e.approval_pages import part
from tests.e2e.reader_pages import HOST, Site, link_in, serving
from tests.e2e.send_processes import ISSUE
from tests.e2e.test_approval_page import looking

pytestmark = [pytest.mark.browser, pytest.mark.long]

VIEWS: list[tuple[int, Literal["light", "dark"]]] = [(340, "light"), (1100, "dark")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), 2) as site:
        yield site


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def says(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(words)


def test_from_signing_up_to_leaving(chromium: Browser, site: Site) -> None:
    with looking(chromium) as page:
        page.goto(f"{site.url}/subscribe")
        page.keyboard.press("Tab")  # the newsletter's name
        page.keyboard.press("Tab")
        expect(page.get_by_label("Your email address")).to_be_focused()
        page.keyboard.type("journey@example.com")
        page.keyboard.press("Tab")
        # No hidden field lies between.
        expect(page.get_by_role("button", name="Sign up")).to_be_focused()
        page.keyboard.press("Enter")
        says(page, "One more step")

        page.goto(site.url + link_in(site.mail_to("journey@example.com")))
        says(page, "Subscribe to The Weekly Test?")
        press(page, "Yes, subscribe me")
        says(page, "Welcome!")
        page.get_by_role("link", name="Tell us your name").click()
        page.get_by_label("Your name").fill("Ada")
        press(page, "Save")
        expect(page.get_by_role("status")).to_have_text("Saved.")

        for command in ("gather", "build", "approve"):
            site.room.run(command, ISSUE)
        site.room.run("send", ISSUE, "--yes")
        issue = site.mail_to("journey@example.com")
        assert issue["To"].addresses[0].display_name == "Ada"
        html = part(issue, "html")
        header = issue["List-Unsubscribe"].split(">")[0].removeprefix(f"<https://{HOST}")
        assert header in html
        (view,) = set(re.findall(rf'"https://{HOST}(/issues/[^"]+)"[^>]*>Read on the web', html))
        page.goto(site.url + view)
        expect(page.get_by_role("heading", name="Second tale")).to_be_visible()
        assert "Ada" not in page.content()
        page.goto(site.url + header)
        says(page, "Unsubscribe from The Weekly Test?")
        assert site.status("journey@example.com") == "active"
        press(page, "Unsubscribe")
        says(page, "You are unsubscribed")
        assert site.status("journey@example.com") == "unsubscribed"
        press(page, "Subscribe again")
        says(page, "You are subscribed again")
        assert site.status("journey@example.com") == "active"


def pages(site: Site, path: str) -> list[tuple[str, dict[str, str]]]:
    """Every page that looks its own way: its address, and what is sent to it."""
    address = f"axe{path.replace('/', '-')}@example.com"
    site.post(f"{path}/subscribe", email=address)
    confirm = link_in(site.mail_to(address))
    leave, choose = site.add(f"also-{address}")
    _, erased = site.add(f"erased-{address}")
    return [
        (f"{path}/subscribe", {}),
        (f"{path}/subscribe", {"email": "wrong"}),
        (f"{path}/subscribe", {"email": address}),
        (confirm, {}),
        (confirm, {"act": "confirm"}),
        (confirm, {"act": "confirm"}),
        (f"{path}/unsubscribe/{leave}", {}),
        (f"{path}/unsubscribe/{leave}", {"act": "leave"}),
        (f"{path}/unsubscribe/garbage", {}),
        (f"{path}/preferences/{choose}", {"act": "save", "name": "\x00"}),
        (f"{path}/preferences/{choose}", {"act": "save", "name": "가나다라마바사아자차" * 20}),
        (f"{path}/preferences/{choose}", {"act": "erase"}),
        (f"{path}/preferences/{erased}", {"act": "erase for good"}),
        (f"{path}/nowhere", {}),
    ]


@pytest.mark.parametrize("path", ["", "/ko"])
def test_axe_finds_nothing_on_any_page_and_none_is_wider_than_a_phone(
    chromium: Browser, site: Site, path: str
) -> None:
    shown = [
        (site.post(to, **fields) if fields else site.get(to)).text.replace(
            'href="/', f'href="{site.url}/'
        )
        for to, fields in pages(site, path)
    ]
    with looking(chromium, scripts=True) as page:
        page.goto(f"{site.url}/subscribe")
        for width, scheme in VIEWS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            for html in shown:
                page.set_content(html, wait_until="load")
                expect(page.locator("main")).to_have_css("padding-top", "28px")  # it has its style
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert not violations(page)
