"""The ways in which a mail can break a rule that are easily missed; and what only looks so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import pytest

from newsletter import check
from newsletter.check import Mail
from newsletter.config import Config
from newsletter.model import Finding, Issue, Rendered, Sponsor, Story
from newsletter.render import render, template_settings
from tests.newsroom import CONFIG
from tests.sample_issues import GOOD, story

TD = '<table role="presentation"><tr>{}</tr></table>'
LINK = '<p>Words before <a href="{}" style="text-decoration:underline">{}</a></p>'
IMG = '<img src="{}" alt="A thing" width="100" height="50">'


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    from newsletter.app import open_desk

    folder = tmp_path_factory.mktemp("newsroom")
    (folder / "newsletter.toml").write_text(CONFIG)
    return open_desk(folder).config


@lru_cache(maxsize=1)
def good(config: Config) -> Rendered:
    return render(GOOD, config)


def findings(config: Config, html: Callable[[str], str], issue: Issue = GOOD) -> list[Finding]:
    """What is said of the mail once its HTML is another one."""
    rendered = good(config) if issue is GOOD else render(issue, config)
    changed = html(rendered.html)
    accepted = dict(template_settings(config).accepted)
    return list(check.run(Mail(issue, replace(rendered, html=changed), config, accepted)))


def in_a_story(piece: str) -> Callable[[str], str]:
    return lambda html: html.replace("</h3>", f"</h3>{piece}", 1)


def in_extras(rules: str) -> Callable[[str], str]:
    def changed(html: str) -> str:
        before, end, after = html.rpartition("</style>")
        return before + rules + end + after

    return changed


def in_the_dark(rule: str) -> Callable[[str], str]:
    return in_extras(f"@media (prefers-color-scheme: dark) {{ {rule} }}")


def swapped(old: str, new: str) -> Callable[[str], str]:
    def changed(html: str) -> str:
        found, count = re.subn(old, new, html, flags=re.DOTALL)
        assert count, "the mail has changed: mend the test"
        return found

    return changed


def weak(style: str) -> tuple[Callable[[str], str], str, str]:
    return in_a_story(f'<p style="{style}">weak words</p>'), "contrast", "in the light palette"


def vague(words: str) -> tuple[Callable[[str], str], str, str]:
    page = LINK.format("https://www.example.com/1", words)
    return in_a_story(page), "links", "does not say where"


def leads(address: str, says: str) -> tuple[Callable[[str], str], str, str]:
    return in_a_story(LINK.format(address, "Words of it")), "links", says


BROKEN = [
    # Contrast, however the colour is written and wherever it comes from.
    *map(weak, ("color:silver", "color:#ccc", "color:rgb(200,200,200)", "color:rgb(200 200 200)")),
    *map(weak, ("color:hsl(0,0%,80%)", "color:hsl(0 0% 80%)", "color:rgba(0,0,0,.3)")),
    *map(weak, ("color:rgb(0 0 0 / 30%)", "opacity:.3", "background-color:rgba(0,0,0,.8)")),
    *map(weak, ("background:#000 none repeat", "background:#000 url(https://x.example.com/a.png)")),
    *map(weak, ("font-size:0.6em;font-weight:bold;color:#888", "font:bold 12px serif;color:#888")),
    (in_a_story(TD.format('<td bgcolor="000000">weak</td>')), "contrast", "#1c1a17 on #000000"),
    (in_a_story(TD.format('<td bgcolor="black">weak</td>')), "contrast", "#1c1a17 on #000000"),
    (
        in_a_story(f'<div style="background:#000">{TD.format("<td><p>weak</p></td>")}</div>'),
        "contrast",
        "#1c1a17 on #000000",
    ),
    (in_a_story('<p><font color="#cccccc">weak</font></p>'), "contrast", "#cccccc on"),
    (
        in_a_story('<p style="background:#000"><a href="https://www.example.com/1">Blue</a></p>'),
        "contrast",
        "#0000ee on #000000",
    ),
    (in_a_story('<div style="font-size:30px"><p style="font-size:40%;color:#858585">a</p></div>'),
     "contrast", "it needs 4.5"),
    (in_extras("p.standfirst { color: #ccc !important }"), "contrast", "in the light palette"),
    (in_the_dark(".standfirst { color: #333 }"), "contrast", "in the dark palette"),
    (in_the_dark(":is(.x, .standfirst) { color: #333 }"), "contrast", "in the dark palette"),
    (in_the_dark(".standfirst { background: #fff !important }"), "contrast", "in the dark palette"),
    (
        in_extras("@MEDIA (Prefers-Color-Scheme: Dark) { .standfirst { color: #333 !important } }"),
        "contrast",
        "in the dark palette",
    ),
    (in_a_story(TD.format('<td bgcolor="#ffffff">white ground</td>')), "contrast", "in the dark"),
    (in_extras("[data-ogsc] .standfirst { color: #333 !important }"), "contrast", "Outlook's apps"),
    (
        swapped(r"(\[data-ogsb\] \.sheet \{ background-color: )#1b1917", r"\1#eeeeee"),
        "contrast",
        "Outlook's apps",
    ),
    # The charset of HTML without the padding that is beyond Latin-1.
    (lambda html: re.sub("[^\x00-\xff]", "é", html), "charset", "characters are Latin-1"),
    (swapped('<meta charset="utf-8">', '<meta charset="utf-16">'), "charset", "not declare UTF-8"),
    # Style blocks.
    *((in_extras(rules), "styles", "is inside another rule") for rules in (
        "@media screen { @supports (display: grid) { p { color: red } } }",
        "@media screen { @font-face { font-family: x } }",
        "@layer a { @media screen { p { color: red } } }",
        "@container (width > 1px) { @media screen { p { color: red } } }",
        ".a { color: red; @media screen { color: blue } }",
    )),
    (in_extras(f".a {{}}</style><style>{'b' * 9000} {{}}</style><style>{'c' * 9000} {{}}"),
     "styles", "over 16 KB"),
    (in_extras("p { color: #000"), "styles", "is not valid CSS"),
    (in_extras("p { color #000 }"), "styles", "is not valid CSS"),
    (in_extras("@Font-Face { font-family: x }"), "styles", "from elsewhere"),
    *((swapped("</head>", f'<link rel="{rel}" href="https://x.example.com/x"></head>'),
       "styles", "from elsewhere") for rel in ("STYLESHEET", "preload")),
    # What acts by itself.
    *((in_a_story(f"<{tag}></{tag}>"), "document", f"There is a <{tag}>") for tag in (
        "iframe", "video", "audio", "object", "embed", "applet", "select", "textarea", "svg",
        "canvas", "input", "button",
    )),
    (in_a_story('<p onclick="x()">Words</p>'), "document", "runs a script or loads another page"),
    (swapped("</head>", '<meta http-equiv="Refresh" content="0;url=x"></head>'),
     "document", "runs a script or loads another page"),
    (swapped("^", "\n"), "document", "does not begin with"),
    (swapped("^", "\ufeff"), "document", "does not begin with"),
    # Headings.
    (in_a_story("<h5>Deep</h5>"), "headings", "After <h3> comes <h5>"),
    (in_a_story("<h3> \xa0</h3>"), "headings", "<h3> without text"),
    (swapped("<h1", "<h2>Early</h2><h1"), "headings", "“Early”) comes before"),
    (swapped('<h1 style="', '<h1 style="display:none;'), "headings", "has 0 headings"),
    # Tables.
    (in_a_story("<table><tr><td><table><tr><th>a</th></tr></table></td></tr></table>"),
     "roles", "read a layout table aloud"),
    (in_a_story(TD.format(f"<td>{'<table><tr><td>x</td></tr></table>'}</td>")),
     "roles", "read a layout table aloud"),
    (swapped(r'(<!--\[if mso\]><table) role="presentation"', r"\1"), "roles", "for Outlook"),
    (in_a_story('<table role="presentation">astray<tr><td>x</td></tr></table>'),
     "nesting", "'astray' is in a <table>"),
    # The wrapper must wrap; <body> is dropped, too.
    (swapped('<div lang="en" dir="ltr">', '<p lang="en" dir="ltr"></p><div>'), "languages",
     "A wrapper inside"),
    (swapped('<div lang="en" dir="ltr">', '<div lang="en">'), "languages", "A wrapper inside"),
    (lambda html: swapped("<body", '<body lang="en" dir="ltr"')(
        swapped('<div lang="en" dir="ltr"', "<div")(html)), "languages", "A wrapper inside"),
    # Outlook.
    (swapped(r"<!--\[if mso\]></td></tr></table><!\[endif\]-->", ""), "outlook",
     "1 are opened and 0 closed"),
    (swapped('(<table role="presentation") width="600" align', r'\1 width="640" align'), "outlook",
     "ignores max-width"),
    (in_a_story('<div style="max-width:300px">Words</div>'), "outlook", "on tables only"),
    (in_a_story('<ul style="padding:0 0 0 1em"><li>x</li></ul>'), "outlook", "A <ul> has padding"),
    (in_a_story("<!--[if mso]><V:Oval/><![endif]-->"), "outlook", "button in VML"),
    (swapped('(<td class="button small") bgcolor="#9b1c2e"', r"\1"), "outlook", "Give its <td>"),
    (swapped("padding:12px 24px; ?", ""), "outlook", "hard to hit"),
    # Phones.
    *((in_a_story(piece), "phones", "scroll sideways") for piece in (
        '<div style="width:500pt">x</div>', '<div style="width:40em">x</div>',
        '<div style="width:500px;max-width:400px">x</div>',
        TD.format('<td width="200">x</td><td width="200">x</td>'),
        f'<p style="white-space:nowrap">{"long " * 12}</p>', f"<pre>{'x' * 60}</pre>",
        '<table role="presentation" width="500px"><tr><td>x</td></tr></table>',
    )),
    # Pictures.
    *((in_a_story(f"<img {attributes}>"), "pictures", says) for attributes, says in (
        ('src="https://x.example.com/a.jpg" width="9" role="presentation"', "no alternative text"),
        ('src="https://x.example.com/a.jpg" width="9" alt=""', "no alternative text"),
        ('src="https://x.example.com/a.jpg" width="9" alt="IMG_1.JPG"', "the name of a file"),
        *((f'src="https://x.example.com/a.jpg" alt="x" width="{width}"', "whole pixels")
          for width in ("50%", "10.5", "auto", "0", "٣", "²", "")),
        ('src="https://x.example.com/a.jpg" alt="x" width="9" height="9px"', "its height in whole"),
        ('src="https://x.example.com/a.jpg" alt="x" width="300"', "does not get narrower"),
        *((f'src="{src}" alt="x" width="9"', "does not start with https") for src in (
            "//x.example.com/a.jpg", "data:image/png;base64,AAAA", "cid:x", "", "https://[x/a.jpg",
            "https:///a.jpg")),
        *((f'src="https://x.example.com/a.{kind}" alt="x" width="9"', "does not show")
          for kind in ("WEBP?x=1", "svg", "avif", "jxl")),
    )),
    (in_a_story('<p style="background:url(http://x.example.com/a.png)">x</p>'), "pictures",
     "picture behind text"),
    (in_a_story(TD.format('<td background="http://x.example.com/a.png">x</td>')), "pictures",
     "picture behind text"),
    # Links.
    *map(vague, ("click here", "Click here!", "[here]", "Here:", "»", "<b>Click</b> here")),
    *map(vague, ("여기", "여기를 클릭하세요", "클릭하세요", "이곳", "더 읽기")),
    *map(vague, ("여기를 눌러 주세요", "자세히 보기 →")),
    leads("http://www.example.com/1", "is not https"),
    leads("HTTP://www.example.com/1", "is not https"),
    leads("https://", "is not a web address"),
    leads("https://[::1/n", "is not a web address"),
    leads("https://www.example.com:x/n", "is not a web address"),
    leads("#nowhere", "is not a web address"),
    leads("javascript:alert(1)", "is not a web address"),
    leads("", "without an address"),
    (in_a_story('<map name="m"><area href="http://www.example.com/1" alt="x"></map>'), "links",
     "is not https"),
    (in_a_story('<p>Words and <a href="https://www.example.com/1" '
                'style="text-decoration-line:none">more of it</a> here</p>'), "links",
     "not underlined"),
    (in_extras("p a { text-decoration: none !important }"), "links", "not underlined"),
    # Unfinished.
    *((in_a_story(f"<p>Hello {mark}</p>"), "placeholders", "that nobody filled in") for mark in (
        "{{ name", "{# later #}", "[[name]]", "{name}", "{first_name}", "${name}", "TODO",
    )),
    (in_a_story(IMG.format("https://x.example.com/a.jpg").replace("A thing", "{{ alt }}")),
     "placeholders", "'{{ alt }}'"),
    (in_a_story(LINK.format("https://www.example.com/*|ID|*", "Words")), "placeholders", "*|ID|*"),
    (in_a_story("<p>ndx-greeting-text-xdn</p>"), "placeholders", "for the other part"),
    (in_a_story("<p>ndx-greeting-html</p>"), "placeholders", "looks like a token"),
    # The preheader.
    (swapped("(for an inbox\u034f\u200c\xa0)[\u034f\u200c\xa0]*", r"\1"), "subject", "and has 1"),
    (swapped('(<div class="preheader.*?</div>)(.*?</h1>)', r"\2\1"), "subject",
     "is not hidden at the beginning"),
    (swapped('style="display:none; ?max-height', 'style="font-size:0; max-height'), "subject",
     "is not hidden"),
    (swapped('class="preheader" style="', 'class="preheader" style="font-size:1px;'), "spam",
     "Text of 1 pixels"),
    # Habits of junk mail.
    (in_a_story('<p style="font-size:5pt">tiny</p>'), "spam", "too small to read"),
    *((in_a_story(LINK.format(address, "Words of it")), "spam", "hides whose page") for address in (
        "https://192.0.2.7/x", "https://www.bank.example@evil.example.com/")),
    (in_a_story(LINK.format("https://b.example.net/", "a.example.com?x=1")), "spam",
     "says a.example.com and leads to b.example.net"),
    # The dark palette must be one, and whole for Outlook's apps.
    (swapped("prefers-color-scheme: dark", "prefers-color-scheme: light"), "dark",
     "no dark palette"),
    (swapped(r"\[data-ogsb\]", "[data-x]"), "dark", "no rule has [data-ogsb]"),
    (swapped(r"\[data-ogsc\]", "[data-x]"), "dark", "no rule has [data-ogsc]"),
    # What the law asks for must be seen.
    (swapped('(<a href="ndx-unsubscribe-html-xdn" style=")', r"\1display:none;"), "law",
     "no visible unsubscribe link"),
    (swapped('<p style="(margin:0 0 12px">1 Example)', r'<p style="display:none;\1'), "law",
     "postal address is missing"),
    # What some clients do not know.
    *((in_a_story(f'<p style="{css}">x</p>'), "clients", f"uses {what}, which") for css, what in (
        ("display:flex", "css-display-flex"), ("display:inline-flex", "css-display-flex"),
        ("display:grid", "css-display-grid"), ("grid-template-columns:1fr", "css-grid-template"),
        ("position:absolute", "css-position"), ("left:1px", "css-left-right-top-bottom"),
        ("background-image:url(https://x.example.com/a.png)", "css-background-image"),
        ("background:url(https://x.example.com/a.png)", "css-background-image"),
        ("background:conic-gradient(#fff,#fff)", "css-conic-gradient"),
        ("columns:2", "css-column-layout-properties"), ("row-gap:1px", "css-gap"),
        ("margin-inline:1px", "css-margin-inline-block"),
        ("padding-block-start:0", "css-padding-block-start-end"),
        ("color:oklch(0 0 0)", "css-modern-color"), ("width:fit-content", "css-intrinsic-size"),
        ("font-family:system-ui", "css-sytem-ui"), ("-webkit-box-shadow:none", "css-box-shadow"),
        ("border-start-end-radius:1px", "css-border-radius-logical"),
    )),
    *((in_extras(rules), "clients", f"uses {feature}, which") for rules, feature in (
        ("p:before { content: 'x' }", "css-pseudo-element-before"),
        (".a.b { color: #000 }", "css-selector-chaining"),
        (".a { & p { color: #000 } }", "css-nesting"),
        ("/* words */", "css-comments"),
        ("@font-face { font-family: x }", "css-at-font-face"),
        ("@supports (display: grid) { p { margin: 0 } }", "css-at-supports"),
    )),
    (in_a_story(IMG.format("data:image/png;base64,AA")), "clients", "uses image-base64, which"),
    (in_a_story('<input type="text">'), "clients", "uses html-input-text, which"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "name", "says"), BROKEN)
def test_a_rule_that_is_broken_in_another_way_is_broken(
    config: Config, change: Callable[[str], str], name: str, says: str
) -> None:
    said = [f for f in findings(config, change) if f.check == name]
    assert any(says in f"{f.message} {f.remedy}" for f in said), said
    assert all(finding.place and finding.remedy for finding in said)


FINE = [
    *((in_a_story(f'<p class="ink" style="{style}">Words</p>'), "light palette") for style in (
        "color:#767676;font-size:2em", "color:#858585;font-size:18pt", "color:rgba(0,0,0,.8)",
        "color:#858585;font-size:19px;font-weight:950", "color:#ccc;visibility:hidden",
    )),
    (in_a_story('<h4 style="font-size:20px;color:#858585">Bold by itself</h4>'), "light palette"),
    (in_extras("@media print { p { color: #ccc !important } }"), "contrast"),
    (swapped('<meta charset="utf-8">',
             '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">'), "charset"),
    (in_a_story('<table role="Presentation"><tr><td>x</td></tr></table>'), "roles"),
    (in_a_story("<table><tr><th>City</th></tr><tr><td>x</td></tr></table>"), "roles"),
    (swapped('<div lang="en" dir="ltr">(.*)</div>',
             r'<center><div lang="en" dir="ltr">\1</div></center>'), "languages"),
    (swapped('(<!--.if mso.><table role="presentation" width=)"600"', r"\1'600'"), "outlook"),
    (in_a_story('<div style="padding:0 0px 0em">x</div>'), "outlook"),
    (in_a_story(TD.format('<td style="background:#f6f1e7;padding:4px"><a style="color:#1c1a17" '
                          'href="https://www.example.com/1">Dark on light</a></td>')), "outlook"),
    (in_a_story('<div style="width:500px;max-width:300px">x</div>'), "phones"),
    (in_a_story('<img src="https://x.example.com/a.png" alt="" role="presentation" width="9">'),
     "pictures"),
    (in_a_story(LINK.format("HTTPS://www.example.com/1", "Words of it")), "links"),
    (in_a_story(LINK.format("https://www.example.com/1", "Read more about lanterns")), "links"),
    (in_a_story(LINK.format("https://www.example.com/1", "더 나은 도시를 찾아서")), "links"),
    (in_a_story(LINK.format("#story-id2", "The second story")), "“The second story”"),
    (in_a_story('<p><a name="top"></a>Words</p>'), "links"),
    (in_a_story('<p>Words and <a href="https://www.example.com/1" style="text-decoration:none;'
                'border-bottom:1px solid #000">more of it</a></p>'), "links"),
    (in_a_story(LINK.format("https://www.example.com/n", "Node.js")), "spam"),
    (in_a_story(LINK.format("https://news.example.com/", "example.com")), "spam"),
    (in_a_story("<p>Todo el mundo [todos]</p>"), "placeholders"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "name"), FINE)
def test_what_only_looks_like_a_fault_is_none(
    config: Config, change: Callable[[str], str], name: str
) -> None:
    said = findings(config, change)
    assert not [f for f in said if f.check == name or name in f.message], said


@pytest.mark.parametrize(
    "issue",
    [
        replace(GOOD, sponsors=(Sponsor("Buy this", link="https://[x/"),)),
        replace(GOOD, lead=story(1, image="https://[x/a.jpg")),
    ],
    ids=["link", "picture"],
)
def test_an_address_that_cannot_be_read_is_a_finding(config: Config, issue: Issue) -> None:
    said = findings(config, str, issue)
    assert any("https://[x/" in f"{f.message} {f.place}" for f in said), said


def test_marks_in_headlines_of_several_stories_never_stop_a_week(config: Config) -> None:
    """Neither in stories of earlier weeks, nor where one opens what another closes."""

    def of(number: int, title: str) -> Story:
        one = story(number, headline=title)
        return replace(one, article=replace(one.article, title=title))

    issue = replace(
        GOOD,
        sections=(replace(GOOD.sections[0], stories=(of(2, "Use {{ well"), of(3, "Or }} so"))),),
        missed=(of(9, "All *|FNAME|* of it"), of(10, "An <% and no end")),
    )
    assert not [f for f in findings(config, str, issue) if f.check == "placeholders"]


def test_a_story_whose_address_begins_like_anothers_is_missed_in_the_text(config: Config) -> None:
    issue = replace(GOOD, sections=(replace(GOOD.sections[0], stories=(story(2), story(20))),))
    rendered = render(issue, config)
    text = rendered.text.replace("Headline 2\n", "").replace("https://www.example.com/2\n", "")
    said = check.run(Mail(issue, replace(rendered, text=text), config))
    assert "The text part lacks the link https://www.example.com/2." in [f.message for f in said]


def test_a_latin_1_text_part_is_found_although_the_html_is_fine(config: Config) -> None:
    rendered = render(GOOD, config)
    text = re.sub("[^\x00-\xff]", "", rendered.text).replace("Headline", "Tête")
    said = check.run(Mail(GOOD, replace(rendered, text=text), config))
    assert [f.place for f in said if f.check == "charset"] == ["email.txt"]


def test_the_personal_links_count_as_the_provider_lengthens_them(config: Config) -> None:
    from newsletter.check.size import tracked_size

    rendered = render(GOOD, config)
    mail = Mail(GOOD, rendered, config)
    more = '<a href="ndx-unsubscribe-html-xdn"></a>'
    longer = replace(rendered, html=rendered.html.replace("</h1>", f"</h1>{more}"))
    assert (
        tracked_size(Mail(GOOD, longer, config)) - tracked_size(mail)
        == len('<a href=""></a>') + 400
    )
