"""The templates, drawn by a real browser: on phones, in the dark, without styles, full or empty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from newsletter import check
from newsletter.app import open_desk
from newsletter.check import Mail
from newsletter.colours import contrast
from newsletter.config import Config
from newsletter.model import Hosted, Issue, Pictures, Section, Sponsor
from newsletter.render import render, template_settings
from tests.axe import OF_PAGES, violations
from tests.newsroom import CONFIG
from tests.sample_issues import GOOD, KOREAN, LANTERNS, RTL, everything, story

pytestmark = pytest.mark.browser

LONG = "A headline of three hundred letters, which goes on and on " * 5 + "to its end"
UNBROKEN = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3


def many(count: int, **more: object) -> tuple[Section, ...]:
    stories = tuple(story(number, **more) for number in range(100, 100 + count))
    return (Section("News", stories),)


ISSUES: dict[str, Issue] = {
    "everything": everything(),
    "one story": replace(GOOD, sections=(), sponsors=(), note="", preheader=GOOD.preheader),
    "sixty stories": replace(GOOD, sections=many(59)),
    "long headlines": replace(
        GOOD, lead=story(1, headline=LONG, image=LANTERNS), sections=many(3, headline=LONG)
    ),
    "unbroken words": replace(
        GOOD, lead=story(1, headline=UNBROKEN), sections=many(2, headline=UNBROKEN, blurb=UNBROKEN)
    ),
    "no pictures": replace(everything(), lead=story(1), sections=many(9), pictures=Pictures()),
    "right to left": replace(
        GOOD, lead=story(1, headline=RTL), sections=many(2, headline=RTL, blurb=RTL)
    ),
    "korean stories": replace(GOOD, sections=many(3, headline=KOREAN, blurb=KOREAN * 3)),
    "briefs": replace(GOOD, sections=(Section("Briefs", many(12)[0].stories, "brief"),)),
}
TEMPLATES = ("weekly", "plain")


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[Page]:
    """One for all tests, offline, as a new one takes longer than a test; pictures are grey."""
    page = chromium.new_page()
    page.route("**/*", lambda route: route.abort())
    yield page
    page.close()


def configured(folder: Path, template: str, language: str = "en") -> Config:
    text = CONFIG.replace(
        "timezone =", f'template = "{template}"\nlanguage = "{language}"\ntimezone ='
    )
    text = text.replace("[[sources]]", f'picture = "{LANTERNS}"\n\n[[sources]]')
    (folder / "newsletter.toml").write_text(text, encoding="utf-8")
    return open_desk(folder).config


def page_of(
    window: Page, html: str, width: int, color_scheme: Literal["light", "dark"] = "light"
) -> Page:
    """The mail in the window, at that width, in the place of what was there."""
    window.set_viewport_size({"width": width, "height": 900})
    window.emulate_media(color_scheme=color_scheme)
    window.set_content(html, wait_until="domcontentloaded")
    return window


def without_styles(html: str) -> str:
    """As Gmail's mobile web and some of its apps have it."""
    return re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)


@pytest.mark.parametrize("template", TEMPLATES)
def test_nothing_scrolls_sideways(tmp_path: Path, window: Page, template: str) -> None:
    config = configured(tmp_path, template)
    page = page_of(window, "", 320)
    for name, issue in ISSUES.items():
        html = render(issue, config).html
        for source in (html, without_styles(html)):
            page.set_content(source, wait_until="domcontentloaded")
            for width in (320, 375, 700):
                page.set_viewport_size({"width": width, "height": 900})
                whole = page.evaluate("document.documentElement.scrollWidth")
                assert whole <= width, f"{name}: {whole} at {width}"


def test_a_mail_without_a_note_begins_with_its_news(tmp_path: Path, window: Page) -> None:
    config = configured(tmp_path, "weekly")
    for note, first in (("Hello.", "About the editor"), ("", "The lead story")):
        made = render(replace(GOOD, note=note), config)
        labels = page_of(window, made.html, 700).locator("h2.label").all_inner_texts()
        said = [label.lower() for label in labels if "note" not in label.lower()]
        assert said[0] == first.lower()
        assert "about the editor" in said
        about, lead = (made.text.index(word) for word in ("ABOUT THE EDITOR", "THE LEAD STORY"))
        assert (about < lead) is bool(note)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_axe_finds_nothing_in_light_and_dark(
    tmp_path: Path, window: Page, template: str, language: str
) -> None:
    html = render(everything(), configured(tmp_path, template, language)).html
    for palette, width in (("light", 800), ("dark", 375)):
        page = page_of(window, html, width, color_scheme=palette)
        assert not violations(page, without=OF_PAGES)


@pytest.mark.browser
def test_axe_would_find_something(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content("<html lang='en'><title>A</title><p style='color: #ccc'>Pale</p><img src=a>")
    assert "image-alt" in violations(page)
    assert "color-contrast" in violations(page)
    assert "color-contrast" not in violations(page, without=("color-contrast",))
    page.set_content("<html lang='en'><title>A</title><main><h1>Well</h1></main>")
    assert violations(page) == ""
    page.close()


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("accent", ["#9b1c2e", "#ffd400", "#0a0a0a", "#00ffee", "#2a6df4"])
def test_every_rule_holds_with_everything_in_the_mail(
    tmp_path: Path, template: str, language: str, accent: str
) -> None:
    config = configured(tmp_path, template, language)
    coloured = config.newsletter.model_copy(update={"accent": accent})
    config = replace(config, newsletter=coloured)
    issue = everything() if language == "en" else replace(everything(), subject="(광고) 이번 주")
    mail = Mail(issue, render(issue, config), config, dict(template_settings(config).accepted))
    assert check.run(mail) == ()


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_picture_that_is_off_leaves_its_words(
    tmp_path: Path, window: Page, template: str
) -> None:
    html = render(everything(), configured(tmp_path, template)).html
    page = page_of(window, html, 700)
    assert page.get_by_alt_text("A loaf").is_visible()


def test_the_dark_palette_is_drawn(tmp_path: Path, window: Page) -> None:
    html = render(everything(), configured(tmp_path, "weekly")).html
    ground = "getComputedStyle(document.querySelector('.sheet')).backgroundColor"
    for palette, expected in (("light", "rgb(255, 253, 249)"), ("dark", "rgb(27, 25, 23)")):
        page = page_of(window, html, 700, color_scheme=palette)
        assert page.evaluate(ground) == expected


def test_a_headline_from_right_to_left_stands_on_the_right(tmp_path: Path, window: Page) -> None:
    html = render(ISSUES["right to left"], configured(tmp_path, "weekly")).html
    page = page_of(window, html, 700)
    cell = page.locator("#story-id1")
    assert cell.get_attribute("dir") == "rtl"
    assert cell.locator("h3").evaluate("e => getComputedStyle(e).direction") == "rtl"


@pytest.mark.parametrize("language", ["ko", "en"])
def test_korean_words_are_kept_whole(tmp_path: Path, window: Page, language: str) -> None:
    html = render(everything(), configured(tmp_path, "weekly", language)).html
    page = page_of(window, html, 375)
    kept = page.locator(".gutter").evaluate("e => getComputedStyle(e).wordBreak")
    assert kept == "keep-all"
    assert "Apple SD Gothic Neo" in html


@pytest.mark.parametrize("template", TEMPLATES)
def test_sixty_stories_stay_under_the_limit(tmp_path: Path, template: str) -> None:
    config = configured(tmp_path, template)
    size = len(render(ISSUES["sixty stories"], config).html.encode())
    assert size < 102 * 1024


def weight(count: int, layout: str, config: Config) -> int:
    """The bytes of a mail with so many usual stories, each with a picture."""
    pictures = tuple(
        Hosted(f"https://www.example.com/{number}.jpg", place, "f" * 20 + ".jpg", 640, 427, 90_000)
        for number in range(100, 100 + count)
        for place in (320,)
    )
    (section,) = many(count, headline="A headline of usual length, which is two lines on a phone")
    stories = tuple(
        replace(story, image=f"https://www.example.com/{number}.jpg", blurb="Words " * 30)
        for number, story in enumerate(section.stories, 100)
    )
    full = replace(GOOD, sections=(Section("News", stories, layout),), pictures=Pictures(pictures))
    return len(render(full, config).html.encode())


@pytest.mark.parametrize(("layout", "most"), [("picture", 1600), ("text", 750), ("brief", 550)])
def test_a_story_is_light(tmp_path: Path, layout: str, most: int) -> None:
    config = configured(tmp_path, "weekly")
    each = (weight(40, layout, config) - weight(10, layout, config)) / 30
    assert each < most


@pytest.mark.parametrize("template", TEMPLATES)
def test_hangul_is_never_slanted(tmp_path: Path, window: Page, template: str) -> None:
    html = render(everything(), configured(tmp_path, template, "ko")).html
    page = page_of(window, html, 700)
    slanted = page.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => e.tagName != 'EM' && "
        "!e.closest('em') && getComputedStyle(e).fontStyle == 'italic').map(e => e.outerHTML)"
    )
    assert slanted == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_an_advertisement_whose_picture_is_lost_says_its_words(
    tmp_path: Path, template: str
) -> None:
    loaf, none = (
        Sponsor("", image=f"images/{n}.png", alt=alt, link="https://www.example.com/b")
        for n, alt in ((1, "Bread since 1911"), (2, ""))
    )
    lost = Pictures(lost={"images/1.png": "it is damaged.", "images/2.png": "it is damaged."})
    issue = replace(GOOD, sponsors=(loaf, none), pictures=lost)
    rendered = render(issue, configured(tmp_path, template))
    assert ">Bread since 1911</a>" in rendered.html
    assert rendered.html.count("Advertisement</p>") == 1
    assert rendered.text.count("[Advertisement]") == 1


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_small_picture_in_the_note_is_not_blown_up(
    tmp_path: Path, window: Page, template: str
) -> None:
    small = Hosted("https://www.example.com/s.png", 536, "small.png", 300, 200, 9_000)
    note = "Look:\n\n![A stamp](https://www.example.com/s.png)"
    for place in (536, 520):
        pictures = Pictures((replace(small, place=place),))
        issue = replace(GOOD, note=note, pictures=pictures)
        html = render(issue, configured(tmp_path, template)).html
        if "small.png" in html:
            break
    page = page_of(window, html, 700)
    stamp = page.get_by_alt_text("A stamp")
    assert stamp.evaluate("e => getComputedStyle(e).maxWidth") == "300px"


@pytest.mark.parametrize("accent", ["#ffffff", "#fffdf9", "#0a0a0a", "#1b1917"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_button_can_be_told_from_its_ground(
    tmp_path: Path, window: Page, template: str, accent: str
) -> None:
    config = configured(tmp_path, template)
    coloured = config.newsletter.model_copy(update={"accent": accent})
    html = render(GOOD, replace(config, newsletter=coloured)).html
    for palette in ("light", "dark"):
        page = page_of(window, html, 700, color_scheme=palette)
        button, sheet = (page.locator(where).evaluate(_DRAWN) for where in (".button", ".sheet"))
        seen = [button["ground"], *([button["edge"]] if button["border"] else [])]
        apart = max(contrast(rgb(colour), rgb(sheet["ground"])) for colour in seen)
        assert apart >= 3, f"{button} on {sheet}, {palette}"


_DRAWN = """e => {
    const drawn = getComputedStyle(e);
    return {ground: drawn.backgroundColor, edge: drawn.borderTopColor,
            border: parseFloat(drawn.borderTopWidth)};
}"""


def rgb(said: str) -> tuple[int, int, int]:
    red, green, blue = map(int, re.findall(r"\d+", said)[:3])
    return red, green, blue
