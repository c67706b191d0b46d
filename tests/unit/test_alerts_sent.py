"""Alerts on their way: by mail, and to a webhook, tried again until each has them once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.app.clock.status import overview
from tests.clocked_newsroom import FRIDAY, Office, Offices
from tests.e2e.servers import closed_port, mail_server
from tests.e2e.webhook_server import Webhook, webhook
from tests.editor_alerts import heard, mails, rows, text
from tests.newsroom import feed

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def hooked(office: Offices, hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("ALERTS_WEBHOOK_URL", hook.url)
    return office()


def test_the_webhook_hears_the_same_without_the_link(
    office: Offices, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with webhook() as hook:
        week = hooked(office, hook, monkeypatch)
        week.room.write("feed.xml", feed(["Cats & <dogs>", "Two", "Three"], FRIDAY - HOUR))
        week.tick(FRIDAY)
        assert heard(week) == ["draft"]
    (said,) = hook.texts
    assert said.startswith("*The draft for Jul 7 is ready* (The Weekly Test)\n")
    assert "Cats &amp; &lt;dogs&gt;" in said
    assert "`newsletter approve 2025-07-07`" in said
    assert "/approve/" not in said
    assert "a-secret-path" not in caplog.text


def test_what_one_way_has_is_not_sent_there_again_when_the_other_fails(
    office: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webhook() as hook:
        week = hooked(office, hook, monkeypatch)
        hook.status = 503
        week.tick(FRIDAY)
        assert heard(week) == ["draft"]
        first = mails(week)[0][2]["Message-ID"]
        (said,) = (line for line in overview(week.desk).waiting if "alert" in line)
        assert "answered 503" in said
        hook.status = 200
        week.tick(FRIDAY + 30 * timedelta(seconds=1))
        assert hook.posts == []
        week.tick(FRIDAY + MINUTE)
        week.tick(FRIDAY + 5 * MINUTE)
        assert len(hook.posts) == 1
        assert mails(week)[0][2]["Message-ID"] == first
        assert not any("alert" in line for line in overview(week.desk).waiting)


def test_a_mail_server_that_is_away_gets_the_alert_when_it_is_back(office: Offices) -> None:
    port = closed_port()
    week = office()
    week.desk.close()
    week.room.configure(
        '\n[alerts]\nemail = "Desk <alarm@example.com>"\n[alerts.provider]\ntype = "smtp"\n'
        f'host = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
    )
    week.desk = week.open()
    week.tick(FRIDAY)
    assert "Connection refused" in " ".join(overview(week.desk).waiting)
    with mail_server() as server:
        week.desk.close()
        text = (week.room.folder / "newsletter.toml").read_text()
        week.room.write("newsletter.toml", text.replace(str(port), str(server.port)))
        week.desk = week.open()
        week.tick(FRIDAY + MINUTE)
        week.tick(FRIDAY + 2 * MINUTE)
        (mail,) = server.mails
        week.desk.alerts_provider.close()  # type: ignore[attr-defined]
    assert mail.recipient == "alarm@example.com"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in mail.message
    assert heard(week) == []  # the readers' provider is another one
    assert week.mails("tests") == 1


def test_without_an_address_alerts_go_to_the_log(
    office: Offices, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "newsletter.app.alerts.notify")
    week = office()
    week.desk.close()
    week.room.configure(**{'email = "editor@example.com"': ""})
    week.desk = week.open()
    week.tick(FRIDAY)
    assert rows(week) == []
    assert not any("alert" in line for line in overview(week.desk).waiting)
    (line,) = (r.getMessage() for r in caplog.records if r.name == "newsletter.app.alerts.notify")
    assert line.startswith(
        "An alert (draft 2025-07-07) appears only here, because neither [editor] email"
    )


def test_korean_words_for_a_korean_newsletter(office: Offices) -> None:
    week = office()
    week.desk.close()
    zone = {'timezone = "America/Los_Angeles"': 'timezone = "Asia/Seoul"\nlanguage = "ko"'}
    week.room.configure(**zone)
    week.desk = week.open()
    week.tick(FRIDAY.replace(day=3))  # Friday, 7 in the morning there
    week.tick(FRIDAY - 16 * HOUR + HOUR)
    assert heard(week) == ["draft"]
    assert mails(week)[0][2]["Subject"] == "7월 7일 호가 준비되었습니다"
    assert "7월 7일 월요일 07:00 KST" in text(week)
