"""Alerts as a newsroom gets them: by a SendGrid-shaped server, a mail server, a webhook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.approval_pages import part
from tests.e2e.send_processes import ISSUE, through_sendgrid
from tests.e2e.servers import (
    MailServer,
    SendgridServer,
    mail_server,
    refused,
    reset,
    sendgrid_server,
)
from tests.e2e.webhook_server import Webhook, webhook
from tests.newsroom import Newsroom

ALERTS = '[alerts.provider]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {}\nsecurity = "none"\n'


@pytest.fixture
def sendgrid() -> Iterator[SendgridServer]:
    with sendgrid_server() as server:
        yield server


@pytest.fixture
def post_office() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as server:
        yield server


def test_a_refused_key_is_told_by_other_ways_than_the_refused_one(
    newsroom: Newsroom, sendgrid: SendgridServer, post_office: MailServer, hook: Webhook
) -> None:
    newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, sendgrid, "hold", ALERTS.format(post_office.port))
    newsroom.environment["ALERTS_WEBHOOK_URL"] = hook.url
    sendgrid.script = {1: refused(401)}
    said = newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert "is paused" in said
    assert post_office.mails == []  # told, and sent with the next look
    for _ in range(2):
        assert "a-secret-path" not in (ticked := newsroom.run("tick")).stdout + ticked.stderr
    (mail,) = post_office.mails
    assert mail.recipient == "editor@example.com"
    assert mail.message["Subject"] == "The send of Jan 7 is paused"
    words = " ".join(part(mail.message, "plain").split())
    assert "SendGrid answered 401" in words
    assert f"resume: newsletter send {ISSUE}" in words
    (text,) = hook.texts
    assert text.startswith("*The send of Jan 7 is paused* (The Weekly Test)")
    assert len(sendgrid.bodies) == 0

    assert newsroom.json("send", ISSUE, "--yes")["accepted"] == 4
    newsroom.run("tick")
    assert len(post_office.mails) == len(hook.posts) == 1


def test_through_sendgrid_an_alert_is_a_mail_of_its_own(
    newsroom: Newsroom, sendgrid: SendgridServer
) -> None:
    newsroom.prepare(ISSUE, readers=2)
    tracked = 'click_tracking = true\n[delivery]\ndoubt = "hold"\n'
    through_sendgrid(newsroom, sendgrid, None, tracked)
    sendgrid.script = {1: reset(taken=True)}
    assert newsroom.json("send", ISSUE, "--yes", status=1)["in_doubt"] == 2
    newsroom.run("tick")
    body = sendgrid.bodies[-1]
    assert body["subject"] == "Some readers of Jan 7 are in doubt"
    (entry,) = body["personalizations"]
    assert entry["to"] == [{"email": "editor@example.com", "name": "Robin Ahn"}]
    assert entry["headers"] == {"Auto-Submitted": "auto-generated"}
    assert "nb_delivery" not in entry["custom_args"]
    assert not body["tracking_settings"]["click_tracking"]["enable"]
    assert "may or may not have the mail: 2." in body["content"][0]["value"]
    assert sendgrid.violations == []
    assert newsroom.json("receipt", ISSUE)["in_doubt"] == 2  # its own mail settles nothing
