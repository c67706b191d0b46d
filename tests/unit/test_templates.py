"""What is wrong with a template is said with file and line, before a mail is made of it."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.app import open_desk
from newsletter.colours import contrast, on, parsed, readable
from newsletter.config import Config
from newsletter.errors import ContentError
from newsletter.render import packaged_templates, render, template_settings
from tests.newsroom import CONFIG
from tests.sample_issues import GOOD


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "newsletter.toml").write_text(CONFIG)
    return open_desk(tmp_path).config


@pytest.fixture
def own(config: Config) -> Callable[[str, str], None]:
    """Writes a file of the template into the newsroom's own templates."""

    def write(name: str, text: str) -> None:
        path = config.folder / "templates" / "weekly" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return write


def style() -> str:
    return (packaged_templates() / "weekly" / "style.css").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("css", "said"),
    [
        ("h1 { color: #000000cc; }", "'color: #000000cc' would be lost"),
        ("h1 { color: rgb(0 0 0 / 50%); }", "'color: rgb(0 0 0 / 50%)' would be lost"),
        ("h1:hover { color: #000000; }", "'h1:hover' would be lost, because the inliner"),
        ("p:not(.x) { margin: 0; }", "'p:not(.x)' would be lost"),
        ('a[href^="x"] { margin: 0; }', "would be lost, because the inliner does not support '^='"),
        ("h1 > > p { margin: 0; }", "because the inliner does not support this selector"),
        ("p::before { margin: 0; }", "'p::before' would be lost"),
        ("@media print { p { margin: 0; } }", "'@media' would be lost, because an at-rule"),
        ("@media print { @media screen { p { margin: 0; } } }", "'@media' would be lost"),
        ("@font-face { src: url(x); }", "'@font-face' would be lost"),
        ("h1 { color }", "a declaration in it is not CSS"),
        ("h1 { color: red; } }", "it is not CSS"),
    ],
)
def test_a_style_that_the_inliner_would_lose(
    config: Config, own: Callable[[str, str], None], css: str, said: str
) -> None:
    text = f"{style()}{css}\n"
    own("style.css", text)
    with pytest.raises(ContentError) as caught:
        render(GOOD, config)
    message = str(caught.value)
    assert said in message
    assert "templates/weekly/style.css, line " in message
    line = int(message.partition(", line ")[2].partition(":")[0])
    assert text.splitlines()[line - 1].strip()[:4] == css[:4], message
    assert "data-premailer" in message


def test_the_styles_of_the_templates_are_not_lost(config: Config) -> None:
    html = render(GOOD, config).html
    assert "<style" in html  # what is for phones and the dark
    assert "max-width:600px" in html


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[places]\nlead = 700\n", "places.lead: expected less than or equal to 600"),
        ("[places]\nhero = 500\n", "places.hero: unknown key"),
        ("[accepted]\ncss-x = 3\n", 'accepted.css-x: expected a list, such as ["…"]'),
        ("[places", "is not valid TOML"),
    ],
)
@pytest.mark.parametrize("name", ["template.toml", "look.toml"])
def test_a_template_toml_that_is_wrong(
    config: Config, own: Callable[[str, str], None], name: str, text: str, said: str
) -> None:
    own(name, text)
    with pytest.raises(ContentError, match=name.replace(".", r"\.")) as caught:
        render(GOOD, config)
    assert said in str(caught.value)


def test_a_template_without_settings_has_the_usual_places(config: Config) -> None:
    bare = config.newsletter.model_copy(update={"template": "none"})
    from dataclasses import replace

    assert template_settings(replace(config, newsletter=bare)).places.lead == 536


@pytest.mark.parametrize(
    "asked", ['{% from "gone.html.j2" import x %}', '{% include "gone.html.j2" %}',
              '{% extends "gone.html.j2" %}'],
)  # fmt: skip
def test_a_part_that_is_missing_is_named_and_who_asks_for_it(
    config: Config, own: Callable[[str, str], None], asked: str
) -> None:
    own("email.html.j2", f"<p>\n{asked}")
    with pytest.raises(ContentError, match=r"There is no template gone\.html\.j2") as caught:
        render(GOOD, config)
    assert "weekly/email.html.j2, line 2" in str(caught.value)


def test_a_file_that_is_not_utf8_is_named_with_its_line(config: Config) -> None:
    path = config.folder / "templates" / "weekly" / "style.css"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"p { margin: 0; }\nh1 { color: #000000; } /* caf\xe9 */\n")
    with pytest.raises(ContentError, match=r"weekly/style\.css, line 2, is not UTF-8"):
        render(GOOD, config)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("{{ newsletter.name | shout }}", "No filter named 'shout'. Fix that line."),
        ("{{ newsletter.__class__ }}", "'dict' object is unsafe."),
        ('{{ say("nothing") }}', "there is no 'nothing'."),
        ("{{ 1 / 0 }}", "division by zero."),
        ("{% if %}", "Fix that line."),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(
    config: Config, own: Callable[[str, str], None], wrong: str, said: str
) -> None:
    own("email.html.j2", f"<p>\n{wrong}\n</p>")
    with pytest.raises(ContentError, match=r"weekly/email\.html\.j2, line 2") as caught:
        render(GOOD, config)
    assert str(caught.value).endswith(said)
    assert "\n" not in str(caught.value)
    assert ".." not in str(caught.value).removeprefix("The template ")


def test_a_wrong_value_is_said_with_the_line_that_gave_it(
    config: Config, own: Callable[[str, str], None]
) -> None:
    text = (packaged_templates() / "weekly" / "email.html.j2").read_text(encoding="utf-8")
    own("email.html.j2", text.replace("heading(words.lead)", "heading(words.leed)"))
    number = next(n for n, line in enumerate(text.splitlines(), 1) if "heading(words.lead)" in line)
    with pytest.raises(ContentError) as caught:
        render(GOOD, config)
    assert "_parts/divider.html.j2, line " in str(caught.value)
    place = f"{config.folder}/templates/weekly/email.html.j2, line {number}"
    assert f"It was called in {place}." in str(caught.value)


def test_a_mistake_in_a_part_is_said_with_its_own_file_and_line(config: Config) -> None:
    path = config.folder / "templates" / "_parts" / "story.html.j2"
    path.parent.mkdir(parents=True)
    packaged = (packaged_templates() / "_parts" / "story.html.j2").read_text()
    path.write_text(packaged.replace("{{ story.blurb }}", "{{ story.blurp }}"))
    number = next(n for n, line in enumerate(path.read_text().splitlines(), 1) if "blurp" in line)
    with pytest.raises(ContentError, match=rf"_parts/story.html.j2, line {number}, failed"):
        render(GOOD, config)


@pytest.mark.parametrize("colour", ["#9b1c2e", "#ffd400", "#0a0a0a", "#ffffff", "#777777"])
@pytest.mark.parametrize("ground", ["#ffffff", "#111111", "#f6f1e7", "#262320"])
def test_every_colour_becomes_readable(colour: str, ground: str) -> None:
    assert contrast(parsed(readable(colour, ground)), parsed(ground)) >= 4.5
    assert contrast(parsed(on(colour)), parsed(colour)) >= 4.5


def test_a_colour_keeps_its_hue_and_saturation() -> None:
    both = "#9b1c2e", readable("#9b1c2e", "#111111")
    as_it_was, now = (colorsys.rgb_to_hls(*(c / 255 for c in parsed(each))) for each in both)
    assert now[1] > as_it_was[1]
    assert now[0] == pytest.approx(as_it_was[0], abs=0.01)
    assert now[2] == pytest.approx(as_it_was[2], abs=0.02)


def test_the_contrast_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((255, 255, 255), (118, 118, 118)) == pytest.approx(4.54, abs=0.01)
