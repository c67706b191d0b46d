"""A preview that stays open all day: many pages, restarts, small windows, bad moments."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from newsletter import render
from tests.axe import violations
from tests.e2e.preview_process import (
    ISSUE,
    Preview,
    looking,
    newsroom,
    note,
    previewing,
    write_issue,
)

pytestmark = pytest.mark.browser


def test_every_open_page_follows_however_many_there_are(chromium: Browser, busy: Preview) -> None:
    def all_follow(words: str) -> None:
        busy.room.write(note(), words)
        for each in pages:
            expect(each.mail.get_by_text(words)).to_be_attached()

    with chromium.new_context() as context, ExitStack() as stack:
        pages = []
        for _ in range(8):  # a browser keeps no more than six lines to one place
            pages.append(stack.enter_context(looking(context, busy)))
        all_follow("For everybody.")
        pages.pop(0).page.close()  # the one that listened for all
        all_follow("For those who stayed.")


def test_a_page_of_before_follows_a_preview_that_was_started_anew(
    chromium: Browser, tmp_path: Path
) -> None:
    room = newsroom(tmp_path)
    with chromium.new_context() as context:
        context.route("https://**", lambda route: route.abort())  # the publisher's picture
        with previewing(room) as first:
            page = context.new_page()
            page.goto(first.address)
            mail = page.frame_locator("iframe.mail")
            for words in ("The second note.", "The third note."):
                room.write(note(), words)
                expect(mail.get_by_text(words)).to_be_attached()
        expect(page.get_by_text("The preview has stopped.")).to_be_visible()
        expect(mail.get_by_text("The third note.")).to_be_attached()
        room.write(note(), "Written while it was off.")
        with previewing(room, first.port) as second:
            assert second.port == first.port
            expect(page.get_by_text("Open the address it printed")).to_be_visible()
            other = context.new_page()
            other.goto(second.address)
            for each in (other, page):
                expect(each.get_by_text("Follows every save by itself")).to_be_visible()
            expect(mail.get_by_text("Written while it was off.")).to_be_attached()
            expect(page.get_by_text("Open the address it printed")).to_be_hidden()
            room.write(note(), "And after that.")
            expect(mail.get_by_text("And after that.")).to_be_attached()


def test_without_an_editor_the_test_button_says_why(chromium: Browser, busy: Preview) -> None:
    with looking(chromium, busy) as seen:
        button = seen.page.get_by_role("button", name="Send me a test")
        expect(button).to_have_attribute("title", "Sends it to editor@example.com")
        seen.press("Send me a test")
        expect(seen.page.locator("#said")).to_contain_text("The test is in outbox/tests")
        button.focus()
        busy.room.configure(**{'email = "editor@example.com"\n': ""})
        expect(button).to_have_attribute("aria-disabled", "true")
        expect(seen.page.locator("#said")).to_be_hidden()  # what is said of a mail goes with it
        expect(button).to_be_focused()
        seen.page.keyboard.press("Enter")
        expect(seen.page.locator("#said")).to_contain_text("set email in [editor]")
        assert len(list((busy.room.folder / "outbox" / "tests").glob("*.eml"))) == 1
        busy.room.configure()
        expect(button).not_to_have_attribute("aria-disabled", "true")


def test_what_is_opened_and_focused_stays_through_a_save(chromium: Browser, busy: Preview) -> None:
    template = render.packaged_templates() / "_parts" / "story.html.j2"
    with looking(chromium, busy) as seen:
        page = seen.page
        busy.room.write(
            "templates/_parts/story.html.j2",
            template.read_text(encoding="utf-8").replace("<h3>", '<h3 style="padding:3px">', 1),
        )
        found = page.locator(".findings .warning", has_text="A <h3> has padding")
        found.get_by_text("Where").click()
        place = found.get_by_role("button", name="“Headline number 5”")
        place.focus()
        busy.room.write(note(), "A second note, and the same findings.\n")
        expect(seen.mail.get_by_text("A second note")).to_be_attached()
        expect(place).to_be_focused()
        write_issue(busy.room, subject="")  # one finding more
        expect(page.get_by_role("heading", name="1 error stops this issue")).to_be_visible()
        expect(place).to_be_focused()
        page.keyboard.press("Enter")
        expect(seen.mail.get_by_text("Headline number 5", exact=True)).to_be_in_viewport()


def test_the_size_bar_shows_how_near_the_limit_is(chromium: Browser, busy: Preview) -> None:
    with looking(chromium, busy) as seen:
        meter = seen.page.get_by_role("meter")
        expect(meter).to_have_attribute("aria-valuetext", re.compile(r"^\d\d KB of 102 KB$"))
        for kilobytes, state in ((82, "near"), (120, "over")):
            busy.room.write(note(), "word and word " * (kilobytes * 73))
            expect(meter).to_have_class(re.compile(state))
        expect(meter.locator(".own")).to_have_attribute("width", "100.0%")


@pytest.mark.parametrize("width", [340, 600, 1024, 1440])
def test_every_window_has_room_for_everything(chromium: Browser, calm: Preview, width: int) -> None:
    with looking(chromium, calm, width) as seen:
        for name in ("Desktop", "Phone", "Text", "Source"):
            seen.press(name)
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        for words in ("Dark", "No styles", "Images off", "Print", "Send me a test"):
            box = seen.page.get_by_role("button", name=words, exact=True).bounding_box()
            assert box
            assert 0 <= box["x"] <= width - box["width"], words
        expect(seen.page.locator(".pocket")).to_be_visible()
        expect(seen.page.locator(".row .subject")).to_be_visible()


def test_axe_finds_nothing_in_the_dark_and_when_things_go_wrong(
    chromium: Browser, busy: Preview
) -> None:
    def faultless() -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert not violations(page, frames=False)

    with looking(chromium, busy) as seen:
        page = seen.page
        for name in ("Phone", "Text", "Source", "Desktop", "Dark", "No styles"):
            seen.press(name)
            faultless()
        busy.room.write(note(), "Read it [here](https://www.example.com/h).\n")
        write_issue(busy.room, subject="")
        expect(page.get_by_role("heading", name="1 error stops this issue")).to_be_visible()
        page.locator(".findings").get_by_role("button", name="of the source").first.click()
        expect(page.locator(".source .here")).to_be_visible()
        faultless()
        busy.room.write(f"issues/{ISSUE}/issue.toml", "sections = 7")
        expect(page.get_by_role("alert")).to_contain_text("issue.toml has 1 error")
        busy.room.configure(**{'email = "editor@example.com"\n': ""})
        expect(page.locator("#test")).to_have_attribute("aria-disabled", "true")
        page.locator("#test").press("Enter")
        expect(page.locator("#said")).to_contain_text("set email in [editor]")
        faultless()
        busy.stop()
        expect(page.get_by_text("The preview has stopped.")).to_be_visible()
        faultless()
        seen.complaints.clear()


def test_all_of_what_is_shown_is_printed(chromium: Browser, calm: Preview) -> None:
    with looking(chromium, calm) as seen:
        shown = seen.mail.get_by_text("Unsubscribe").first
        expect(shown).to_be_attached()
        seen.page.emulate_media(media="print")
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        height = "e => [e.clientHeight, e.contentDocument.documentElement.scrollHeight]"
        drawn, whole = seen.page.locator("iframe.mail").evaluate(height)
        assert drawn >= whole > 1000
        expect(seen.page.locator("header")).to_be_hidden()
        expect(seen.page.locator("aside")).to_be_hidden()
        seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        seen.page.emulate_media(media="screen")
        seen.press("Text")
        seen.page.emulate_media(media="print")
        text = seen.page.get_by_label("The text part")
        assert text.evaluate("e => e.clientHeight >= e.scrollHeight && e.clientHeight > 800")
        # Without their grounds, buttons would be white words on white paper.
        ground = "e => getComputedStyle(e).printColorAdjust"
        assert seen.mail.locator("a").first.evaluate(ground) == "exact"


def test_nothing_in_a_mail_takes_the_page_over(chromium: Browser, busy: Preview) -> None:
    evil = (
        "<tr><td><script>parent.document.title = 'taken'</script>"
        "<img src='x' onerror=\"parent.document.title = 'taken'\" width='1' alt=''>"
        "<a id='a' target='_self' href='https://www.example.com/self'>self</a> "
        "<a id='b' target=\"_top\" href='https://www.example.com/top'>top</a> "
        "<a id='c' href=\"javascript:parent.document.title = 'taken'\">script</a> "
        "<a id='d' href='https://www.example.com/plain'>plain</a>"
        "<form action='https://www.example.com/form'><button id='e'>go</button></form>"
        "<iframe src='https://www.example.com/frame'></iframe>"
        "<meta http-equiv='refresh' content='0;url=https://www.example.com/refresh'>"
        "</td></tr>"
    )
    packaged = render.packaged_templates() / "weekly" / "email.html.j2"
    with looking(chromium, busy) as seen:
        page = seen.page
        title = page.title()
        asked: list[dict[str, str]] = []
        page.context.on("request", lambda r: asked.append({"url": r.url, **r.headers}))
        opened = []
        page.context.on("page", lambda new: opened.append(new))
        text = packaged.read_text(encoding="utf-8")
        text = text.replace("{% block sheet %}", "{% block sheet %}" + evil, 1)
        busy.room.write("templates/weekly/email.html.j2", text)
        for name in ("a", "b", "c", "d", "e"):
            link = seen.mail.locator(f"#{name}")
            expect(link).to_be_visible()
            link.click()
            page.wait_for_timeout(200)
        assert page.url.startswith(busy.origin)
        assert page.title().split(" · ")[1] == title.split(" · ")[1]
        busy.room.write("templates/weekly/email.html.j2", packaged.read_text(encoding="utf-8"))
        expect(seen.mail.locator("#a")).not_to_be_attached()
        expect(seen.mail.get_by_text("Headline number 1")).to_be_visible()
        outside = [each for each in asked if "example.com" in each["url"]]
        assert not [each for each in outside if "referer" in each or busy.token in each["url"]]
        assert not [each for each in outside if "form" in each["url"] or "frame" in each["url"]]
        for new in opened:
            assert new.url != page.url
            new.close()
        seen.complaints.clear()  # the browser says what it forbade
        seen.asked.clear()
