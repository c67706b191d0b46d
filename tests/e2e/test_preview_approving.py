"""The approve button of the preview: what is shown is what is approved."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests import patient
from tests.axe import violations
from tests.e2e.preview_process import ISSUE, Preview, looking, note, write_issue

pytestmark = pytest.mark.browser


def test_the_button_approves_what_is_shown_and_takes_it_back(
    chromium: Browser, busy: Preview
) -> None:
    busy.room.subscribe(1)
    with looking(chromium, busy) as seen:
        button = seen.page.locator("#approve")
        expect(button).to_have_text("Approve")
        button.click()
        expect(button).to_have_text("Approved")
        expect(seen.page.locator("#said")).to_contain_text("Approved exactly what is shown here")
        expect(button).to_be_focused()
        assert not violations(seen.page, frames=False)
        assert "Would send" in busy.room.run("send", ISSUE, "--dry-run").stdout
        button.click()
        expect(button).to_have_text("Approve")
        expect(seen.page.locator("#said")).to_have_text("The approval is withdrawn.")
        assert "is not approved" in busy.room.run("send", ISSUE, "--dry-run", status=1).stderr
        button.click()
        expect(button).to_have_text("Approved")
        busy.room.write(note(), "Another note.\n")
        expect(button).to_have_text("Approve")


def test_what_has_errors_or_was_sent_cannot_be_approved(chromium: Browser, busy: Preview) -> None:
    with looking(chromium, busy) as seen:
        button = seen.page.locator("#approve")
        write_issue(busy.room, subject="")
        expect(button).to_have_attribute("aria-disabled", "true")
        button.click(force=True)
        expect(seen.page.locator("#said")).to_contain_text("must be fixed first")
        write_issue(busy.room, subject="Lanterns")
        expect(button).to_have_attribute("data-hash", re.compile("[0-9a-f]{64}"))
        busy.room.subscribe(1)
        button.click()
        expect(button).to_have_text("Approved")
        busy.room.run("send", ISSUE, "--yes")
        seen.page.reload()
        expect(seen.page.get_by_text("Already sent")).to_be_visible()
        expect(button).to_have_count(0)


def test_only_the_page_approves_and_only_what_it_shows(busy: Preview) -> None:
    cookie = {"Cookie": f"preview-{busy.port}={busy.token}"}
    for path in ("/approve", "/unapprove"):
        for origin in ({}, {"Origin": "null"}, {"Origin": "http://evil.example"}):
            refused = patient.post(f"{busy.origin}{path}", headers=cookie | origin)
            assert refused.status_code == 403
        assert patient.get(f"{busy.origin}{path}", headers=cookie).status_code == 405
    good = cookie | {"Origin": busy.origin}
    for shown in ("", "0" * 64, "garbage"):
        answer = patient.post(f"{busy.origin}/approve", headers=good, content=shown)
        assert answer.status_code == 409
        assert "has changed since it was built" in answer.json()["message"]
    shown = busy.get("/state.json").json()["hash"]
    assert patient.post(f"{busy.origin}/approve", headers=good, content=shown).json()["done"]


def test_without_its_database_the_preview_still_shows_the_mail(
    chromium: Browser, busy: Preview
) -> None:
    (busy.room.folder / "newsletter.db").write_text(
        "this is no database, but it is long enough" * 50
    )
    with looking(chromium, busy) as seen:
        button = seen.page.locator("#approve")
        button.click()
        expect(seen.page.locator("#said")).to_contain_text("newsletter.db cannot be used")
        seen.complaints.clear()  # the browser counts a refusal as an error
