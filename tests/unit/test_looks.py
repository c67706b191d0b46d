"""What is wrong with a look is said with file and line, before a mail is made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.app import open_desk
from newsletter.colours import contrast, on, parsed, readable
from newsletter.config import Config
from newsletter.errors import ContentError
from newsletter.render import look, packaged_templates, render
from tests.kinds import GOOD
from tests.newsroom import CONFIG


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "newsletter.toml").write_text(CONFIG)
    return open_desk(tmp_path).config


@pytest.fixture
def own(config: Config) -> Callable[[str, str], None]:
    """Writes a file of the look into the newsroom's own templates."""

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
        ("h1:hover { color: #000000; }", "'h1:hover' would be lost, because ':hover' names no"),
        ("p:not(.x) { margin: 0; }", "'p:not(.x)' would be lost"),
        ('a[href^="x"] { margin: 0; }', "would be lost, because '^=' names no element"),
        ("p::before { margin: 0; }", "'p::before' would be lost"),
        ("@media print { p { margin: 0; } }", "'@media' would be lost, because an at-rule"),
        ("@media print { @media screen { p { margin: 0; } } }", "'@media' would be lost"),
        ("@font-face { src: url(x); }", "'@font-face' would be lost"),
        ("h1 { color }", "a declaration in it is no CSS"),
        ("h1 { color: red; } }", "it is no CSS"),
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


def test_the_styles_of_the_looks_are_not_lost(config: Config) -> None:
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
def test_a_look_toml_that_is_wrong(
    config: Config, own: Callable[[str, str], None], text: str, said: str
) -> None:
    own("look.toml", text)
    with pytest.raises(ContentError, match=r"look\.toml") as caught:
        render(GOOD, config)
    assert said in str(caught.value)


def test_a_look_without_facts_has_the_usual_places(config: Config) -> None:
    bare = config.newsletter.model_copy(update={"template": "none"})
    from dataclasses import replace

    assert look(replace(config, newsletter=bare)).places.lead == 536


def test_a_part_that_is_missing_is_named(config: Config, own: Callable[[str, str], None]) -> None:
    own("email.html.j2", '{% from "_parts/gone.html.j2" import x %}{{ x() }}')
    with pytest.raises(ContentError, match=r"There is no template _parts/gone\.html\.j2"):
        render(GOOD, config)


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


def test_the_contrast_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((255, 255, 255), (118, 118, 118)) == pytest.approx(4.54, abs=0.01)
