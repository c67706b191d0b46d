"""A person's word on what is in doubt: after an outage, of all at once, of issues long gone."""

from __future__ import annotations

import shutil

import pytest

from tests.e2e.send_processes import ISSUE, edit, got, numbers, through_sendgrid
from tests.e2e.servers import SendgridServer, refused, reset
from tests.newsroom import Newsroom


def test_all_that_an_outage_left_in_doubt_is_decided_before_it_goes_on(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=16)
    server.script = {number: refused(503) for number in range(1, 100)}
    through_sendgrid(newsroom, server, "hold")
    newsroom.run("send", ISSUE, "--yes", status=1)
    told = newsroom.run("receipt").stderr
    assert [f"Batch {number} is in doubt" in told for number in range(1, 7)] == [True] * 5 + [False]
    settled = newsroom.json("resolve", "--all", "--as", "resend")
    assert settled == {"issue": ISSUE, "batches": [1, 2, 3, 4, 5], "as": "resend", "readers": 10}
    assert numbers(newsroom.json("receipt")) == {"waiting": 16}
    assert newsroom.json("receipt")["state"] == "paused"
    server.script.clear()
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 16}
    assert got(server) == readers


def test_what_is_still_to_be_taken_back_is_said_and_the_send_goes_on_with_it(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    server.script = {1: reset(taken=True)}
    through_sendgrid(newsroom, server)
    newsroom.run("send", ISSUE, "--yes")
    # As if it had been stopped before it took the first batch back.
    edit(newsroom, "update sends set state = 'paused', reason = 'someone paused it.'")
    edit(newsroom, "update batches set state = 'UNKNOWN', recalled_at = null where number = 2")
    edit(newsroom, "update deliveries set state = 'in_doubt' where batch = 2")
    told = newsroom.run("receipt").stderr
    assert "2 readers are in doubt and may still be settled" in told
    assert f"newsletter send {ISSUE}" in told
    assert "No batch" in newsroom.run("resolve", "--all", "--as", "sent").stdout
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 4}
    assert got(server) == readers


def test_a_word_on_nothing(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=2)
    for what in ("1", "--all"):
        told = newsroom.run("resolve", what, "--as", "sent", "--issue", ISSUE, status=1).stderr
        assert "was not sent" in told
    newsroom.run("send", ISSUE, "--yes")
    assert "No batch" in newsroom.run("resolve", "--all", "--as", "resend").stdout
    assert newsroom.json("resolve", "--all", "--as", "resend")["readers"] == 0
    assert newsroom.json("receipt")["state"] == "done"
    assert "Name one" in newsroom.run("resolve", "--as", "sent", status=2).stderr
    assert "Name one" in newsroom.run("resolve", "1", "--all", "--as", "sent", status=2).stderr


def test_a_sent_issue_needs_its_folder_no_more(newsroom: Newsroom, server: SendgridServer) -> None:
    readers = newsroom.prepare(ISSUE, readers=6)
    server.script = {1: reset()}
    through_sendgrid(newsroom, server, "hold")
    newsroom.run("send", ISSUE, "--yes", status=1)
    shutil.rmtree(newsroom.folder / "issues")
    assert "1 batch wait again" in newsroom.run("resolve", "--all", "--as", "resend").stdout
    newsroom.run("pause")
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 6}
    newsroom.run("subscribers", "add", "new@example.com")
    assert numbers(newsroom.json("send", ISSUE, "--missing", "--yes")) == {"accepted": 7}
    assert got(server) == sorted([*readers, "new@example.com"])
    newsroom.run("receipt", "--save", str(newsroom.folder / "saved"))
    assert (newsroom.folder / "saved" / "email.html").is_file()
    assert "is done, so it cannot be cancelled" in newsroom.run("cancel", "--yes", status=1).stderr
    assert "was not sent" in newsroom.run("resume", "2030-01-08", status=1).stderr


@pytest.mark.parametrize("taken", ["file", "file/below"])
def test_a_mail_that_cannot_be_saved(newsroom: Newsroom, taken: str) -> None:
    newsroom.prepare(ISSUE, readers=1)
    newsroom.run("send", ISSUE, "--yes")
    (newsroom.folder / "file").write_text("not a folder")
    told = newsroom.run("receipt", "--save", str(newsroom.folder / taken), status=1).stderr
    assert "could not be written" in told
    assert (newsroom.folder / "file").read_text() == "not a folder"
