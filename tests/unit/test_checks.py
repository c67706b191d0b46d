"""For every check a mail that breaks it; and a mail that breaks none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from newsletter import check, registry, tokens
from newsletter.check import Mail
from newsletter.config import Config
from newsletter.errors import ContentError
from newsletter.model import Article, Health, Issue, Section, SourceReport, Sponsor, Story
from newsletter.render import render
from tests.newsroom import CONFIG


def story(number: int, **more: object) -> Story:
    article = Article(
        id=f"id{number}",
        title=f"Headline {number}",
        source="feed.xml",
        url=f"https://www.example.com/{number}",
        published=datetime(2025, 7, 3, 12, tzinfo=UTC),
        authors=("Sam Lee",),
    )
    values: dict[str, object] = {"headline": article.title, "blurb": "A blurb.", "alt": "A thing"}
    return Story(article, **{**values, **more})  # type: ignore[arg-type]


GOOD = Issue(
    date=date(2025, 7, 7),
    subject="A subject",
    preheader="A preheader of a good length for an inbox",
    note="A **note** with [a link](https://www.example.com/n).",
    lead=story(1, image="https://www.example.com/1.jpg", caption="Caption", credit="ME"),
    sections=(Section("News", (story(2), story(3))),),
    sponsors=(Sponsor("Buy this", link="https://www.example.com/ad", after="News"),),
)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    from newsletter.app import open_desk

    (tmp_path / "newsletter.toml").write_text(CONFIG + "\n[schedule]\nmin_stories = 3\n")
    return open_desk(tmp_path).config


def mail(issue: Issue, config: Config, **parts: str) -> Mail:
    return Mail(issue, replace(render(issue, config), **parts), config)  # type: ignore[arg-type]


def found(issue: Issue, config: Config, **parts: str) -> dict[str, str]:
    return {
        f.check: f"{f.level}: {f.message} {f.remedy}"
        for f in check.run(mail(issue, config, **parts))
    }


def test_a_good_mail_has_no_findings(config: Config) -> None:
    assert found(GOOD, config) == {}


def test_every_check_is_broken_by_some_test_here() -> None:
    assert registry.names("newsletter.check") == [
        "charset", "law", "links", "pictures", "placeholders", "size", "sources", "stories",
        "subject",
    ]  # fmt: skip


def report(status: str) -> SourceReport:
    since = datetime(2025, 7, 2, 12, tzinfo=UTC)
    return SourceReport("a.xml", "path", "feed", None, Health(status), 0, "It is down.", since)


BROKEN = [
    ({"note": "x" * 110_000}, "size", "error: The HTML part has"),
    ({"note": "x" * 91_000}, "size", "warning: The HTML part has"),
    ({"note": "Hello {{ name }}"}, "placeholders", "'{{ name }}' looks like a placeholder"),
    ({"subject": "Hi *|FNAME|*"}, "placeholders", "looks like a placeholder"),
    ({"note": "Lorem ipsum dolor"}, "placeholders", "looks like a placeholder"),
    ({"preheader": "[TODO write this]"}, "placeholders", "looks like a placeholder"),
    ({"note": "broken \ufffd letter"}, "charset", "error: It holds 1 character"),
    ({"note": "[click](http://www.example.com)"}, "links", "which is not https"),
    ({"note": "[click](/somewhere)"}, "links", "which is no web address"),
    ({"note": "![](https://www.example.com/x.jpg)"}, "pictures", "no alternative text"),
    ({"note": "![words](http://www.example.com/x.jpg)"}, "pictures", "does not start with https"),
    ({"subject": " "}, "subject", "error: The subject is empty"),
    ({"subject": "a\tb"}, "subject", "error: The subject holds a line break"),
    ({"subject": "long " * 20}, "subject", "warning: The subject has"),
    ({"preheader": ""}, "subject", "warning: There is no preheader"),
    ({"sections": ()}, "stories", "error: The issue has 1 story; min_stories asks for 3"),
    (
        {"sections": (*GOOD.sections, Section("Empty", ()))},
        "stories",
        "warning: The section 'Empty' has no stories",
    ),
    ({"sources": (report("failing"),)}, "sources", "a.xml has failed since Wed Jul 02"),
    ({"sources": (report("stale"),)}, "sources", "warning: a.xml has had nothing new since"),
    ({"sponsors": (Sponsor("Ad", link="ftp://x"),)}, "links", "which is no web address"),
]


@pytest.mark.parametrize(("change", "name", "expected"), BROKEN)
def test_a_mail_that_breaks_a_rule_is_caught(
    config: Config, change: dict[str, object], name: str, expected: str
) -> None:
    said = found(replace(GOOD, **change), config)  # type: ignore[arg-type]
    assert expected in said[name], said


def test_a_template_without_what_the_law_asks_for(config: Config) -> None:
    for name, text in {
        "email.html.j2": '<!DOCTYPE html><html><meta charset="utf-8"><body>x</body></html>',
        "email.txt.j2": "nothing",
    }.items():
        path = config.folder / "templates" / "weekly" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    messages = [f.message for f in check.run(mail(GOOD, config)) if f.check == "law"]
    assert len(messages) == 4
    assert sum("postal address" in message for message in messages) == 2
    assert sum("unsubscribe" in message for message in messages) == 2


def test_an_unknown_token_and_a_latin_1_mail(config: Config) -> None:
    rendered = render(GOOD, config)
    odd = replace(rendered, tokens={**rendered.tokens, "ndx-odd-xdn": "unknown"}, html="<p>é</p>")
    names = {f.check for f in check.run(Mail(GOOD, odd, config))}
    assert {"placeholders", "charset"} <= names


def test_a_publishers_own_marks_never_stop_a_week(config: Config) -> None:
    hostile = "{{ 7*7 }} *|FNAME|* <script>alert(1)</script> lorem ipsum"
    article = replace(story(1).article, title=hostile, blurb=hostile)
    issue = replace(GOOD, lead=Story(article, headline=hostile, blurb=hostile, alt="x"))
    assert found(issue, config) == {}
    html = render(issue, config).html
    assert "{{ 7*7 }}" in html
    assert "<script" not in html


def test_the_same_issue_gives_the_same_bytes(config: Config) -> None:
    assert render(GOOD, config) == render(GOOD, config)


def test_every_token_in_the_bytes_is_named(config: Config) -> None:
    rendered = render(GOOD, config)
    assert set(rendered.tokens) == tokens.found_in(rendered.html + rendered.text)
    assert tokens.UNSUBSCRIBE_HTML in rendered.tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% if %}", r"email.html.j2, line 1, does not compile"),
        ("\n{{ nothing }}", r"email.html.j2, line 2, failed: 'nothing' is undefined"),
        ("{{ ''.__class__.__mro__ }}", r"failed: access to attribute '__class__'"),
        ("{% include 'none.css' %}", r"no template none.css"),
    ],
)
def test_a_template_that_is_wrong_is_said_with_file_and_line(
    config: Config, text: str, expected: str
) -> None:
    path = config.folder / "templates" / "weekly" / "email.html.j2"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ContentError, match=expected):
        render(GOOD, config)


def test_an_issue_of_almost_nothing_still_renders(config: Config) -> None:
    bare = Issue(date(2025, 7, 7), "S", "P", "", None, ())
    rendered = render(bare, config)
    assert "ndx-greeting" not in rendered.html
    assert rendered.html.startswith("<!DOCTYPE html>")


def headings(html: str) -> Iterator[int]:
    import lxml.html

    page = lxml.html.document_fromstring(html)
    return (int(element.tag[1]) for element in page.iter("h1", "h2", "h3", "h4"))


def test_headings_are_in_order(config: Config) -> None:
    levels = list(headings(render(GOOD, config).html))
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
