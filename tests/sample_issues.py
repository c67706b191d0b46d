"""Issues made up for tests of templates and checks: a usual one, and one with everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from newsletter.model import (
    Article,
    Choice,
    Dateline,
    Hosted,
    Issue,
    IssueName,
    Pictures,
    Poll,
    Section,
    Sponsor,
    Story,
)

LANTERNS = "https://www.example.com/1.jpg"


def story(number: int, **more: object) -> Story:
    """A story of that number; any field can be given another value."""
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
    name=IssueName(date(2025, 7, 7)),
    subject="A subject",
    preheader="A preheader of a good length for an inbox",
    note="A **note** with [a link](https://www.example.com/n).",
    lead=story(1, image=LANTERNS, caption="Caption", credit="ME"),
    sections=(Section("News", (story(2), story(3))),),
    sponsors=(Sponsor("Buy this", link="https://www.example.com/ad", after="News"),),
    pictures=Pictures((Hosted(LANTERNS, 536, "lanterns.jpg", 1072, 603, 90_000),)),
)

_NOTE = """\
A **note** with *all* that a note may hold, and [a link](https://www.example.com/n).

## A heading

### A smaller one

- one
- two

1. first
2. second

> Somebody said this.

---

![A plan of the market](https://www.example.com/plan.png)

The end.\\
Really.
"""

RTL = "رات کا بازار چھ سال بعد واپس آ گیا"
KOREAN = "올림픽 대로의 야시장이 여섯 해 만에 돌아왔다"


def everything(picture: str = LANTERNS) -> Issue:
    """An issue that uses each part that a template has."""
    foreign = replace(story(6).article, language="ur")
    korean = replace(story(7).article, language="ko", byline_email="sam@example.com")
    hosted = tuple(
        Hosted(picture, place, f"lanterns-{place}.jpg", place * 2, round(place * 1.125), 90_000)
        for place in (536, 520, 496, 480, 320, 72)
    )
    return replace(
        GOOD,
        note=_NOTE,
        lead=story(1, image=picture, caption="Lanterns over the road", credit="A. Painter"),
        sections=(
            Section("Pictures", (story(2, image=picture, credit="B. Painter"), story(3))),
            Section("Texts", (story(4), story(5, blurb="")), "text"),
            Section(
                "Briefs",
                (Story(foreign, RTL, "", alt="x"), Story(korean, KOREAN, "", alt="x")),
                "brief",
            ),
        ),
        sponsors=(
            Sponsor("A baker, since 1911.", link="https://www.example.com/ad"),
            Sponsor(
                "", image=picture, alt="A loaf", link="https://www.example.com/b", after="Texts"
            ),
        ),
        missed=(story(20), story(21)),
        poll=Poll("Shall it stay?", (Choice("Yes"), Choice("No", "https://www.example.com/no"))),
        pictures=Pictures(hosted),
        dateline=Dateline("Los Angeles", 66, "F", date(2025, 7, 7)),
    )
