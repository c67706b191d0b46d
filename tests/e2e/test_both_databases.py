"""The whole way of an issue and of its readers, on each database in turn."""

from __future__ import annotations

import pytest

from tests import bounce_mails
from tests.e2e.send_processes import ISSUE, numbers
from tests.e2e.test_bounces import states
from tests.newsroom import Newsroom


def test_from_an_import_to_a_report(newsroom: Newsroom, database_url: str) -> None:
    newsroom.environment["DATABASE_URL"] = database_url
    one, two, three, four, five = newsroom.prepare(ISSUE, readers=5)
    newsroom.run("subscribers", "remove", two, "--yes")
    newsroom.run("subscribers", "add", "late@example.com", "--name", "Late")
    assert newsroom.json("send", ISSUE, "--yes")["accepted"] == 5
    newsroom.run("subscribers", "add", two)
    assert numbers(newsroom.json("send", ISSUE, "--missing", "--yes")) == {"accepted": 6}
    mails = {path.name: path for path in (newsroom.folder / "outbox").rglob("*.eml")}
    back = newsroom.folder / "back"
    back.mkdir()
    for path in mails.values():
        content = path.read_bytes()
        if f"To: {three}".encode() in content:
            (back / "gone.eml").write_bytes(bounce_mails.dsn(content))
        if f"To: {four}".encode() in content:
            (back / "spam.eml").write_bytes(bounce_mails.complaint(content))
    assert newsroom.json("bounces", str(back))["new"] == 2
    newsroom.run("subscribers", "erase", five, "--yes")
    newsroom.run("tick")
    assert states(newsroom) == {
        one: "active", two: "active", three: "bounced", four: "complained",
        "late@example.com": "active",
    }  # fmt: skip
    found = newsroom.json("report")
    assert (found["accepted"], found["bounced"], found["complained"]) == (
        6, {"hard": 1, "soft": 0}, 1
    )  # fmt: skip
    assert found["unsubscribed"] == 1  # who was erased
    assert found["list_growth"][-1]["readers"] == 3
    page = newsroom.folder / "page.html"
    newsroom.run("report", ISSUE, "--html", "--to", str(page))
    assert page.read_text(encoding="utf-8").count("<svg") >= 1
    assert five not in newsroom.run("receipt", "--json").stdout
    assert newsroom.run("report", "--readers", status=1).stderr.count("per_reader") == 1
    assert numbers(newsroom.json("send", ISSUE, "--missing", "--yes")) == {"accepted": 6}


@pytest.mark.parametrize("kind", ["mysql+pymysql", "oracle", "postgres", "duckdb"])
@pytest.mark.parametrize("where", ["newsletter.toml", "environment"])
def test_another_database_is_refused(newsroom: Newsroom, kind: str, where: str) -> None:
    url = f"{kind}://user:hush-hush@db.example.com/newsletter"
    if where == "environment":
        newsroom.environment["DATABASE_URL"] = url
    else:
        newsroom.configure(f'\n[database]\nurl = "{url}"\n')
    refused = newsroom.run("subscribers", "show", status=2).stderr
    assert f"of the kind '{kind.partition('+')[0]}'; only SQLite and PostgreSQL" in refused
    assert "hush" not in refused
