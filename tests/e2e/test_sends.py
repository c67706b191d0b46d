"""Sending through real servers on loopback, by the command line."""

from __future__ import annotations

import re
import sqlite3
from contextlib import ExitStack
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

from tests.e2e.send_processes import running, said, until
from tests.e2e.servers import (
    KEY,
    authority,
    closed_port,
    hang,
    mail_server,
    rate_limited,
    refused,
    reset,
    sendgrid_server,
)
from tests.newsroom import Newsroom

ISSUE = "2030-01-07"
LINK = re.compile(r"https://news\.example\.com/unsubscribe/[\w-]+")


def through_sendgrid(
    room: Newsroom, url: str, batch_size: int = 1000, doubt: str = "recall", workers: int = 1
) -> None:
    room.environment["SENDGRID_API_KEY"] = KEY
    room.configure(
        f'\n[provider]\ntype = "sendgrid"\nbase_url = "{url}"\nbatch_size = {batch_size}\n'
        f'workers = {workers}\n[delivery]\ndoubt = "{doubt}"\n'
    )


def test_sendgrid_gets_one_valid_request_for_many_readers(
    newsroom: Newsroom, shared_data: Path
) -> None:
    readers = newsroom.prepare(ISSUE, readers=1200)
    with sendgrid_server(shared_data) as server:
        through_sendgrid(newsroom, server.url)
        receipt = newsroom.json("send", ISSUE, "--yes")
        mails = server.mails()
        assert server.violations == []
        assert len(server.bodies) == 2
    assert receipt["accepted"] == 1200
    assert sorted(mail.email for mail in mails) == readers
    build = newsroom.folder / "issues" / ISSUE / "build"
    contents = [part["value"] for part in server.bodies[0]["content"]]
    assert contents == [(build / "email.txt").read_text(), (build / "email.html").read_text()]
    links = {LINK.search(mail.html).group() for mail in mails}  # type: ignore[union-attr]
    assert len(links) == 1200


def test_sendgrid_behind_an_authority_of_the_newsroom_s_own(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    readers = newsroom.prepare(ISSUE, readers=3)
    certificate, context = authority(tmp_path)
    with sendgrid_server(tls=context) as server:
        through_sendgrid(newsroom, server.url, doubt="hold")
        unknown = newsroom.run("test", ISSUE, status=1)
        assert "CERTIFICATE_VERIFY_FAILED" in unknown.stderr
        newsroom.environment["SSL_CERT_FILE"] = str(certificate)
        sent = newsroom.run("send", ISSUE, "--yes")
        assert sorted(mail.email for mail in server.mails()) == readers
        again = newsroom.run("send", ISSUE, "--yes")
    assert sent.stderr.rstrip().endswith("3 accepted")  # the last that is heard on the way
    assert again.stderr == f"Issue {ISSUE} was already sent; nobody gets it twice.\n"


def test_addresses_of_readers_are_escaped_in_the_html_part_alone(newsroom: Newsroom) -> None:
    newsroom.configure(**{"https://news.example.com": "https://news.example.com/arts&more"})
    newsroom.prepare(ISSUE, readers=1)
    newsroom.run("send", ISSUE, "--yes")
    (path,) = (newsroom.folder / "outbox" / ISSUE).glob("*.eml")
    mail = message_from_bytes(path.read_bytes(), policy=SMTP)
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[attr-defined]
    assert "https://news.example.com/arts&more/unsubscribe/v2-1-" in text
    assert 'href="https://news.example.com/arts&amp;more/unsubscribe/v2-1-' in html
    assert "arts&more" not in html


def test_readers_leave_by_mail_at_whatever_address_a_newsroom_has(newsroom: Newsroom) -> None:
    newsroom.configure(
        **{'base_url = "https://news.example.com"\n': "", "desk@example.com": "편집?부@example.com"}
    )
    newsroom.prepare(ISSUE, readers=2)
    assert newsroom.json("send", ISSUE, "--yes")["accepted"] == 2
    leave = "mailto:%ED%8E%B8%EC%A7%91%3F%EB%B6%80@example.com?subject=unsubscribe"
    for path in (newsroom.folder / "outbox" / ISSUE).glob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=SMTP)
        assert mail["List-Unsubscribe"] == f"<{leave}>"
        assert f'href="{leave}"' in mail.get_body(("html",)).get_content()  # type: ignore[attr-defined]


def test_a_429_is_waited_for_and_nobody_gets_it_twice(
    newsroom: Newsroom, shared_data: Path
) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    with sendgrid_server(shared_data) as server:
        server.script[2] = rate_limited(3)
        through_sendgrid(newsroom, server.url, batch_size=2, workers=4)
        done = newsroom.run("send", ISSUE, "--yes")
        (waiting,) = re.findall("Waiting until .*", done.stderr)  # however many threads wait
        assert waiting.endswith(": SendGrid answered 429: too many requests.")
        assert sorted(mail.email for mail in server.mails()) == readers


def test_what_is_under_way_is_not_waited_for_aloud(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    with sendgrid_server() as server:
        server.pace = 1.5
        through_sendgrid(newsroom, server.url, workers=4, doubt="hold")
        done = newsroom.run("send", ISSUE, "--yes")
    assert "Waiting" not in done.stderr  # till the lease ends: the other threads' matter


def test_a_refused_key_pauses_the_send_and_it_goes_on_when_mended(
    newsroom: Newsroom, shared_data: Path
) -> None:
    newsroom.prepare(ISSUE, readers=2)
    with sendgrid_server(shared_data) as server:
        server.script[1] = refused(401)
        server.script[2] = rate_limited(2)
        through_sendgrid(newsroom, server.url)
        said = newsroom.run("send", ISSUE, "--yes", status=1).stderr
        assert "is paused" in said
        assert "SENDGRID_API_KEY" in said
        assert KEY not in said
        assert "is paused" in newsroom.run("status").stdout
        gone_on = newsroom.run("send", ISSUE, "--yes")
        assert "  accepted by the provider          2\n" in gone_on.stdout
    # Moments are those of the newsletter's zone, whatever the machine's is.
    assert re.search(r"started [A-Z].. [\d-]{10} \d\d:\d\d P[SD]T\.", gone_on.stderr)
    assert re.search(r"Waiting until \d\d:\d\d:\d\d P[SD]T: SendGrid answered", gone_on.stderr)


def test_what_broke_off_in_mid_request_is_in_doubt_and_the_rest_goes_out(
    newsroom: Newsroom, shared_data: Path
) -> None:
    newsroom.prepare(ISSUE, readers=6)
    with sendgrid_server(shared_data) as server:
        server.script[2] = reset(taken=True)
        through_sendgrid(newsroom, server.url, batch_size=2, doubt="hold")
        receipt = newsroom.json("send", ISSUE, "--yes", status=1)
        assert (receipt["accepted"], receipt["in_doubt"], receipt["eligible"]) == (4, 2, 6)
        newsroom.run("send", ISSUE, "--yes", status=1)
        counts = [mail.email for mail in server.mails()]
        assert len(counts) == len(set(counts)) == 6
        newsroom.run("resolve", "2", "--as", "sent")
        assert newsroom.json("receipt", ISSUE)["accepted"] == 6


def test_a_missing_key_is_said_before_anything_is_frozen(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=2)
    through_sendgrid(newsroom, "http://127.0.0.1:9")
    del newsroom.environment["SENDGRID_API_KEY"]
    assert "SENDGRID_API_KEY" in newsroom.run("send", ISSUE, "--yes", status=2).stderr
    assert "was not sent" in newsroom.run("receipt", ISSUE, status=1).stderr


def test_smtp_with_starttls(newsroom: Newsroom, tmp_path: Path) -> None:
    readers = newsroom.prepare(ISSUE, readers=3)
    certificate, context = authority(tmp_path)
    newsroom.environment |= {"SSL_CERT_FILE": str(certificate), "SMTP_PASSWORD": "open-sesame"}
    with mail_server(context, "starttls") as server:
        newsroom.configure(
            f'\n[provider]\ntype = "smtp"\nhost = "localhost"\nport = {server.port}\n'
        )
        newsroom.run("test", ISSUE)
        assert newsroom.json("send", ISSUE, "--yes")["accepted"] == 3
        assert sorted(mail.recipient for mail in server.mails[1:]) == readers
        assert server.mails[0].message["Subject"] == "[TEST] First story"


def test_a_mail_server_that_is_gone_loses_nobody(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=2)
    newsroom.configure(
        f'\n[provider]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {closed_port()}\n'
        'security = "none"\n'
    )
    assert "was not accepted" in newsroom.run("test", ISSUE, status=1).stderr
    assert newsroom.json("subscribers", "show")


def test_two_processes_at_once_send_each_mail_once(newsroom: Newsroom, shared_data: Path) -> None:
    readers = newsroom.prepare(ISSUE, readers=40)
    with sendgrid_server(shared_data) as server:
        through_sendgrid(newsroom, server.url, batch_size=2)
        with ExitStack() as under_way:
            sends = [
                under_way.enter_context(running(newsroom, "send", ISSUE, "--yes")) for _ in range(3)
            ]
            for process in sends:
                said(process, 0)
        assert sorted(mail.email for mail in server.mails()) == readers


def test_kill_9_in_mid_request_leaves_the_readers_in_doubt_and_not_twice(
    newsroom: Newsroom, shared_data: Path
) -> None:
    newsroom.prepare(ISSUE, readers=4)
    with sendgrid_server(shared_data) as server:
        server.script[2] = hang()
        through_sendgrid(newsroom, server.url, batch_size=2, doubt="hold")
        with running(newsroom, "send", ISSUE, "--yes"):
            until(lambda: server.requests >= 2)
        server.script.clear()
        with sqlite3.connect(newsroom.folder / "newsletter.db") as database:
            database.execute(
                "update batches set lease_until = '2020-01-01 00:00:00' where state = 'SUBMITTING'"
            )
        database.close()
        receipt = newsroom.json("send", ISSUE, "--yes", status=1)
        assert (receipt["accepted"], receipt["in_doubt"]) == (2, 2)
        assert server.requests == 2
