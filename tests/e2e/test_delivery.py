"""What is in doubt, in each policy, through a server that breaks and a program that is killed."""

from __future__ import annotations

import time

from tests.e2e.send_processes import (
    ISSUE,
    USUAL,
    edit,
    got,
    kill_in_mid_request,
    numbers,
    through_sendgrid,
)
from tests.e2e.servers import (
    SendgridServer,
    Step,
    half_answer,
    hang,
    rate_limited,
    refused,
    reset,
)
from tests.newsroom import Newsroom


def test_whatever_breaks_is_taken_back_and_sent_again(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=10)
    server.script = {
        1: reset(taken=True),
        2: Step(500, taken=True),
        3: half_answer(),
        4: reset(),
        6: refused(503),
    }
    through_sendgrid(newsroom, server)
    started = time.time()
    receipt = newsroom.json("send", ISSUE, "--yes")
    assert numbers(receipt) == {"accepted": 10}
    assert got(server) == readers
    assert len(server.cancelled) == 5
    ids = [body["batch_id"] for body in server.bodies]
    assert len(set(ids)) == len(ids) == 8
    for body in server.bodies:
        assert 0 <= body["send_at"] - started - 20 * 60 < 60


def test_a_killed_program_leaves_nobody_in_doubt(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=6)
    server.script = {2: hang()}
    through_sendgrid(newsroom, server)
    kill_in_mid_request(newsroom, server, 2)
    assert numbers(newsroom.json("receipt", ISSUE)) == {"accepted": 2, "waiting": 4}
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 6}
    assert got(server) == readers


def test_a_recall_whose_answer_is_lost_is_asked_for_again(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    server.script = {1: reset(taken=True)}
    server.asides = [USUAL, reset(taken=True)]  # the id of the batch, and its recall
    through_sendgrid(newsroom, server)
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 4}
    assert server.cancelled == {"batch-0001"}
    assert got(server) == readers


def test_of_eleven_in_doubt_ten_are_taken_back_and_one_is_held(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=28)
    server.script = {request: reset(taken=True) for request in range(1, 15) if request % 4}
    through_sendgrid(newsroom, server)
    done = newsroom.run("send", ISSUE, "--yes", status=1)
    assert "in doubt: 2 readers may or may not have it" in done.stderr
    assert got(server) == readers
    receipt = newsroom.json("receipt", ISSUE)
    assert numbers(receipt) == {"accepted": 26, "in_doubt": 2}
    assert len(receipt["addresses"]["in_doubt"]) == 2
    settled = newsroom.json("resolve", "14", "--as", "sent")
    assert settled == {"issue": ISSUE, "batches": [14], "as": "sent", "readers": 2}
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 28}
    assert got(server) == readers


def test_a_key_that_gets_no_batch_ids_leaves_doubt_to_a_person(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    server.script = {1: reset(taken=True)}
    server.asides = [refused(403)]
    through_sendgrid(newsroom, server)
    done = newsroom.run("send", ISSUE, "--yes", status=1)
    assert "batches in doubt are held and cannot be recalled" in done.stderr
    assert numbers(newsroom.json("receipt", ISSUE)) == {"accepted": 2, "in_doubt": 2}
    assert got(server) == readers


def test_a_limit_on_batch_ids_is_waited_for(newsroom: Newsroom, server: SendgridServer) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    server.asides = [rate_limited(3)]
    through_sendgrid(newsroom, server)
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 4}
    assert got(server) == readers


def test_hold_asks_a_person_who_may_have_it_sent_again(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    server.script = {1: reset()}
    through_sendgrid(newsroom, server, "hold")
    assert numbers(newsroom.json("send", ISSUE, "--yes", status=1)) == {
        "accepted": 2,
        "in_doubt": 2,
    }
    assert all("send_at" not in body and "batch_id" not in body for body in server.bodies)
    assert "no batch 2 in doubt" in newsroom.run("resolve", "2", "--as", "sent", status=2).stderr
    said = newsroom.run("resolve", "1", "--as", "resend").stdout
    assert f"2 readers of batch 1 wait again: newsletter send {ISSUE}" in said
    assert numbers(newsroom.json("send", ISSUE)) == {"accepted": 4}
    assert got(server) == readers


def test_resend_says_that_readers_may_get_two_and_gives_nobody_three(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    server.script = {1: reset(taken=True), 2: Step(500, taken=True), 3: half_answer()}
    through_sendgrid(newsroom, server, "resend")
    done = newsroom.run("send", ISSUE, "--yes", status=1)
    assert "may get the issue twice" in done.stderr
    assert numbers(newsroom.json("receipt", ISSUE)) == {"accepted": 2, "in_doubt": 2}
    assert got(server) == sorted(readers * 2)


def test_a_policy_that_cannot_be_is_said_before_anything_is_frozen(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=2)
    recall = '[delivery]\ndoubt = "recall"\n'
    for provider in (
        '[provider]\ntype = "outbox"\n',
        '[provider]\ntype = "smtp"\nhost = "localhost"\nsecurity = "none"\n',
    ):
        newsroom.configure(f"\n{provider}{recall}")
        said = newsroom.run("send", ISSUE, "--yes", status=2).stderr
        assert "needs a provider that can recall mails" in said
        assert 'Write "hold"' in said
    for ahead in ("14m", "71h", "soon"):
        newsroom.configure(f'\n[delivery]\nahead = "{ahead}"\n')
        assert "ahead" in newsroom.run("send", ISSUE, "--yes", status=2).stderr
    newsroom.configure()
    assert "was not sent" in newsroom.run("receipt", ISSUE, status=1).stderr
    assert edit(newsroom, "select count(*) from sends") == [(0,)]


def test_an_outage_pauses_the_send_and_does_not_leave_the_whole_list_in_doubt(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=40)
    server.script = {number: refused(503) for number in range(2, 100)}
    through_sendgrid(newsroom, server, "hold")
    done = newsroom.run("send", ISSUE, "--yes", status=1)
    assert "5 requests in a row were left without an answer" in done.stderr
    assert server.requests == 6
    server.script.clear()
    newsroom.run("send", ISSUE, "--yes", status=1)
    assert "5 batches" in newsroom.run("resolve", "--all", "--as", "resend").stdout
    assert newsroom.json("send", ISSUE, "--yes")["accepted"] == 40
    assert got(server) == readers
