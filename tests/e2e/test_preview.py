"""The local preview, run as editors run it and seen in a real Chromium."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from newsletter import issues, render
from tests import patient
from tests.axe import violations
from tests.e2e.preview_process import (
    ISSUE,
    SUBJECT,
    Preview,
    looking,
    newsroom,
    note,
    png,
    previewing,
    write_issue,
)
from tests.e2e.publisher import publisher

pytestmark = pytest.mark.browser


# --- what is shown --------------------------------------------------------------------------


def test_page_shows_inbox_line_mail_and_verdict(chromium: Browser, calm: Preview) -> None:
    with looking(chromium, calm) as seen:
        page = seen.page
        assert page.url.rstrip("/#") == calm.origin  # the token is gone from the address
        expect(page.get_by_role("heading", name="The Weekly Test")).to_contain_text("July 7, 2025")
        expect(page.locator(".inbox .subject")).to_have_text(SUBJECT)
        expect(page.locator(".inbox .preheader")).to_contain_text("Headline number 2")
        expect(seen.mail.get_by_text("Headline number 1")).to_be_visible()
        expect(seen.mail.get_by_text("Good morning, Robin Ahn.")).to_be_visible()
        expect(page.get_by_text("No findings")).to_be_visible()
        expect(page.locator("#facts")).to_contain_text("8 stories")
        expect(page.locator("#facts")).to_contain_text(re.compile(r"built \d\d:\d\d:\d\d"))
        expect(page.get_by_text("check Outlook for Windows in Outlook itself.")).to_be_visible()
        plan = seen.mail.get_by_alt_text("A plan of the market")
        expect(plan).to_have_js_property("naturalWidth", 40)
        sandbox = page.locator("iframe.mail").get_attribute("sandbox") or ""
        assert "allow-popups" in sandbox
        assert "allow-scripts" not in sandbox
        expect(seen.mail.locator("base")).to_have_attribute("target", "_blank")
    assert [url for _, url in seen.asked] == ["https://pictures.example.com/one.png"]


def test_phone_is_375_pixels_wide_and_stays_chosen(chromium: Browser, calm: Preview) -> None:
    with looking(chromium, calm) as seen:
        width = "e => [e.clientWidth, e.scrollWidth]"
        assert seen.page.locator("iframe.mail").evaluate("e => e.clientWidth") == 640
        seen.press("Phone")
        expect(seen.page.get_by_role("tab", selected=True)).to_have_text("Phone")
        expect(seen.page.locator("iframe.mail")).to_have_js_property("clientWidth", 375)
        assert seen.mail.locator("html").evaluate(width) == [375, 375]
        seen.page.reload()
        expect(seen.page.locator("iframe.mail")).to_have_js_property("clientWidth", 375)


def test_dark_shows_the_other_palette_at_every_width(chromium: Browser, calm: Preview) -> None:
    def grounds() -> list[str]:
        every = "e => [...e.querySelectorAll('*')].map(e => getComputedStyle(e).backgroundColor)"
        found: list[str] = seen.mail.locator("html").evaluate(every)
        return found

    with looking(chromium, calm) as seen:
        light = grounds()
        seen.press("Dark")
        expect(seen.page.locator("iframe.mail")).to_have_attribute("src", re.compile("theme=dark"))
        dark = grounds()
        assert dark != light
        seen.press("Phone")
        assert grounds() == dark
        seen.press("Dark")
        expect(seen.page.locator("iframe.mail")).to_have_attribute("src", re.compile("theme=light"))
        assert grounds() == light
    assert "prefers-color-scheme" not in calm.get("/mail?theme=dark").text
    built = calm.room.folder / "issues" / ISSUE / "build" / "email.html"
    assert "prefers-color-scheme" in built.read_text(encoding="utf-8")


def test_text_part_is_shown_by_keyboard(chromium: Browser, calm: Preview) -> None:
    with looking(chromium, calm) as seen:
        text = seen.page.get_by_label("The text part")
        expect(text).to_be_hidden()
        seen.page.keyboard.press("Tab")
        for key, name in (
            ("End", "Source"), ("ArrowRight", "Desktop"), ("ArrowLeft", "Source"),
            ("Home", "Desktop"), ("ArrowRight", "Phone"), ("ArrowRight", "Text"),
        ):  # fmt: skip
            seen.page.keyboard.press(key)
            tab = seen.page.get_by_role("tab", selected=True)
            expect(tab).to_have_text(name)
            expect(tab).to_be_focused()
            assert tab.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
            expect(seen.page.get_by_role("tabpanel", name=name)).to_be_visible()
        expect(text).to_be_visible()
        expect(text).to_contain_text("Good morning, Robin Ahn.")
        expect(text).to_have_css("font-family", re.compile("monospace"))
        assert text.text_content() == calm.get("/text").text


def test_without_styles_and_images_as_some_apps_show_it(chromium: Browser, calm: Preview) -> None:
    with looking(chromium, calm) as seen:
        frame = seen.page.locator("iframe.mail")
        blocks = "e => e.querySelectorAll('style:not(:first-of-type)').length"
        assert seen.mail.locator("head").evaluate(blocks) > 0
        seen.press("No styles")
        expect(frame).to_have_attribute("src", re.compile("styles=off"))
        expect(seen.mail.locator("h1")).to_be_attached()
        assert "@media" not in seen.mail.locator("head").inner_html()
        seen.press("Images off")
        expect(frame).to_have_attribute("src", re.compile("styles=off&images=off"))
        plan = seen.mail.get_by_alt_text("A plan of the market")
        expect(plan).to_be_visible()
        expect(plan).to_have_js_property("naturalWidth", 0)
        seen.complaints.clear()  # the browser says that it was forbidden to load pictures
        seen.page.reload()
        expect(frame).to_have_attribute("src", re.compile("styles=off&images=off"))
        seen.complaints.clear()


def test_a_finding_leads_to_its_story_and_to_its_line(chromium: Browser, busy: Preview) -> None:
    with looking(chromium, busy) as seen:
        page = seen.page
        busy.room.write(note(), "Read it [here](https://www.example.com/h).\n")
        found = page.locator(".findings .warning", has_text="does not say where the link leads")
        found.get_by_role("button", name="email.html, line").click()
        outlined = seen.mail.locator("[style*='outline: rgb(59, 130, 196)']")
        expect(outlined).to_have_text("Read it here.")  # first: it does not stay
        link = seen.mail.get_by_role("link", name="here", exact=True)
        expect(link).to_be_in_viewport()
        found.get_by_role("button", name="of the source").click()
        line = page.locator(".source .here")
        expect(line).to_contain_text("https://www.example.com/h")
        expect(line).to_be_in_viewport()
        source = busy.get("/source").text.split("\n")
        assert page.locator(".source code").count() == len(source)
        assert "ndx-unsubscribe-html-xdn" in busy.get("/source").text

        toml = busy.room.folder / "issues" / ISSUE / "issue.toml"
        text = toml.read_text(encoding="utf-8")
        toml.write_text(
            text.replace('article = "story-8"', 'article = "story-8"\nblurb = ""', 1), "utf-8"
        )
        template = render.packaged_templates() / "_parts" / "story.html.j2"
        busy.room.write(
            "templates/_parts/story.html.j2",
            template.read_text(encoding="utf-8").replace("<h3>", '<h3 style="padding:3px">', 1),
        )
        found = page.locator(".findings .warning", has_text="A <h3> has padding")
        found.get_by_text("Where").click()
        found.get_by_role("button", name="“Headline number 8”").click()
        expect(page.get_by_role("tab", selected=True)).to_have_text("Desktop")
        expect(seen.mail.get_by_text("Headline number 8")).to_be_in_viewport()
        expect(outlined).to_have_text("Headline number 8")


def test_the_test_goes_to_the_editor_alone(chromium: Browser, busy: Preview) -> None:
    with looking(chromium, busy) as seen:
        seen.press("Send me a test")
        expect(seen.page.locator("#said")).to_have_text(
            "The test is in outbox/tests, as editor@example.com would get it."
        )
        (mail,) = (busy.room.folder / "outbox" / "tests").glob("*.eml")
        assert b"To: Robin Ahn <editor@example.com>" in mail.read_bytes()
        busy.room.write(f"issues/{ISSUE}/issue.toml", "sections = 7")
        expect(seen.page.get_by_role("alert")).to_contain_text("issue.toml has 1 error")
        seen.press("Send me a test")
        expect(seen.page.locator("#said")).to_contain_text("issue.toml has 1 error")
        seen.complaints.clear()  # the browser counts a refusal as an error


def test_only_the_page_itself_may_ask_for_a_test(calm: Preview) -> None:
    cookie = {"Cookie": f"preview-{calm.port}={calm.token}"}
    for origin in ({}, {"Origin": "null"}, {"Origin": "http://evil.example"},
                   {"Origin": f"http://127.0.0.1:{calm.port + 1}"}):  # fmt: skip
        answer = patient.post(f"{calm.origin}/test", headers=cookie | origin)
        assert answer.status_code == 403, origin
    good = {"Origin": calm.origin}
    assert patient.post(f"{calm.origin}/test", headers=good).status_code == 403  # no token
    assert patient.get(f"{calm.origin}/test", headers=cookie | good).status_code == 405
    assert not (calm.room.folder / "outbox").exists()


def test_the_mail_can_be_printed(chromium: Browser, calm: Preview) -> None:
    with looking(chromium, calm) as seen:
        frame = seen.page.locator("iframe.mail")
        frame.evaluate("e => { e.contentWindow.print = () => { window.printed = e.className } }")
        seen.press("Print")
        assert seen.page.evaluate("window.printed") == "mail"
        assert "allow-modals" in (frame.get_attribute("sandbox") or "")


def test_axe_finds_nothing_on_the_page(chromium: Browser, calm: Preview, busy: Preview) -> None:
    write_issue(busy.room, subject="")
    for preview, width in ((calm, 1280), (busy, 1280), (calm, 800)):
        with looking(chromium, preview) as seen:
            seen.page.set_viewport_size({"width": width, "height": 900})
            # The mail has rules of its own, and a test of its own.
            assert not violations(seen.page, frames=False)


def test_pictures_that_are_not_there_yet_come_by_themselves(
    chromium: Browser, tmp_path: Path
) -> None:
    with publisher({"/late.png": png(800, 600)}) as site:
        room = newsroom(tmp_path)
        room.configure(f'\n[gather]\nallow_hosts = ["{site.host}"]\n')
        toml = room.folder / "issues" / ISSUE / "issue.toml"
        with previewing(room) as preview, looking(chromium, preview) as seen:
            text = toml.read_text(encoding="utf-8")
            toml.write_text(
                text.replace("[lead]\n", f'[lead]\nimage = "https://{site.host}/late.png"\n'),
                "utf-8",
            )
            picture = seen.mail.locator("#story-story-1 img")
            expect(picture).to_have_attribute("src", re.compile("/pictures/"))
            expect(picture).to_have_js_property("naturalWidth", 800)
        assert site.asked.count("/late.png") == 1


# --- what a save does -----------------------------------------------------------------------


def test_saved_note_appears_by_itself_at_the_same_place(chromium: Browser, busy: Preview) -> None:
    with looking(chromium, busy) as seen:
        expect(seen.mail.get_by_text("The first note.")).to_be_attached()
        seen.page.evaluate("() => { window.here = true }")
        seen.page.locator("iframe.mail").evaluate("e => e.contentWindow.scrollTo(0, 333)")
        busy.room.write(note(), "A **second** note.\n")
        expect(seen.mail.get_by_text("second")).to_be_attached()
        assert seen.page.evaluate("() => window.here") is True
        assert seen.page.locator("iframe.mail").evaluate("e => e.contentWindow.scrollY") == 333
        # Many programs save by writing a new file and renaming it.
        issues.write_atomically(busy.room.folder / note(), "A third note.\n")
        expect(seen.mail.get_by_text("A third note.")).to_be_attached()


def test_findings_say_what_is_wrong_where_and_what_to_do(chromium: Browser, busy: Preview) -> None:
    with looking(chromium, busy) as seen:
        page = seen.page
        write_issue(busy.room, subject="")
        expect(page.get_by_role("heading", name="1 error stops this issue")).to_be_visible()
        found = page.locator(".findings .error")
        expect(found).to_contain_text("The subject is empty.")
        expect(found).to_contain_text("issue.toml")
        expect(found).to_contain_text("Write one in subject")
        expect(page.locator(".inbox .subject")).to_have_text("(no subject)")
        write_issue(busy.room, subject=SUBJECT)
        busy.room.configure(**{'base_url = "https://news.example.com"\n': ""})
        expect(page.locator(".findings .warning")).to_contain_text("Set base_url in [newsletter]")
        expect(seen.mail.get_by_alt_text("A plan of the market")).to_have_js_property(
            "naturalWidth", 40
        )
        assert busy.get("/state.json").json()["findings"][-1]["place"] == "newsletter.toml"
        busy.room.configure()
        expect(page.get_by_text("No findings")).to_be_visible()


def test_own_template_takes_the_packaged_ones_place(chromium: Browser, busy: Preview) -> None:
    packaged = render.packaged_templates() / "weekly" / "email.html.j2"
    template = packaged.read_text(encoding="utf-8")

    def with_line(words: str) -> str:
        return template.replace(
            "{% block sheet %}", f"{{% block sheet %}}<tr><td>{words}</td></tr>", 1
        )

    own = "templates/weekly/email.html.j2"
    with looking(chromium, busy) as seen:
        path = busy.room.write(own, with_line("In our own style."))
        expect(seen.mail.get_by_text("In our own style.")).to_be_attached()
        busy.room.write(own, with_line("In a better style."))
        expect(seen.mail.get_by_text("In a better style.")).to_be_attached()
        busy.room.write(own, "{% if %}")
        alert = seen.page.get_by_role("alert")
        expect(alert).to_contain_text("templates/weekly/email.html.j2, line 1, does not compile")
        busy.room.write(own, "{{ 1 + 'one' }}")
        expect(alert).to_contain_text("unsupported operand")
        busy.room.write(own, "")
        expect(alert).to_contain_text("renders to nothing")
        expect(seen.mail.get_by_text("In a better style.")).to_be_attached()
        path.unlink()
        expect(seen.mail.get_by_text("In a better style.")).not_to_be_attached()
        expect(alert).to_be_empty()


def test_broken_file_is_said_and_the_last_good_mail_stays(chromium: Browser, busy: Preview) -> None:
    toml = busy.room.folder / "issues" / ISSUE / "issue.toml"
    good = toml.read_text(encoding="utf-8")
    with looking(chromium, busy) as seen:
        toml.write_text(good.replace("subject =", "subject", 1), encoding="utf-8")
        alert = seen.page.get_by_role("alert")
        expect(alert).to_contain_text(f"issues/{ISSUE}/issue.toml is not valid TOML")
        expect(alert).not_to_contain_text(str(busy.room.folder))
        expect(seen.mail.get_by_text("Headline number 1")).to_be_visible()
        state = busy.get("/state.json").json()
        assert "not valid TOML" in state["error"]
        assert state["subject"] == SUBJECT
        seen.page.reload()
        expect(alert).to_contain_text("is not valid TOML")
        toml.write_text(good.replace(SUBJECT, "Mended"), encoding="utf-8")
        expect(alert).to_be_empty()
        expect(seen.page.locator(".inbox .subject")).to_have_text("Mended")
        assert busy.get("/state.json").json()["error"] is None


def test_issue_that_never_could_be_built_comes_by_itself(chromium: Browser, tmp_path: Path) -> None:
    room = newsroom(tmp_path)
    toml = room.folder / "issues" / ISSUE / "issue.toml"
    good = toml.read_text(encoding="utf-8")
    toml.write_text("sections = 7", encoding="utf-8")
    with previewing(room) as preview, looking(chromium, preview) as seen:
        expect(seen.page.get_by_text("There is no mail to show yet.")).to_be_visible()
        expect(seen.page.get_by_role("alert")).to_contain_text("issue.toml has 1 error")
        assert preview.get("/mail").status_code == 404
        toml.write_text(good, encoding="utf-8")
        expect(seen.mail.get_by_text("Headline number 1")).to_be_visible()
        expect(seen.page.get_by_text("There is no mail to show yet.")).to_be_hidden()


# --- start, end, and who may look -----------------------------------------------------------


def test_ctrl_c_ends_at_once_with_a_page_open(chromium: Browser, busy: Preview) -> None:
    with looking(chromium, busy) as seen:
        busy.stop()
        expect(seen.page.get_by_text("The preview has stopped.")).to_be_visible()
        seen.complaints.clear()  # the browser may say that nobody answers


def test_taken_port_gives_way_to_the_next(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with previewing(newsroom(tmp_path), taken.getsockname()[1]) as preview:
            assert preview.port != taken.getsockname()[1]
            assert preview.get("/state.json").json()["subject"] == SUBJECT


def test_only_this_machine_with_the_token_may_look(calm: Preview) -> None:
    for host in ("evil.example", f"evil.example:{calm.port}", "127.0.0.1", "127.0.0.1:1"):
        assert calm.get("/", Host=host).status_code == 400
    assert calm.get("/", Host=f"localhost:{calm.port}").status_code == 200
    for path in ("/", "/mail", "/events", "/assets/preview.js", "/?token=wrong", "/?token=%C3%A9"):
        answer = patient.get(calm.origin + path)
        assert answer.status_code == 403
        assert "Open the complete address that it printed" in answer.text
    welcome = patient.get(calm.address)
    assert welcome.status_code == 200
    cookie = welcome.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "set-cookie" not in patient.get(calm.origin + "/?token=wrong").headers
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
        assert httpx.request(method, calm.address).status_code == 405


def test_answers_carry_strict_headers(calm: Preview) -> None:
    for path in ("/", "/mail", "/text", "/state.json", "/images/plan.png", "/nowhere"):
        headers = calm.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "allow-scripts" not in policy
    assert "unsafe" not in calm.get("/").headers["content-security-policy"]


def test_pictures_come_from_their_folder_only(busy: Preview) -> None:
    assert busy.get("/images/plan.png").headers["content-type"] == "image/png"
    (busy.room.folder / "secret.png").write_bytes(png())
    images = busy.room.folder / "issues" / ISSUE / "images"
    (images / "link.png").symlink_to(busy.room.folder / "secret.png")
    (images / "page.html").write_text("<script>")
    for name in (
        "../issue.toml",
        "..%2Fissue.toml",
        "%2e%2e/%2e%2e/%2e%2e/secret.png",
        "..%5C..%5Csecret.png",
        f"%2F{str(busy.room.folder).lstrip('/')}/secret.png",
        "link.png",
        "page.html",
        "missing.png",
        "%00.png",
        "",
    ):
        with socket.create_connection(("127.0.0.1", busy.port)) as line:  # no client tidies it
            line.sendall(
                f"GET /images/{name} HTTP/1.1\r\nHost: 127.0.0.1:{busy.port}\r\n"
                f"Cookie: preview-{busy.port}={busy.token}\r\nConnection: close\r\n\r\n".encode()
            )
            assert line.recv(100).startswith(b"HTTP/1.1 404"), name
