"""The issue folder: drafted once, read back, and every fault of issue.toml said at once."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import issues
from newsletter.errors import ContentError, NewsletterError, UsageError
from newsletter.issues.draft import _quoted
from newsletter.model import (
    Article,
    Choice,
    Dateline,
    EditorBox,
    Gathered,
    IssueName,
    LeftOut,
    Poll,
    Window,
)

DAY = IssueName(date(2025, 7, 7))
NOW = datetime(2025, 7, 4, 22, tzinfo=UTC)


def article(number: int, **more: object) -> Article:
    values: dict[str, object] = {
        "id": f"id{number}",
        "title": f"Headline {number}",
        "source": "feed.xml",
        "url": f"https://www.example.com/{number}",
        "published": NOW - timedelta(hours=number),
        "blurb": f"Blurb {number}.",
        "section": "News",
    }
    return Article(**{**values, **more})  # type: ignore[arg-type]


def gathered(*articles: Article, left_out: tuple[LeftOut, ...] = ()) -> Gathered:
    return Gathered(Window(NOW - timedelta(days=7), NOW), NOW, articles, left_out)


def make(root: Path, found: Gathered, most: int = 15) -> Path:
    folder = issues.folder_of(root, DAY)
    issues.write_gathered(folder, found)
    issues.draft(
        folder, DAY, found.articles, newsletter="N", most=most, untitled="This week",
        sections=["News", "Community"],
    )  # fmt: skip
    return folder


def test_gathered_comes_back_as_it_was(tmp_path: Path) -> None:
    found = Gathered(
        window=Window(NOW - timedelta(days=7), NOW),
        gathered_at=NOW,
        articles=(article(1, authors=("A", "B"), image="https://example.com/a.jpg"),),
        left_out=(LeftOut(article(2, published=None, url=None), "no date"),),
        dateline=Dateline("Los Angeles", 63.3, "F", date(2025, 7, 3)),
        editor=EditorBox("E", "Bio"),
    )
    issues.write_gathered(tmp_path, found)
    assert issues.read_gathered(tmp_path) == found


def test_the_draft_has_the_newest_first_and_a_lead_with_a_picture(tmp_path: Path) -> None:
    make(
        tmp_path,
        gathered(
            article(1),
            article(2, image="https://example.com/2.jpg", caption="A crane"),
            article(3, section="Community"),
            article(4, section=None),
        ),
    )
    issue = issues.read_issue(tmp_path, DAY)
    assert issue.lead
    assert (issue.lead.article.id, issue.lead.alt) == ("id2", "A crane")
    assert issue.subject == "Headline 2"
    assert [(s.title, [x.article.id for x in s.stories]) for s in issue.sections] == [
        ("News", ["id1"]),
        ("Community", ["id3"]),
        ("This week", ["id4"]),
    ]


def test_with_many_articles_each_section_gives_its_newest(tmp_path: Path) -> None:
    many = [article(n) for n in range(20)]
    many += [article(n, section="Community") for n in range(20, 40)]
    make(tmp_path, gathered(*many), most=6)
    issue = issues.read_issue(tmp_path, DAY)
    assert {story.article.id for story in issue.stories} == {
        "id0", "id1", "id2", "id20", "id21", "id22",
    }  # fmt: skip


def test_what_the_editor_wrote_is_never_touched(tmp_path: Path) -> None:
    folder = make(tmp_path, gathered(article(1)))
    (folder / "note.md").write_text("Mine.")
    mine = (folder / "issue.toml").read_text().replace("Headline 1", "My subject", 1)
    (folder / "issue.toml").write_text(mine)
    make(tmp_path, gathered(article(5), article(1)))
    assert (folder / "issue.toml").read_text() == mine
    assert (folder / "note.md").read_text() == "Mine."


def test_an_issue_of_nothing_can_be_drafted(tmp_path: Path) -> None:
    make(tmp_path, gathered())
    issue = issues.read_issue(tmp_path, DAY)
    assert (issue.subject, issue.stories) == ("N", ())


def test_a_draft_of_nothing_is_made_anew_but_only_untouched(tmp_path: Path) -> None:
    folder = make(tmp_path, gathered())
    make(tmp_path, gathered(article(1)))
    assert [story.article.id for story in issues.read_issue(tmp_path, DAY).stories] == ["id1"]
    mine = (folder / "issue.toml").read_text()
    make(tmp_path, gathered(article(2)))
    assert (folder / "issue.toml").read_text() == mine


def test_overrides_and_articles_that_were_left_out(tmp_path: Path) -> None:
    folder = make(tmp_path, gathered(article(1), left_out=(LeftOut(article(2), "over"),)))
    (folder / "images").mkdir()
    (folder / "images" / "a.jpg").write_bytes(b"x")
    (folder / "issue.toml").write_text(
        'subject = "S"\n[lead]\narticle = "id2"\nheadline = "Better"\nimage = "images/a.jpg"\n'
        'alt = "A picture"\nblurb = ""\ncaption = "C"\ncredit = "ME"\n'
    )
    lead = issues.read_issue(tmp_path, DAY).lead
    assert lead
    assert (lead.headline, lead.image, lead.alt) == ("Better", "images/a.jpg", "A picture")
    assert (lead.blurb, lead.caption, lead.credit) == ("", "C", "ME")


def test_all_faults_of_issue_toml_at_once(tmp_path: Path) -> None:
    folder = make(tmp_path, gathered(article(1), article(2)))
    (folder / "issue.toml").write_text(
        '[lead]\narticle = "id1"\nimage = "images/none.jpg"\n'
        '[[sections]]\ntitle = "News"\n[[sections.stories]]\narticle = "id1"\n'
        '[[sections.stories]]\narticle = "id22"\n'
        '[[sections.stories]]\narticle = "id2"\nimage = "../../secret.jpg"\n'
        '[[sponsors]]\ntext = "Buy"\nafter = "Sport"\n'
    )
    with pytest.raises(ContentError) as caught:
        issues.read_issue(tmp_path, DAY)
    for expected in (
        "has 5 errors",
        "lead.image, line 3: there is no file 'images/none.jpg'",
        "sections[1].stories[1].article: 'id1' is already used as lead",
        "sections[1].stories[2].article: no article has the id 'id22'; did you mean \"id2\"?",
        "sections[1].stories[3].image, line 12: there is no file '../../secret.jpg'",
        "sponsors[1].after: there is no section 'Sport'; known: News",
    ):
        assert expected in str(caught.value)


def test_a_picture_that_the_note_names_and_nobody_put_there(tmp_path: Path) -> None:
    folder = make(tmp_path, gathered(article(1)))
    (folder / "note.md").write_text("Look:\n\n![A plan](images/plan.png)\n")
    with pytest.raises(ContentError) as caught:
        issues.read_issue(tmp_path, DAY)
    first, second = str(caught.value).splitlines()
    assert first == f"{folder / 'note.md'} has 1 error:"
    assert "a picture, line 3: there is no file 'images/plan.png'" in second


def test_unknown_keys_and_broken_toml(tmp_path: Path) -> None:
    folder = make(tmp_path, gathered(article(1)))
    (folder / "issue.toml").write_text('subjekt = "S"\n[lead]\n')
    with pytest.raises(ContentError, match=r'subjekt: unknown key; did you mean "subject"'):
        issues.read_issue(tmp_path, DAY)
    (folder / "issue.toml").write_text('subject = "S')
    with pytest.raises(ContentError, match="not valid TOML"):
        issues.read_issue(tmp_path, DAY)


def test_a_damaged_gathered_json_says_what_to_do(tmp_path: Path) -> None:
    folder = make(tmp_path, gathered(article(1)))
    (folder / "gathered.json").write_text('{"window": 3}')
    with pytest.raises(ContentError, match="gather again"):
        issues.read_issue(tmp_path, DAY)


def test_a_note_in_another_encoding_is_said(tmp_path: Path) -> None:
    folder = make(tmp_path, gathered(article(1)))
    (folder / "note.md").write_bytes("한국".encode("cp949"))
    with pytest.raises(ContentError, match="UTF-8"):
        issues.read_issue(tmp_path, DAY)


def test_no_issue_yet(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="newsletter gather 2025-07-07"):
        issues.read_issue(tmp_path, DAY)


@pytest.mark.parametrize("name", ["2025-7-7", "monday", "20250707", "2025-02-30", "2025-07-07 "])
def test_what_is_no_issue_name(name: str) -> None:
    with pytest.raises(UsageError, match="named by its send date"):
        issues.parse_name(name)


def test_a_folder_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NewsletterError, match="could not be written"):
        issues.write_atomically(tmp_path / "file" / "x.json", "text")
    (tmp_path / "taken").mkdir()
    with pytest.raises(NewsletterError, match="could not be written"):
        issues.write_atomically(tmp_path / "taken", "text")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "taken"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_headline_stands_in_the_draft_as_it_is(text: str) -> None:
    assert tomllib.loads(f"x = {_quoted(text)}") == {"x": text}


def write(folder: Path, more: str) -> None:
    path = folder / "issue.toml"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")


def test_what_stands_beside_the_stories(tmp_path: Path) -> None:
    folder = make(tmp_path, gathered(article(1), article(2)))
    text = (folder / "issue.toml").read_text(encoding="utf-8")
    text = text.replace('title = "News"', 'title = "News"\nform = "brief"')
    (folder / "issue.toml").write_text(text, encoding="utf-8")
    write(
        folder,
        """
[[sponsors]]
image = "https://www.example.com/loaf.jpg"
alt = "A loaf"
starts = 2025-07-01
ends = 2025-07-07
[[sponsors]]
text = "Over"
ends = 2025-07-06
[poll]
question = "Well?"
answers = ["Yes", { text = "No", link = "https://www.example.com/no" }]
""",
    )
    issue = issues.read_issue(tmp_path, DAY)
    assert [section.layout for section in issue.sections] == ["brief"]
    assert [sponsor.alt for sponsor in issue.running] == ["A loaf"]
    assert issue.poll == Poll("Well?", (Choice("Yes"), Choice("No", "https://www.example.com/no")))


def test_a_story_that_readers_missed_is_found_in_an_earlier_issue(tmp_path: Path) -> None:
    earlier = issues.folder_of(tmp_path, IssueName(date(2025, 6, 30)))
    issues.write_gathered(earlier, gathered(article(9)))
    folder = make(tmp_path, gathered(article(1), article(2)))
    write(folder, '\n[[missed]]\narticle = "id9"\nheadline = "Still worth reading"\n')
    issue = issues.read_issue(tmp_path, DAY)
    assert [story.headline for story in issue.missed] == ["Still worth reading"]
    assert issue.missed[0].article.url == "https://www.example.com/9"
    assert issue.missed[0] not in issue.stories


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[[sponsors]]\nlabel = 'x'", "sponsors[1]: expected a text or an image"),
        (
            "[[sponsors]]\ntext = 'x'\nstarts = 2025-07-02\nends = 2025-07-01",
            "sponsors[1]: ends before it starts",
        ),
        ("[[sponsors]]\ntext = 'x'\nstarts = 'soon'", "sponsors[1].starts: expected a valid date"),
        ("[[sections]]\ntitle = 'x'\nform = 'big'", "sections[2].form: expected 'picture', 'text'"),
        ("[[missed]]\narticle = 'nope'", "missed[1].article: no article has the id 'nope'"),
        ("[poll]\nanswers = ['Yes']", "poll.question: is missing"),
        ("[poll]\nquestion = 'x'\nanswers = [3]", "poll.answers[1]"),
    ],
)
def test_what_is_wrong_beside_the_stories_is_said(tmp_path: Path, more: str, said: str) -> None:
    folder = make(tmp_path, gathered(article(1), article(2)))
    write(folder, f"\n{more}\n")
    with pytest.raises(ContentError) as caught:
        issues.read_issue(tmp_path, DAY)
    assert said in str(caught.value), caught.value
