"""A layout of one's own is a file in the template's folder, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.app import open_desk
from newsletter.app.desk import Desk
from newsletter.errors import ContentError
from newsletter.model import Issue, Section
from newsletter.render import placed_pictures, render
from tests import newsroom
from tests.sample_issues import everything, story

GRID = """\
{% from "_parts/picture.html.j2" import picture with context %}
<tr><td class="grid">
{% for story in section.stories %}
<p id="story-{{ story.id }}">{{ story.headline }}</p>
{% if story.picture %}{{ picture(story.picture, story.alt, story.url) }}{% endif %}
{% endfor %}
</td></tr>
"""
ISSUE = "2031-07-07"


def desk_of(folder: Path, template: str = "weekly") -> Desk:
    settings = newsroom.CONFIG.replace("[editor]", f'template = "{template}"\n\n[editor]', 1)
    (folder / "newsletter.toml").write_text(settings)
    return open_desk(folder)


def write_layout(folder: Path, text: str = GRID, template: str = "weekly") -> None:
    path = folder / "templates" / template / "layouts" / "grid.html.j2"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def in_layout(layout: str) -> Issue:
    stories = (story(2, image="https://www.example.com/2.jpg"), story(3))
    return Issue(**{**vars(everything()), "sections": (Section("Texts", stories, layout),)})


@pytest.mark.parametrize("template", ["weekly", "plain"])
def test_its_file_sets_the_section(tmp_path: Path, template: str) -> None:
    write_layout(tmp_path, template=template)
    html = render(in_layout("grid"), desk_of(tmp_path, template).config).html
    assert '<td class="grid"' in html
    assert html.count('id="story-') == 1 + 2 + 2  # the lead, the section, what readers missed


def test_its_pictures_are_as_wide_as_the_template_says(tmp_path: Path) -> None:
    write_layout(tmp_path)
    config = desk_of(tmp_path).config
    picture = "https://www.example.com/2.jpg"
    assert (picture, 320) in set(placed_pictures(in_layout("grid"), config))
    (tmp_path / "templates/weekly/template.toml").write_text("[layouts]\ngrid = 260\n")
    assert (picture, 260) in set(placed_pictures(in_layout("grid"), config))
    assert picture not in dict(placed_pictures(in_layout("brief"), config))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("grdi = 260", "layouts.grdi: unknown layout; known are picture, text, brief, grid"),
        ("grid = 700", "layouts.grid: expected less than or equal to 600"),
    ],
)
def test_a_wrong_width_is_an_error(tmp_path: Path, text: str, expected: str) -> None:
    write_layout(tmp_path)
    (tmp_path / "templates/weekly/template.toml").write_text(f"[layouts]\n{text}\n")
    with pytest.raises(ContentError, match=r"template\.toml has 1 error") as caught:
        render(in_layout("grid"), desk_of(tmp_path).config)
    assert expected in str(caught.value)


def test_a_mistake_in_it_is_said_with_file_and_line(tmp_path: Path) -> None:
    write_layout(tmp_path, "<tr><td>\n{{ section.stroies }}\n</td></tr>")
    with pytest.raises(ContentError, match=r"weekly/layouts/grid\.html\.j2, line 2"):
        render(in_layout("grid"), desk_of(tmp_path).config)


@pytest.mark.parametrize("name", ["gird", "../weekly/style", ""])
def test_a_layout_that_is_not_there_is_an_error_in_issue_toml(tmp_path: Path, name: str) -> None:
    write_layout(tmp_path)
    room = newsroom.make(tmp_path)
    room.run("gather", ISSUE)
    path = tmp_path / "issues" / ISSUE / "issue.toml"
    draft = path.read_text(encoding="utf-8")
    for layout, status in (("grid", 0), (name, 1)):
        text = draft.replace('title = "News"', f'title = "News"\nform = "{layout}"')
        path.write_text(text, encoding="utf-8")
        output = room.run("build", ISSUE, status=status)
    expected = f"sections[1].form: expected 'picture', 'text', 'brief' or 'grid', not {name!r}"
    assert expected in " ".join(output.stderr.split())
