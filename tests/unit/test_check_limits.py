"""The numbers of checks: what is just within a limit is no finding, and one more is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import pytest
from lxml.html import document_fromstring

from newsletter.check import Mail
from newsletter.config import Config
from newsletter.model import Hosted, Issue, Pictures
from newsletter.render import render
from tests.sample_issues import GOOD, LANTERNS, story
from tests.unit.test_check_variants import TD, config, good, in_a_story, in_extras

__all__ = ["config"]  # the fixture
KB = 1024


def told(
    config: Config,
    name: str,
    html: Callable[[str], str] = str,
    issue: Issue = GOOD,
    **changes: object,
) -> list[tuple[str, str]]:
    """What one check says of the mail, with other HTML or other words around it."""
    rendered = good(config) if issue is GOOD else render(issue, config)
    changed = replace(rendered, **{"html": html(rendered.html), **changes})  # type: ignore[arg-type]
    found = import_module(f"newsletter.check.{name}").check(Mail(issue, changed, config))
    return [(finding.level.value, finding.message) for finding in found]


def sized(size: int) -> Callable[[str], str]:
    """The mail with a comment that makes it so many bytes."""

    def changed(html: str) -> str:
        room = size - len(html.encode()) - len("<!---->")
        return html.replace("</body>", f"<!--{'x' * room}--></body>", 1)

    return changed


@pytest.mark.parametrize(
    ("size", "levels"),
    [
        (90 * KB - 1, []),
        (90 * KB, ["warning"]),
        (102 * KB - 1, ["warning", "warning"]),  # the other: once clicks are counted
        (102 * KB, ["error"]),
        (103 * KB, ["error"]),
    ],
)
def test_the_size_of_the_mail(config: Config, size: int, levels: list[str]) -> None:
    found = [level for level, _ in told(config, "size", sized(size))]
    assert found == levels


@pytest.mark.parametrize(
    ("subject", "faults"),
    [
        ("A " + "b" * 76, []),
        ("A " + "b" * 77, ["78"]),
        ("가" * 39, []),
        ("가" * 39 + "a", ["79"]),
        ("", ["empty"]),
        (" ", ["empty"]),
        ("One\u2028two", ["line break"]),
    ],
)
def test_the_length_of_the_subject(config: Config, subject: str, faults: list[str]) -> None:
    found = told(config, "subject", subject=subject)
    assert len(found) == len(faults)
    assert all(fault in message for fault, (_, message) in zip(faults, found, strict=True))


@pytest.mark.parametrize(
    ("length", "is_fine"), [(39, False), (40, True), (100, True), (110, True), (111, False)]
)
def test_the_length_of_the_preheader(config: Config, length: int, is_fine: bool) -> None:
    preheader = ("word " * 40)[: length - 1] + "x"

    def html(text: str) -> str:
        return text.replace(GOOD.preheader, preheader)

    assert (told(config, "subject", preheader=preheader, html=html) == []) == is_fine


@pytest.mark.parametrize("over", [0, 1])
def test_the_size_of_style_blocks(config: Config, over: int) -> None:
    def filled(html: str) -> str:
        blocks = [str(block) for block in document_fromstring(html).xpath("//style/text()")]
        room = 16 * KB + over - sum(len(block.encode()) for block in blocks)
        return in_extras(f"/*{'x' * (room - 4)}*/")(html)

    assert len(told(config, "styles", filled)) == over


@pytest.mark.parametrize(
    ("piece", "is_fine"),
    [
        ('<div style="width:320px">x</div>', True),
        ('<div style="width:321px">x</div>', False),
        ('<div style="min-width:321px">x</div>', False),
        ('<div style="width:900px;max-width:320px">x</div>', True),
        ('<div style="width:900px;max-width:100%">x</div>', True),
        (TD.format('<td width="160">x</td><td width="160">x</td>'), True),
        (TD.format('<td width="160">x</td><td width="161">x</td>'), False),
        (f"<pre>{'x' * 40}</pre>", True),
        (f"<pre>{'x' * 41}</pre>", False),
    ],
)
def test_what_a_phone_has_room_for(config: Config, piece: str, is_fine: bool) -> None:
    assert (told(config, "phones", in_a_story(piece)) == []) == is_fine


@pytest.mark.parametrize(
    ("style", "is_fine"),
    [
        ("color:#767676;background:#fff", True),  # 4.54
        ("color:#777777;background:#fff", False),  # 4.48
        ("color:#949494;background:#fff;font-size:24px", True),  # 3.03
        ("color:#959595;background:#fff;font-size:24px", False),  # 2.99
        ("color:#949494;background:#fff;font-size:23.9px", False),
        ("color:#949494;background:#fff;font-size:18.66px;font-weight:700", True),
        ("color:#949494;background:#fff;font-size:18.6px;font-weight:700", False),
        ("color:#949494;background:#fff;font-size:18.66px;font-weight:600", False),
    ],
)
def test_how_strong_a_contrast_has_to_be(config: Config, style: str, is_fine: bool) -> None:
    found = told(config, "contrast", in_a_story(f'<p style="{style}">words</p>'))
    light = [message for _, message in found if "light" in message]
    assert (light == []) == is_fine


@pytest.mark.parametrize(
    ("weights", "faults"),
    [
        ([200 * KB], 0),
        ([200 * KB + 1], 1),
        ([200 * KB] * 5, 0),
        ([200 * KB] * 5 + [24 * KB], 0),  # a megabyte
        ([200 * KB] * 5 + [24 * KB + 1], 1),
        ([201 * KB] * 6, 7),
    ],
)
def test_the_weight_of_pictures(config: Config, weights: list[int], faults: int) -> None:
    hosted = tuple(
        Hosted(f"{LANTERNS}?{n}", 536, f"p{n}.jpg", 1072, 603, size)
        for n, size in enumerate(weights)
    )
    shown = "".join(
        f'<img src="https://news.example.com/p{n}.jpg" alt="A thing" width="100" height="50">'
        for n in range(len(weights))
    )
    issue = replace(GOOD, pictures=Pictures(hosted), lead=story(1), sponsors=())
    found = told(config, "pictures", in_a_story(shown), issue)
    assert len([message for _, message in found if "KB" in message or "MB" in message]) == faults


@pytest.mark.parametrize(
    ("subject", "is_fine"),
    [
        ("SHORT NEWS", True),  # ten letters
        ("TWELVE LETTERS", False),
        ("ABCDEFGhij klm", True),  # seven of thirteen
        ("ABCDEFGHIJ klm", False),  # ten of thirteen
        ("Fine news!", True),
        ("Fine news!!", False),
        ("For $ only", True),
        ("For $$ only", False),
        ("₩₩₩ today", False),
        ("Act now", False),
        ("Click here", False),
        ("100% free", False),
        ("Risk-free", False),
        ("risk free", False),
        ("Exact nowhere", True),
        ("Re: the week", False),
        ("RE : the week", False),
        ("Fw: the week", False),
        ("Fwd: the week", False),
        ("AW: die Woche", False),
        ("Regarding: the week", True),
    ],
)
def test_a_subject_that_looks_like_junk(config: Config, subject: str, is_fine: bool) -> None:
    assert (told(config, "spam", subject=subject) == []) == is_fine


@pytest.mark.parametrize(
    "host",
    ["bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly", "rebrand.ly", "t.co",
     "tiny.cc", "tinyurl.com"],
)  # fmt: skip
def test_a_link_that_is_shortened(config: Config, host: str) -> None:
    def link(name: str) -> str:
        style = "text-decoration:underline"
        return f'<p>Words <a href="https://{name}/x" style="{style}">of the market</a></p>'

    for name in (host, f"www.{host}", host.upper()):
        assert len(told(config, "spam", in_a_story(link(name)))) == 1
    for name in (f"not-{host}", f"{host}.example.com", "www.example.com"):
        assert told(config, "spam", in_a_story(link(name))) == []


@pytest.mark.parametrize(("pixels", "is_fine"), [("9", True), ("8.9", False), ("8", False)])
def test_text_that_is_too_small(config: Config, pixels: str, is_fine: bool) -> None:
    found = told(config, "spam", in_a_story(f'<p style="font-size:{pixels}px">words</p>'))
    assert (found == []) == is_fine
    assert told(config, "spam", in_a_story('<p style="font-size:1px"> \xa0</p>')) == []


@pytest.mark.parametrize(
    "kind",
    ["webp", "avif", "svg", "svgz", "tif", "tiff", "bmp", "heic", "heif", "jxl", "ico", "apng",
     "mp4", "pdf"],
)  # fmt: skip
def test_a_kind_of_picture_that_is_not_shown_everywhere(config: Config, kind: str) -> None:
    def picture(end: str) -> str:
        return f'<img src="https://x.example.com/a.{end}" alt="A thing" width="9" height="9">'

    for end in (kind, kind.upper(), f"{kind}?w=100"):
        assert len(told(config, "pictures", in_a_story(picture(end)))) == 1
    for end in ("jpg", "jpeg", "png", "gif", f"{kind}.jpg", f"jpg?as={kind}"):
        assert told(config, "pictures", in_a_story(picture(end))) == []


@pytest.mark.parametrize(("faults", "told_of"), [(1, 1), (5, 5), (6, 6), (9, 6)])
def test_of_many_places_that_are_not_well_nested_the_first_are_named(
    config: Config, faults: int, told_of: int
) -> None:
    found = told(config, "nesting", in_a_story("</q>" * faults))
    assert len(found) == told_of
    assert "q" in re.sub("[A-Za-z]{2,}", "", found[0][1])
    if faults > 5:
        assert f"{faults - 5} more" in found[-1][1]


@pytest.mark.parametrize(("needed", "levels"), [(3, []), (4, ["error"])])
def test_how_many_stories_an_issue_needs(config: Config, needed: int, levels: list[str]) -> None:
    changed = replace(config, schedule=config.schedule.model_copy(update={"min_stories": needed}))
    found = told(changed, "stories")
    assert [level for level, _ in found] == levels
