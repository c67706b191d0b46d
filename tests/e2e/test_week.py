"""A newsroom's week through the command line, as its people run it."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.newsroom import CONFIG, Newsroom, feed

ISSUE = "2030-01-07"  # a Monday; the articles are of the last hours


def outbox(room: Newsroom, folder: str = ISSUE) -> list[email.message.EmailMessage]:
    files = sorted((room.folder / "outbox" / folder).glob("*.eml"))
    read = email.message_from_bytes
    return [read(f.read_bytes(), policy=email.policy.default) for f in files]  # type: ignore[misc]


def test_the_whole_week(newsroom: Newsroom) -> None:
    said = newsroom.run("gather", ISSUE).stdout
    assert "Gathered 3 articles" in said
    newsroom.write(f"issues/{ISSUE}/note.md", "Dear readers, **read on**.")
    newsroom.run("build", ISSUE)
    assert [f["check"] for f in newsroom.json("check", ISSUE)["findings"]] == ["subject"]
    readers = newsroom.subscribe(5)

    assert "as editor@example.com would get it" in newsroom.run("test", ISSUE).stdout
    assert "is not approved" in newsroom.run("send", ISSUE, "--yes", status=1).stderr
    newsroom.run("approve", ISSUE)
    assert "to 5 readers" in newsroom.run("send", ISSUE, "--dry-run").stdout
    assert not (newsroom.folder / "outbox" / ISSUE).exists()
    receipt = newsroom.json("send", ISSUE, "--yes")

    assert receipt["eligible"] == receipt["accepted"] == 5
    assert receipt["addresses"]["accepted"] == readers
    mails = outbox(newsroom)
    assert sorted(str(mail["To"]) for mail in mails) == readers
    html = (newsroom.folder / "issues" / ISSUE / "build" / "email.html").read_text()
    for mail in mails:
        link = str(mail["List-Unsubscribe"]).partition(">")[0].lstrip("<")
        assert link.startswith("https://news.example.com/unsubscribe/")
        got = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
        preferences = re.search(r"https://news\.example\.com/preferences/[\w-]+", got)
        assert preferences, got
        expected = html.replace("ndx-unsubscribe-html-xdn", link)
        expected = expected.replace("ndx-preferences-html-xdn", preferences.group())
        assert got == expected.replace("ndx-greeting-html-xdn", "Good morning.")
        assert link in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert len({str(mail["List-Unsubscribe"]) for mail in mails}) == 5

    again = newsroom.run("send", ISSUE, "--yes")
    assert "already sent; nobody gets it twice" in again.stderr
    assert len(outbox(newsroom)) == 5
    assert newsroom.json("receipt") == receipt


def test_the_test_is_the_same_bytes_with_a_marked_subject(newsroom: Newsroom) -> None:
    newsroom.run("gather", ISSUE)
    newsroom.run("test", ISSUE, "--to", "someone@example.com")
    (mail,) = outbox(newsroom, "tests")
    assert mail["Subject"] == "[TEST] First story"
    assert mail["To"] == "someone@example.com"
    assert not (newsroom.folder / "outbox" / ISSUE).exists()


@pytest.mark.parametrize("to", ["no address", "a@example.com\nBcc: b@example.com"])
def test_a_test_goes_to_an_address_alone(newsroom: Newsroom, to: str) -> None:
    newsroom.run("gather", ISSUE)
    said = newsroom.run("test", ISSUE, "--to", to, status=2).stderr
    assert said.startswith(f"newsletter: --to names {to!r}; expected an address, such as ")
    assert not (newsroom.folder / "outbox").exists()


def test_any_change_voids_the_approval(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE)
    note = newsroom.write(f"issues/{ISSUE}/note.md", "One more thought.")
    assert "has changed since" in newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert "changed since it was built" in newsroom.run("approve", ISSUE, status=1).stderr
    note.write_text("")
    newsroom.run("send", ISSUE, "--yes")


def test_an_approval_can_be_taken_back(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE)
    newsroom.run("unapprove", ISSUE)
    assert "is not approved" in newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert "was not approved" in newsroom.run("unapprove", ISSUE).stderr


def test_what_was_not_built_cannot_be_approved(newsroom: Newsroom) -> None:
    newsroom.run("gather", ISSUE)
    assert "has not been built" in newsroom.run("approve", ISSUE, status=1).stderr


def test_errors_stop_approval_and_send(newsroom: Newsroom) -> None:
    newsroom.configure("\n[schedule]\nmin_stories = 4\n")
    newsroom.run("gather", ISSUE)
    said = newsroom.run("build", ISSUE).stdout  # building shows what is wrong, and goes on
    assert "The issue has 3 stories; min_stories asks for 4." in said
    assert newsroom.json("check", ISSUE, status=1)["findings"][0]["check"] == "stories"
    assert "cannot be approved" in newsroom.run("approve", ISSUE, status=1).stderr


def test_the_next_issue_starts_where_this_one_ended_and_mails_nothing_twice(
    newsroom: Newsroom,
) -> None:
    newsroom.prepare(ISSUE)
    newsroom.run("send", ISSUE, "--yes")
    titles = ["Brand new", "First story", "Second tale"]
    newest = datetime.now(UTC) - timedelta(seconds=1)
    newsroom.write("feed.xml", feed(titles, newest))
    newsroom.run("gather", "2030-01-14", "--since", "2020-01-01")
    found = newsroom.gathered("2030-01-14")
    assert [a["title"] for a in found["articles"]] == ["Brand new"]
    assert {a["reason"] for a in found["left_out"]} == {f"mailed in the issue of {ISSUE}"}
    newsroom.run("gather", "2030-01-21")
    assert newsroom.gathered("2030-01-21")["window"]["start"] == found["window"]["end"]


def test_gathering_again_adds_and_never_touches_what_the_editor_wrote(newsroom: Newsroom) -> None:
    newsroom.run("gather", ISSUE)
    path = newsroom.folder / "issues" / ISSUE / "issue.toml"
    mine = path.read_text().replace('subject = "First story"', 'subject = "Mine"')
    path.write_text(mine)
    newsroom.write("feed.xml", feed(["Late news"], datetime.now(UTC) - timedelta(seconds=5)))
    said = newsroom.run("gather", ISSUE).stdout
    assert "Late news" in said
    assert path.read_text() == mine
    titles = [article["title"] for article in newsroom.gathered(ISSUE)["articles"]]
    assert titles == ["Late news", "First story", "Second tale", "Third report"]


def test_one_source_down_is_said_and_the_others_go_on(newsroom: Newsroom) -> None:
    newsroom.configure('\n[[sources]]\ntype = "feed"\nurl = "http://127.0.0.1:9/feed"\n')
    newsroom.run("gather", ISSUE)
    health = {s.get("url") or s["path"]: s for s in newsroom.gathered(ISSUE)["sources"]}
    assert health["feed.xml"]["status"] == "ok"
    down = health["http://127.0.0.1:9/feed"]
    assert down["status"] == "failing"
    assert "127.0.0.1" in down["reason"]
    assert "failing" in newsroom.run("status").stdout


def test_all_sources_down_changes_nothing(newsroom: Newsroom) -> None:
    newsroom.run("gather", ISSUE)
    before = {p.name: p.read_bytes() for p in (newsroom.folder / "issues" / ISSUE).iterdir()}
    newsroom.write("feed.xml", "<html><body>Not found</body></html>")
    said = newsroom.run("gather", ISSUE, status=1).stderr
    assert "No source could be read" in said
    assert "is a web page, not a feed" in said
    after = {p.name: p.read_bytes() for p in (newsroom.folder / "issues" / ISSUE).iterdir()}
    assert after == before
    newsroom.run("gather", "2030-01-14", status=1)
    assert not (newsroom.folder / "issues" / "2030-01-14").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "expected"),
    [
        (("build", "monday"), 2, "named by its send date"),
        (("build", "2031-01-06"), 1, "newsletter gather 2031-01-06"),
        (("receipt", ISSUE), 1, "was not sent"),
        (("send", ISSUE), 1, "newsletter gather"),
        (("subscribers", "import", "none.csv"), 1, "cannot be read"),
        (("subscribers", "add", "nobody"), 2, "is not an address"),
        (("subscribers", "remove", "a@example.com", "--yes"), 2, "not an active subscriber"),
        (("subscribers", "remove", "a@example.com"), 2, "Confirm with --yes"),
        (("schedule", "--only", "party"), 2, "not a kind of moment"),
        (("gather", ISSUE, "--since", "2999-01-01"), 2, "is in the future"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_wrong_use_ends_in_one_clear_sentence(
    newsroom: Newsroom, arguments: tuple[str, ...], status: int, expected: str
) -> None:
    assert expected in newsroom.run(*arguments, status=status).stderr


def test_a_folder_without_a_newsletter(tmp_path: Path) -> None:
    assert "newsletter init DIR" in Newsroom(tmp_path).run("status", status=2).stderr


def test_a_list_without_subscribers_is_not_sent_to(newsroom: Newsroom) -> None:
    newsroom.run("gather", ISSUE)
    newsroom.run("build", ISSUE)
    newsroom.run("approve", ISSUE)
    assert "no active subscribers" in newsroom.run("send", ISSUE, "--yes", status=1).stderr


def test_bad_lines_of_a_csv_are_all_said_and_nobody_is_imported(newsroom: Newsroom) -> None:
    path = newsroom.write("r.csv", "email,name\na@example.com,A\n,B\nnonsense,C\n")
    said = newsroom.run("subscribers", "import", str(path), status=1).stderr
    assert "line 3: there is no address" in said
    assert "line 4: 'nonsense' is not an address" in said
    assert newsroom.json("subscribers", "show") == []
    newsroom.run("subscribers", "import", str(path), "--skip-bad-lines")
    assert [p["email"] for p in newsroom.json("subscribers", "show")] == ["a@example.com"]


def test_subscribers_come_and_go(newsroom: Newsroom) -> None:
    newsroom.run("subscribers", "add", "Ada@Example.com", "--name", "=Ada")
    newsroom.run("subscribers", "add", "bob@example.com")
    newsroom.run("subscribers", "remove", "bob@example.com", "--yes")
    rows = list(csv.reader(io.StringIO(newsroom.run("subscribers", "export").stdout)))
    assert rows[1:] == [
        ["ada@example.com", "'=Ada", "active"],
        ["bob@example.com", "", "unsubscribed"],
    ]
    newsroom.run("subscribers", "erase", "ada@example.com", "--yes")
    assert [p["email"] for p in newsroom.json("subscribers", "show")] == ["bob@example.com"]
    assert "never mailed" in newsroom.run("subscribers", "add", "ada@example.com", status=2).stderr


def test_the_folder_needs_no_public_pages_or_editor(tmp_path: Path) -> None:
    room = Newsroom(tmp_path)
    room.write("articles/a.txt", "A headline\n\nThe story, in one sentence.\n")
    room.write(
        "newsletter.toml",
        '[newsletter]\nname = "N"\nfrom = "n@example.com"\naddress = "1 Street"\n'
        '[[sources]]\ntype = "folder"\npath = "articles"\n',
    )
    room.prepare(ISSUE, readers=1)
    assert "unsubscribe only by mail" in room.run("check", ISSUE).stdout
    room.run("send", ISSUE, "--yes")
    (mail,) = outbox(room)
    assert mail["List-Unsubscribe"] == "<mailto:n@example.com?subject=unsubscribe>"
    assert mail["List-Unsubscribe-Post"] is None
    assert "nobody to send the test to" in room.run("test", ISSUE, status=2).stderr


def test_init_makes_a_newsletter_in_which_every_command_works(tmp_path: Path) -> None:
    room = Newsroom(tmp_path / "new")
    Newsroom(tmp_path).run("init", str(room.folder), "--name", "Harbor Week")
    said = Newsroom(tmp_path).run("init", str(room.folder), status=2).stderr
    assert "already exists" in said
    for number in range(3):
        room.write(f"articles/{number}.txt", f"Headline {number}\n\nWhat happened there.\n")
    room.prepare(ISSUE)
    assert room.json("send", ISSUE, "--yes")["accepted"] == 3
    room.run("status")
    room.run("schedule")
    room.run("tick")
    assert (room.folder / "templates" / "weekly" / "email.html.j2").exists()


@pytest.mark.parametrize("look", ["weekly", "plain"])
def test_init_with_a_look_copies_it_to_be_changed(tmp_path: Path, look: str) -> None:
    room = Newsroom(tmp_path / "new")
    Newsroom(tmp_path).run("init", str(room.folder), "--template", look)
    assert sorted(p.name for p in (room.folder / "templates").iterdir()) == sorted(["_parts", look])
    room.write("articles/one.txt", "A headline\n\nWhat happened there.\n")
    room.run("gather", ISSUE)
    button = room.folder / "templates" / "_parts" / "button.html.j2"
    button.write_text(button.read_text().replace("{{ words }}</a>", "{{ words }} &rarr;</a>"))
    style = room.folder / "templates" / look / "style.css"
    style.write_text(style.read_text().replace("letter-spacing: -1px", "letter-spacing: 9px"))
    room.write(
        f"issues/{ISSUE}/issue.toml",
        (room.folder / "issues" / ISSUE / "issue.toml").read_text()
        + '\n[poll]\nquestion = "Well?"\nanswers = ["Yes"]\n',
    )
    room.run("build", ISSUE)
    html = (room.folder / "issues" / ISSUE / "build" / "email.html").read_text()
    assert "Yes →</a>" in html
    assert ("letter-spacing:9px" in html) == (look == "weekly")


def test_init_with_a_look_that_is_none(tmp_path: Path) -> None:
    said = Newsroom(tmp_path).run("init", "x", "--template", "fancy", status=2).stderr
    assert "There is no template 'fancy'. Choose --template weekly or --template plain." in said
    assert not (tmp_path / "x").exists()


def test_the_schedule_as_json(newsroom: Newsroom) -> None:
    found = newsroom.json("schedule", "--from", "2025-07-04", "--next", "2")
    assert found == [
        {
            "kind": "gather",
            "issue": "2025-07-07",
            "local": "2025-07-04T15:00:00-07:00",
            "utc": "2025-07-04T22:00:00+00:00",
        },
        {
            "kind": "send",
            "issue": "2025-07-07",
            "local": "2025-07-07T07:00:00-07:00",
            "utc": "2025-07-07T14:00:00+00:00",
        },
    ]
    only = newsroom.json("schedule", "--from", "2025-07-04", "--next", "3", "--only", "send")
    assert [moment["issue"] for moment in only] == ["2025-07-07", "2025-07-14", "2025-07-21"]


def test_status_says_what_waits_for_a_person(newsroom: Newsroom) -> None:
    assert "Nothing was sent yet." in newsroom.run("status").stdout
    newsroom.run("gather")
    found = newsroom.json("status")
    assert any("is not approved" in line for line in found["waiting"])
    assert [moment["kind"] for moment in found["next"]].count("send") >= 1


def test_a_batch_in_doubt_is_held_until_a_person_decides(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=4)
    newsroom.configure(
        '\n[provider]\ntype = "tests.faulty_providers:HangingProvider"\nbatch_size = 2\n'
    )
    newsroom.run("send", ISSUE, "--yes", status=-9)  # killed within the second request
    with sqlite3.connect(newsroom.folder / "newsletter.db") as database:
        states = [row[0] for row in database.execute("select state from batches order by number")]
        assert states == ["ACCEPTED", "SUBMITTING"]
        database.execute("update batches set lease_until = '2020-01-01 00:00:00.000000'")
    database.close()
    newsroom.configure()
    done = newsroom.run("send", ISSUE, "--yes", status=1)
    assert "Batch 2 is in doubt: 2 readers" in done.stderr
    receipt = newsroom.json("receipt", ISSUE)
    assert (receipt["accepted"], receipt["in_doubt"], receipt["eligible"]) == (2, 2, 4)
    assert newsroom.run("send", ISSUE, "--yes", status=1).stdout.count("in doubt")
    assert not (newsroom.folder / "outbox" / ISSUE).exists()
    newsroom.run("resolve", "2", "--as", "resend")
    assert newsroom.json("send", ISSUE, "--yes")["accepted"] == 4
    assert len(outbox(newsroom)) == 2
    assert "no batch 2 in doubt" in newsroom.run("resolve", "2", "--as", "sent", status=2).stderr


def test_an_unknown_error_is_no_traceback(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    newsroom.configure('\n[provider]\ntype = "tests.faulty_providers:BrokenProvider"\n')
    assert "newsletter --debug" in newsroom.run("send", ISSUE, "--yes", status=1).stderr


def test_all_errors_of_the_configuration_at_once(newsroom: Newsroom) -> None:
    broken = CONFIG.replace("name =", "nam =").replace('path = "feed.xml"', "")
    newsroom.write("newsletter.toml", broken)
    said = newsroom.run("status", status=2).stderr
    assert "has 4 errors" in said
    assert 'did you mean "name"' in said
    assert "expected either url or path" in said
