"""For every check a mail that breaks it; and a mail that breaks none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from newsletter import check, registry
from newsletter.check import Mail
from newsletter.config import Config
from newsletter.errors import ContentError
from newsletter.links import tokens
from newsletter.model import (
    Health,
    Issue,
    IssueName,
    Pictures,
    Section,
    SourceHealth,
    Sponsor,
    Story,
)
from newsletter.render import render, template_settings
from tests.newsroom import CONFIG
from tests.sample_issues import GOOD, LANTERNS, story


@pytest.fixture
def config(tmp_path: Path) -> Config:
    from newsletter.app import open_desk

    (tmp_path / "newsletter.toml").write_text(CONFIG + "\n[schedule]\nmin_stories = 3\n")
    return open_desk(tmp_path).config


def mail(issue: Issue, config: Config, **parts: str) -> Mail:
    rendered = replace(render(issue, config), **parts)  # type: ignore[arg-type]
    return Mail(issue, rendered, config, dict(template_settings(config).accepted))


def found(issue: Issue, config: Config, **parts: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for f in check.run(mail(issue, config, **parts)):
        said[f.check] = f"{said.get(f.check, '')}{f.level}: {f.message} {f.remedy}\n"
    return said


def test_a_good_mail_has_no_findings(config: Config) -> None:
    assert found(GOOD, config) == {}


def test_every_check_is_broken_by_some_test_here() -> None:
    broken = {name for _, name, _ in BROKEN} | {name for _, _, name, _ in CHANGED}
    assert broken | {"law", "textpart"} == set(registry.names("newsletter.check"))


def report(status: str) -> SourceHealth:
    since = datetime(2025, 7, 2, 12, tzinfo=UTC)
    return SourceHealth("a.xml", "path", "feed", None, Health(status), 0, "It is down.", since)


BROKEN = [
    ({"note": "x" * 110_000}, "size", "error: The HTML part has"),
    ({"note": "x" * 91_000}, "size", "warning: The HTML part has"),
    ({"note": "Hello {{ name }}"}, "placeholders", "'{{ name }}' looks like a placeholder"),
    ({"subject": "Hi *|FNAME|*"}, "placeholders", "looks like a placeholder"),
    ({"note": "Lorem ipsum dolor"}, "placeholders", "looks like a placeholder"),
    ({"preheader": "[TODO write this]"}, "placeholders", "looks like a placeholder"),
    ({"note": "broken \ufffd letter"}, "charset", "error: It holds 1 broken character"),
    ({"note": "[click](http://www.example.com)"}, "links", "which is not https"),
    ({"note": "[click](/somewhere)"}, "links", "which is not a web address"),
    ({"note": "![](https://www.example.com/x.jpg)"}, "pictures", "no alternative text"),
    ({"note": "![words](http://www.example.com/x.jpg)"}, "pictures", "does not start with https"),
    ({"subject": " "}, "subject", "error: The subject is empty"),
    ({"subject": "a\tb"}, "subject", "error: The subject holds a line break"),
    ({"subject": "long " * 20}, "subject", "warning: The subject is 100 letters wide"),
    ({"preheader": ""}, "subject", "warning: There is no preheader"),
    ({"sections": ()}, "stories", "error: The issue has 1 story; min_stories asks for 3"),
    (
        {"sections": (*GOOD.sections, Section("Empty", ()))},
        "stories",
        "warning: The section 'Empty' has no stories",
    ),
    ({"sources": (report("failing"),)}, "sources", "a.xml has failed since Wed Jul 02"),
    ({"sources": (report("stale"),)}, "sources", "warning: a.xml has had nothing new since"),
    ({"sponsors": (Sponsor("Ad", link="ftp://x"),)}, "links", "which is not a web address"),
    (
        {"sponsors": (Sponsor("Old ad", ends=date(2025, 7, 6)),)},
        "stories",
        "warning: The advertisement 'Old ad' runs from … to 2025-07-06, so it is left out",
    ),
    ({"preheader": "Short"}, "subject", "only 5 letters wide"),
    ({"preheader": "many words " * 11}, "subject", "no more than 100"),
    ({"subject": "짧지 않은 제목 " * 6}, "subject", "is 90 letters wide"),
    ({"subject": "THE WEEK IN KOREATOWN"}, "spam", "written in capitals"),
    ({"subject": "Win now!!"}, "spam", "'!!' in the subject"),
    ({"subject": "Re: your letter"}, "spam", "begins with 'Re:'"),
    ({"note": "[the page](https://bit.ly/x)"}, "spam", "goes through bit.ly"),
    ({"note": "[www.one.com](https://two.com/x)"}, "spam", "says www.one.com and leads to two.com"),
    ({"note": "Read it [here](https://www.example.com/h)."}, "links", "“here” does not say where"),
    ({"note": "[](https://www.example.com/h)"}, "links", "has no text"),
    (
        {"note": "[This one](https://a.example.com) and [This one](https://b.example.com)"},
        "links",
        "“This one” leads to 2 different places",
    ),
    ({"note": "![x](https://www.example.com/x.webp)"}, "pictures", "Gmail or Outlook does not"),
    (
        {"lead": story(1, image=LANTERNS, alt="Headline 1")},
        "pictures",
        "have no description: “Headline 1”",
    ),
    (
        {"pictures": Pictures(GOOD.pictures.hosted, {LANTERNS: "It is gone."})},
        "pictures",
        "A picture is missing: It is gone.",
    ),
    (
        {"pictures": Pictures((replace(GOOD.pictures.hosted[0], bytes=300_000),))},
        "pictures",
        "A picture has 293 KB",
    ),
    (
        {"pictures": Pictures((replace(GOOD.pictures.hosted[0], bytes=2_000_000),))},
        "pictures",
        "The pictures have 1.9 MB in all",
    ),
    (
        {"note": "\n\n".join(f"[Link {n}](https://www.example.com/{n})" for n in range(300))},
        "size",
        "KB if the provider counts clicks",
    ),
]

# A mail whose HTML is another one: what is replaced, by what, the check, and what it says.
CHANGED = [
    ("<!DOCTYPE html>", "<!doctype html>", "document", "does not begin with <!DOCTYPE html>"),
    ("<!DOCTYPE html>", "<!-- x --><!DOCTYPE html>", "document", "does not begin with"),
    (r"<title>.*?</title>", "", "document", "has no title"),
    (r'<meta name="viewport"[^>]*>', "", "document", "has no viewport"),
    ("</body>", "<script>x()</script></body>", "document", "error: There is a <script>"),
    ("</body>", "<form></form></body>", "document", "error: There is a <form>"),
    (r'<html lang="en"', "<html", "languages", "<html> lacks"),
    (r'<div lang="en" dir="ltr"', "<div", "languages", "A wrapper inside <body>"),
    ("<h1", "<h2", "headings", "has 0 headings of the first level"),
    ("</h1>", "</h1><h1>Again</h1>", "headings", "has 2 headings of the first level"),
    ("</h1>", "</h1><h4>Deep</h4>", "headings", "After <h1> comes <h4> (“Deep”)"),
    (r'<table class="sheet" role="presentation"', "<table", "roles", "aloud as a table of data"),
    ("</h1>", "</h1></b>", "nesting", "is not well nested"),
    ("</h1>", "</h1><p><b></p>", "nesting", "is not well nested"),
    ("</style>", f"/*{'x' * 17_000}*/</style>", "styles", "Gmail drops them over 16 KB"),
    (
        "</style>",
        "@media screen { @media (max-width: 9px) { p { color: red } } }</style>",
        "styles",
        "'@media (max-width: 9px)' is inside another",
    ),
    ("</style>", "@import url(https://x.example.com/a.css);</style>", "styles", "from elsewhere"),
    (r"(<style[^>]*>\s*):root", r"\1@font-face { src: url(x) } :root", "styles", "from elsewhere"),
    (r'<meta name="color-scheme"[^>]*>', "", "dark", "does not declare a dark palette"),
    ("prefers-color-scheme: dark", "max-width: 1px", "dark", "has no dark palette"),
    ("data-ogs", "data-x", "dark", "Outlook's apps do not get"),
    (r"<!--\[if mso\]><table[^>]*>", "<!--[if mso]>", "outlook", "ignores max-width"),
    ("</h1>", "</h1><!--[if mso]><v:roundrect/><![endif]-->", "outlook", "button in VML"),
    (r'(<p class="greeting" style=")', r"\1padding:4px;", "outlook", "A <p> has padding"),
    (
        r'(<a class="ink" href="[^"]*" style=")',
        r"\1padding:4px;background-color:#eeeeee;",
        "outlook",
        "A button has its background and padding on the link",
    ),
    (r'<table class="sheet" role="presentation" width="100%"',
     '<table class="sheet" role="presentation" width="600"', "phones", "is 600 pixels wide"),
    (r'(<p class="greeting" style=")', r"\1min-width:400px;", "phones", "is 400 pixels wide"),
    (r'width:100%;max-width:536px', "", "phones", "is 536 pixels wide"),
    (r'width:100%;max-width:536px', "", "pictures", "does not get narrower"),
    (r'<img src="([^"]*)" width="536"', r'<img src="\1" width="536px"', "pictures", "whole pixels"),
    (r'<img src="([^"]*)" width="536"', r'<img src="\1"', "pictures", "whole pixels"),
    (r'(<p class="greeting" style=")', r"\1color:#999999;", "contrast", "in the light palette"),
    (r"(\.quiet.*?)#[0-9a-f]{6}", r"\1#222222", "contrast", "hard to read in the dark palette"),
    (r'(<p class="greeting" style=")', r"\1float:left;position:sticky;", "clients", "css-position"),
    (r'(<p class="greeting" style="[^"]*)font-size:26px', r"\1font-size:1px", "spam", "1 pixels"),
    (r'<p class="greeting"[^>]*>',
     '<p><a href="https://www.example.com/x" style="text-decoration:none">Words</a> and more',
     "links", "by colour alone"),
    (r'<div class="preheader".*?</div>', "", "subject", "is not hidden"),
    (r'(<div class="preheader"[^>]*>[^\u034f]*)[\u034f\u200c\xa0]*', r"\1", "subject",
     "invisible characters after it"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "name", "expected"), BROKEN)
def test_a_mail_that_breaks_a_rule_is_caught(
    config: Config, change: dict[str, object], name: str, expected: str
) -> None:
    said = found(replace(GOOD, **change), config)  # type: ignore[arg-type]
    assert expected in said[name], said


@pytest.mark.parametrize(("old", "new", "name", "expected"), CHANGED)
def test_html_that_breaks_a_rule_is_caught_at_its_line(
    config: Config, old: str, new: str, name: str, expected: str
) -> None:
    html = render(GOOD, config).html
    changed, count = re.subn(old, new, html, flags=re.DOTALL)
    assert count, "the mail has changed: mend the test"
    said = [f for f in check.run(mail(GOOD, config, html=changed)) if f.check == name]
    assert any(expected in f"{f.level}: {f.message} {f.remedy}" for f in said), said
    for finding in said:
        assert finding.line is None or 0 < finding.line <= changed.count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Headline 2", "Headline", "lacks the story “Headline 2”"),
        ("https://www.example.com/2", "", "lacks the link https://www.example.com/2"),
        ("ndx-greeting-text-xdn", "Hello", "does not greet"),
        ("A blurb.", "<p>A blurb.</p>", "holds HTML"),
    ],
)
def test_a_text_part_that_fell_behind(config: Config, old: str, new: str, expected: str) -> None:
    text = render(GOOD, config).text.replace(old, new)
    assert expected in found(GOOD, config, text=text)["textpart"]


def test_an_advertisement_in_korean_is_marked_in_the_subject(config: Config) -> None:
    korean = replace(config, newsletter=config.newsletter.model_copy(update={"language": "ko"}))
    assert "(광고)" in found(GOOD, korean)["law"]
    assert found(replace(GOOD, subject="(광고) 소식"), korean) == {}
    html = render(GOOD, korean).html.replace("Malgun", "x").replace("SD Gothic", "x")
    bare = html.replace("Noto S", "x")
    assert "has Korean letters" in found(replace(GOOD, sponsors=()), korean, html=bare)["languages"]


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
    assert set(rendered.tokens) == tokens.find_all(rendered.html + rendered.text)
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
    bare = Issue(IssueName(date(2025, 7, 7)), "S", "P", "", None, ())
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
