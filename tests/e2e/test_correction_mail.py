"""A mail that corrects an issue: to those who got it, through the same approval and ledger."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import SMTPUTF8

import pytest

from newsletter.app import open_desk
from newsletter.app.approval import approval_links
from newsletter.issues import parse_issue
from tests.e2e.send_processes import ISSUE, edit, got, numbers, through_sendgrid
from tests.e2e.servers import SendgridServer, bad_address, refused, reset
from tests.newsroom import Newsroom

MAIL = f"{ISSUE}-c1"
NOTE = "We wrote that *ten* people came. There were twelve."


def corrected(room: Newsroom, readers: int) -> None:
    """An issue that was sent, and the mail about a fault in it."""
    room.prepare(ISSUE, readers=readers)
    room.run("send", ISSUE, "--yes")
    done = room.json("correct", "--note", NOTE, "--mail")
    assert done["mail"] == MAIL


def approved(room: Newsroom) -> None:
    room.run("build", MAIL)
    room.run("approve", MAIL)


def test_it_is_tested_approved_and_sent_like_an_issue(newsroom: Newsroom) -> None:
    corrected(newsroom, 3)
    room = newsroom
    assert "is not approved" in room.run("send", MAIL, "--yes", status=1).stderr
    approved(room)
    room.run("test", MAIL)
    assert len(list((room.folder / "outbox" / "tests").glob(f"{MAIL}-*.eml"))) == 1
    note = room.folder / "issues" / MAIL / "note.md"
    note.write_text(note.read_text() + "\nAnd we regret it.\n")
    assert "changed since" in room.run("send", MAIL, "--yes", status=1).stderr
    approved(room)
    room.run("subscribers", "add", "new@example.com")
    room.run("subscribers", "remove", "reader0002@example.com", "--yes")
    assert room.json("send", MAIL, "--dry-run")["readers"] == 2
    assert numbers(room.json("send", MAIL, "--yes")) == {"accepted": 2}
    mails = sorted((room.folder / "outbox" / MAIL).glob("*.eml"))
    assert sorted(m.name.partition("-")[2] for m in mails) == [
        "reader0001@example.com.eml",
        "reader0003@example.com.eml",
    ]
    mail = message_from_bytes(mails[0].read_bytes(), policy=SMTPUTF8)
    assert mail["Subject"] == "Correction: First story"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "CORRECTION" in text
    assert "We wrote that *ten* people came" in " ".join(text.split())
    assert f"https://news.example.com/issues/{ISSUE}\n" in text
    assert "/issues/2030-01-07-c1" not in text
    assert "And we regret it." in text
    assert "https://news.example.com/unsubscribe/v2-1-" in text


@pytest.mark.parametrize("look", ["weekly", "plain"])
@pytest.mark.parametrize(
    ("language", "says", "day"),
    [
        ("en", "Correction to the issue of Monday, January 7, 2030", "Monday, January 7, 2030"),
        ("ko", "2030년 1월 7일 월요일 호에 대한 정정", "2030년 1월 7일 월요일"),
    ],
)
def test_its_masthead_names_the_issue_that_it_corrects_and_no_day_of_its_own(
    newsroom: Newsroom, language: str, says: str, day: str, look: str
) -> None:
    newsroom.configure('\n[dateline]\ncity = "Gardena"\n')
    config = newsroom.folder / "newsletter.toml"
    keys = f'[newsletter]\nlanguage = "{language}"\ntemplate = "{look}"\n'
    config.write_text(config.read_text().replace("[newsletter]\n", keys))
    corrected(newsroom, 1)
    folder = newsroom.folder / "issues" / MAIL / "build"
    newsroom.run("build", MAIL)
    for name in ("email.txt", "email.html"):
        mail = (folder / name).read_text()
        assert mail.count(says) == 1
        assert mail.count(day) == 2  # there, and in the note
        assert "Gardena" not in mail
    issue = newsroom.folder / "outbox" / ISSUE
    sent = message_from_bytes(next(issue.glob("*.eml")).read_bytes(), policy=SMTPUTF8)
    text = sent.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "Gardena" in text
    assert day in text


def test_one_that_is_not_there_is_made_by_correcting(newsroom: Newsroom) -> None:
    said = newsroom.run("build", MAIL, status=1).stderr
    assert f"There is no mail {MAIL}. " in said
    assert f'with: newsletter correct {ISSUE} --note "…" --mail' in said


def test_the_link_in_a_test_of_it_approves_it(newsroom: Newsroom) -> None:
    corrected(newsroom, 1)
    hash_ = newsroom.json("build", MAIL)["hash"]
    desk = open_desk(newsroom.folder)
    link = approval_links.new_link(desk, parse_issue(MAIL), hash_)
    assert link
    found = approval_links.approve(desk, link.rpartition("/")[2])
    desk.close()
    assert (found.state, found.sends_at) == (approval_links.LinkState.APPROVED, None)
    assert numbers(newsroom.json("send", MAIL, "--yes")) == {"accepted": 1}


def test_undoing_a_correction_says_what_becomes_of_its_mail(newsroom: Newsroom) -> None:
    corrected(newsroom, 1)
    newsroom.run("correct", "--note", "Another.")
    told = newsroom.run("correct", "--undo", "1").stderr
    assert f"Its mail, {MAIL}, can no longer be sent" in " ".join(told.split())
    assert "mail" not in newsroom.run("correct", "--undo", "2").stderr


def test_the_mail_of_a_correction_that_was_undone_goes_to_nobody(newsroom: Newsroom) -> None:
    corrected(newsroom, 1)
    hash_ = newsroom.json("build", MAIL)["hash"]
    newsroom.run("approve", MAIL)
    newsroom.run("correct", "--undo", "1")
    for command in (["test"], ["approve"], ["send", "--yes"]):
        told = newsroom.run(command[0], MAIL, *command[1:], status=1).stderr
        assert f"Correction 1 of issue {ISSUE} was withdrawn" in told
        assert f"newsletter correct {ISSUE} --note TEXT --mail" in " ".join(told.split())
    assert not (newsroom.folder / "outbox" / MAIL).exists()
    assert not (newsroom.folder / "outbox" / "tests").exists()
    newsroom.run("unapprove", MAIL)
    desk = open_desk(newsroom.folder)
    link = approval_links.new_link(desk, parse_issue(MAIL), hash_)
    assert link
    found = approval_links.approve(desk, link.rpartition("/")[2])
    desk.close()
    assert (found.state, found.built) == (approval_links.LinkState.WITHDRAWN, None)
    again = newsroom.json("correct", "--note", "It was thirteen.", "--mail")["mail"]
    newsroom.run("build", again)
    newsroom.run("approve", again)
    assert numbers(newsroom.json("send", again, "--yes")) == {"accepted": 1}


def test_a_send_of_its_mail_that_has_begun_goes_on(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    through_sendgrid(newsroom, server, "hold")
    corrected(newsroom, 4)
    approved(newsroom)
    server.script = {server.requests + 2: refused(401)}
    newsroom.run("send", MAIL, "--yes", status=1)
    newsroom.run("correct", "--undo", "1")
    assert numbers(newsroom.json("resume", MAIL)) == {"accepted": 4}


def test_a_correction_is_undone_after_what_mends_it(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    newsroom.run("send", ISSUE, "--yes")
    newsroom.run("correct", "--replace", "First story", "--by", "Frist story")
    newsroom.run("correct", "--replace", "Frist", "--by", "Foremost")
    newsroom.run("correct", "--note", "Another.")
    assert "Undo 2 first" in newsroom.run("correct", "--undo", "1", status=2).stderr
    newsroom.run("correct", "--undo", "3")
    newsroom.run("correct", "--undo", "2")
    newsroom.run("correct", "--undo", "1")


def test_a_correction_says_where_nobody_can_read_it(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    newsroom.run("send", ISSUE, "--yes")
    assert "Nobody can read" not in newsroom.run("correct", "--note", "Seen.").stderr
    edit(newsroom, "UPDATE sends SET state = 'cancelled'")
    edit(newsroom, "UPDATE deliveries SET state = 'excluded'")
    assert "The page is not public" in newsroom.run("correct", "--note", "Unseen.").stderr


def test_it_is_sent_once_and_to_nobody_else(newsroom: Newsroom) -> None:
    corrected(newsroom, 2)
    approved(newsroom)
    newsroom.run("send", MAIL, "--yes")
    assert "already sent" in newsroom.run("send", MAIL, "--yes").stderr
    newsroom.run("subscribers", "add", "new@example.com")
    assert "only to those" in newsroom.run("send", MAIL, "--missing", "--yes", status=1).stderr
    assert numbers(newsroom.json("receipt", MAIL)) == {"accepted": 2}
    # A word that names no issue still means the last issue.
    assert newsroom.json("receipt")["issue"] == ISSUE
    assert f"Receipt for {ISSUE} " in newsroom.run("status").stdout
    second = newsroom.json("correct", "--note", "It was thirteen.", "--mail")
    assert (second["mail"], second["readers"]) == (f"{ISSUE}-c2", 2)


def test_what_goes_wrong_with_it_is_settled_as_with_any_send(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    through_sendgrid(newsroom, server, "hold")
    corrected(newsroom, 6)
    approved(newsroom)
    done = server.requests
    server.script = {done + 1: reset(taken=True), done + 2: bad_address(0), done + 3: refused(401)}
    newsroom.run("send", MAIL, "--yes", status=1)
    found = numbers(newsroom.json("receipt", MAIL))
    assert found == {"in_doubt": 2, "rejected": 1, "waiting": 3}
    waiting = " ".join(newsroom.json("status")["waiting"])
    assert f"The send of {MAIL} is paused" in waiting
    assert f"newsletter receipt {MAIL}" in waiting
    server.script.clear()
    newsroom.run("resolve", "--all", "--as", "sent", "--issue", MAIL)
    found = newsroom.json("resume", MAIL)
    assert numbers(found) == {"accepted": 5, "rejected": 1}
    assert found["issue"] == MAIL
    assert server.bodies[-1]["categories"][-1] == MAIL
    assert max(got(server).count(reader) for reader in got(server)) == 2  # the issue, and this


def test_a_correction_of_nothing_is_refused(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    assert "was not sent" in newsroom.run("correct", ISSUE, "--note", "x", status=1).stderr
    newsroom.run("send", ISSUE, "--yes")
    stray = newsroom.folder / "issues" / MAIL
    stray.mkdir()
    told = newsroom.run("correct", "--note", "x", "--mail", status=1).stderr
    assert "exists, although" in told
    assert newsroom.json("correct", "--list") == []
    stray.rmdir()
    newsroom.run("correct", "--note", "x", "--mail")
    for command in ("gather", "correct", "reschedule"):
        more = ["mon 09:00"] if command == "reschedule" else []
        assert "is not an issue" in newsroom.run(command, MAIL, *more, status=2).stderr
    for name in (f"{ISSUE}-c0", f"{ISSUE}-c01", f"{ISSUE}-c", f"{ISSUE}-c1234"):
        assert "is no correction" in newsroom.run("build", name, status=2).stderr
    assert f"There is no mail {ISSUE}-c9" in newsroom.run("build", f"{ISSUE}-c9", status=1).stderr
    edit(newsroom, "DELETE FROM subscriptions")
    approved(newsroom)
    assert "Nobody who got" in newsroom.run("send", MAIL, "--yes", status=1).stderr
