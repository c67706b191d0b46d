"""Approval by a link: the mails that carry it, the page behind it, and what it must not do."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from newsletter.app import open_desk
from newsletter.app.desk import utc_now
from newsletter.links import signed_links
from newsletter.links.keyring import keyring
from newsletter.model import IssueName
from newsletter.store import approvals
from tests import patient
from tests.e2e.approval_pages import BASE, Pages, drafted, link_in, newest, parsed, part, serving
from tests.e2e.send_processes import ISSUE, running, until
from tests.e2e.servers import closed_port
from tests.newsroom import Newsroom
from tests.patient import PATIENCE


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    return drafted(newsroom)


def text(answer: httpx.Response) -> str:
    """What the page says, without its marks."""
    body = answer.text.partition("<body>")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def is_approved(room: Newsroom) -> bool:
    """Whether there is an approval, of whatever bytes."""
    desk = open_desk(room.folder)
    try:
        with desk.database.read() as connection:
            return approvals.find(connection, desk.name, IssueName.parse(ISSUE)) is not None
    finally:
        desk.close()


def made(room: Newsroom, **changes: object) -> str:
    """A link of our own making, signed as the program signs."""
    desk = open_desk(room.folder)
    built = (room.folder / "issues" / ISSUE / "build" / "email.json").read_text()
    given = {
        "newsletter": desk.name,
        "issue": ISSUE,
        "hash_": re.search(r'"hash": "(\w+)"', built)[1],  # type: ignore[index]
        "expires": utc_now() + timedelta(days=1),
    }
    desk.close()
    return signed_links.approval_key(keyring(room.folder), **(given | changes))  # type: ignore[arg-type]


# --- the mails ---------------------------------------------------------------------------------


def test_the_editors_own_test_leads_to_the_page_and_its_bytes_stay_the_same(room: Newsroom) -> None:
    test = newest(room, "tests")
    link = link_in(test)
    assert link.startswith(f"{BASE}/approve/v2.1.{ISSUE}.")
    assert f"<{link}>" in test["List-Unsubscribe"]
    built = (room.folder / "issues" / ISSUE / "build" / "email.txt").read_text()
    same = re.sub(r"ndx-(unsubscribe|preferences)-text-xdn", link, built)
    assert part(test, "plain") == same.replace("ndx-greeting-text-xdn", "Good morning, Robin Ahn.")


def test_a_test_to_somebody_else_has_no_link_to_approve(room: Newsroom) -> None:
    room.run("test", ISSUE, "--to", "agency@example.com")
    (path,) = (room.folder / "outbox" / "tests").glob("*agency*")
    assert "/approve/" not in path.read_text()
    assert "/unsubscribe/" in part(parsed(path), "plain")


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url = ": "# base_url = "},
        {"[editor]": '[schedule]\napproval = "automatic"\n\n[editor]'},
    ],
)
def test_no_link_where_there_is_no_page_or_no_need(
    newsroom: Newsroom, changes: dict[str, str]
) -> None:
    drafted(newsroom)
    newsroom.configure(**changes)
    newsroom.run("test", ISSUE)
    assert "/approve/" not in part(newest(newsroom, "tests"), "plain")


# --- the page ----------------------------------------------------------------------------------


def test_looking_approves_nothing_and_the_button_does_once(room: Newsroom) -> None:
    with serving(room) as pages:
        link = pages.link()
        for answer in (
            patient.get(link),
            httpx.head(link),
            patient.get(f"{link}/mail"),
            patient.get(link),
        ):
            assert answer.status_code == 200
        assert "Approve the issue of Jan 7?" in text(answer)
        assert "It goes out Monday, January 7, 07:00 PST" in text(answer)
        assert "Subject First story" in text(answer)
        assert "Stories 3" in text(answer)
        assert "The link works until Monday, January 7, 13:00 PST (in " in text(answer)
        assert not is_approved(room)

        pressed = pages.press(link)
        assert pressed.status_code == 303
        again = patient.get(httpx.URL(link).join(pressed.headers["Location"]))
        assert "The issue of Jan 7 is approved" in text(again)
        assert "Approved by editor@example.com, by a link" in text(again)
        assert "<form" not in again.text
        assert is_approved(room)
        assert pages.press(link).status_code == 303  # a double click is no fault

        room.run("unapprove", ISSUE)
        for answer in (patient.get(link), pages.press(link)):
            assert answer.status_code == 410
            assert "Nothing was approved" in text(answer)
            assert "was already used" in text(answer)
        assert not is_approved(room)
        room.run("test", ISSUE)
        assert pages.press(pages.link()).status_code == 303
        assert is_approved(room)


def test_only_the_pages_own_form_approves(room: Newsroom) -> None:
    with serving(room) as pages:
        link = pages.link()
        bodies = ["", "List-Unsubscribe=One-Click", "approve=no", "approve=yes" * 1000, "\xff\x00"]
        for body in bodies:
            answer = patient.post(link, content=body.encode("latin-1"))
            assert answer.status_code == 400, body
            assert "did not come from the button" in text(answer)
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
            assert httpx.request(method, link).status_code == 405
        assert not is_approved(room)


def test_many_presses_at_once_approve_once(room: Newsroom) -> None:
    with serving(room) as pages, ThreadPoolExecutor(8) as crew:
        link = pages.link()
        answers = list(crew.map(lambda _: pages.press(link).status_code, range(8)))
        assert set(answers) == {303}
        room.run("unapprove", ISSUE)
        assert pages.press(link).status_code == 410


def test_no_page_is_kept_framed_indexed_or_tells_where_one_came_from(room: Newsroom) -> None:
    with serving(room) as pages:
        for path in (pages.link(), f"{pages.url}/approve/garbage", f"{pages.link()}/mail"):
            headers = patient.get(path).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "script-src" not in policy
            assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")
            assert headers["Cache-Control"] == "no-store"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert "noindex" in headers["X-Robots-Tag"]
        assert "'unsafe-inline'" not in patient.get(pages.link()).headers["Content-Security-Policy"]
        assert "<script" not in patient.get(pages.link()).text


def test_no_log_holds_what_lets_somebody_approve(room: Newsroom) -> None:
    key = made(room)
    port = closed_port()
    with running(room, "serve", "--port", str(port)) as process:
        link = f"http://127.0.0.1:{port}/approve/{key}"
        until(lambda: answers(link))
        assert patient.post(link, data={"approve": "yes"}).status_code == 303
        assert patient.get(f"{link}x").status_code == 404
        process.terminate()
        log = "".join(process.communicate(timeout=PATIENCE))
    assert f"{ISSUE} was approved with a link" in log
    assert key.rpartition(".")[2] not in log
    assert "/approve/" not in log


def answers(link: str) -> bool:
    try:
        return patient.get(link).status_code == 200
    except httpx.HTTPError:
        return False


# --- links that open nothing -------------------------------------------------------------------


def refused(pages: Pages, key: str, status: int, words: str) -> None:
    """The page and the button say so, and nothing is approved."""
    link = f"{pages.url}/approve/{key}"
    for answer in (patient.get(link), pages.press(link)):
        assert answer.status_code == status, answer.text
        assert "Nothing was approved" in text(answer)
        assert words in text(answer)
        assert "<form" not in answer.text
    assert not is_approved(pages.room)


def test_what_was_not_signed_here_opens_nothing(room: Newsroom) -> None:
    good = made(room)
    with serving(room) as pages:
        altered = good[:-1] + ("A" if good[-1] != "A" else "B")
        for key in (
            "garbage", "%00", "%E2%80%AE", "x" * 5000, altered, good[:-5], good.upper(),
            good.replace(ISSUE, "2030-01-14"), f"{good}.", "1" + good,
            made(room, newsletter="Another Letter"),
        ):  # fmt: skip
            refused(pages, key, 404, "not from us")
        unknown = patient.get(f"{pages.url}/approve/{good}x/mail")
        assert (unknown.status_code, "Nothing was approved" in text(unknown)) == (404, True)
        assert pages.press(f"{pages.url}/approve/{good}").status_code == 303


def test_an_old_link_opens_nothing(room: Newsroom) -> None:
    with serving(room) as pages:
        refused(pages, made(room, expires=utc_now() - timedelta(seconds=1)), 410, "worked until")


def test_a_link_of_other_bytes_opens_nothing(room: Newsroom) -> None:
    with serving(room) as pages:
        key = pages.link().rpartition("/")[2]
        room.write(f"issues/{ISSUE}/note.md", "Another note.\n")
        refused(pages, key, 409, "has changed since this link was made")
        room.write(f"issues/{ISSUE}/issue.toml", "sections = 7\n")
        refused(pages, key, 409, "cannot be built at the moment")
        assert "issue.toml" not in patient.get(f"{pages.url}/approve/{key}").text


def test_a_changed_configuration_is_heard_of_while_the_pages_are_served(room: Newsroom) -> None:
    with serving(room) as pages:
        old = pages.link()
        assert patient.get(old).status_code == 200
        config = room.folder / "newsletter.toml"
        before = config.read_text()
        config.write_text("no configuration")
        assert patient.get(old).status_code == 200
        config.write_text(before.replace("[newsletter]", '[newsletter]\naccent = "#0b5394"'))
        assert patient.get(old).status_code == 409
        room.run("test", ISSUE)
        assert pages.press(pages.link()).status_code == 303
        assert is_approved(room)


def test_an_issue_with_errors_cannot_be_approved(newsroom: Newsroom) -> None:
    drafted(newsroom, "\n[schedule]\nmin_stories = 9\n")
    assert "/approve/" not in part(newest(newsroom, "tests"), "plain")
    with serving(newsroom) as pages:
        refused(pages, made(newsroom), 409, "must be fixed first (1)")


def test_after_the_send_a_link_opens_nothing(room: Newsroom) -> None:
    with serving(room) as pages:
        link, other = pages.link(), made(room)
        pages.press(link)
        room.subscribe(2)
        room.run("send", ISSUE, "--yes")
        room.run("unapprove", ISSUE)
        refused(pages, other, 410, "was already sent")
        refused(pages, link.rpartition("/")[2], 410, "was already sent")


def test_the_page_of_an_issue_that_does_not_exist(room: Newsroom) -> None:
    with serving(room) as pages:
        refused(pages, made(room, issue="2030-01-14"), 409, "cannot be built")


def test_a_late_issue_says_that_a_person_sends_it(newsroom: Newsroom) -> None:
    late = (utc_now() - timedelta(days=20)).date()
    late -= timedelta(days=late.weekday())
    newsroom.configure()
    newsroom.run("gather", str(late))
    newsroom.run("build", str(late))
    newsroom.run("test", str(late))
    with serving(newsroom) as pages:
        link = pages.link()
        assert f"newsletter send {late}" in text(patient.get(link))
        assert pages.press(link).status_code == 303
        assert f"you must send it: newsletter send {late}" in text(patient.get(link))


def test_while_the_database_is_away_nothing_is_said_to_be_approved(room: Newsroom) -> None:
    room.configure('\n[database]\nurl = "sqlite:///newsletter.db?timeout=1"\n')
    with serving(room) as pages:
        link = pages.link()
        with contextlib.closing(sqlite3.connect(room.folder / "newsletter.db")) as busy:
            busy.execute("begin immediate")
            answer = pages.press(link)
            assert answer.status_code == 503
            assert "Nothing was changed" in text(answer)
            busy.rollback()
        assert pages.press(link).status_code == 303
