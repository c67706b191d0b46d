"""What a publisher says about one article, and the Article that is made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from newsletter import sanitize
from newsletter.config import SourceOptions
from newsletter.model import Article, Page


@dataclass(frozen=True)
class Facts:
    """What a feed, a page or a file says about one article; every text is harmless already."""

    title: str = ""  # plain, on one line
    key: str = ""  # the publisher's own name for it: a guid, or the number of a post
    url: str | None = None  # absolute
    authors: tuple[str, ...] = ()
    byline_email: str | None = None
    published: datetime | None = None  # with a time zone
    says_utc: bool = False  # the date is labelled as UTC, rightly or not
    image: str | None = None  # an https address
    caption: str | None = None
    credit: str | None = None
    blurb: str = ""
    language: str | None = None  # BCP 47
    page: Page | None = None


def article(
    options: SourceOptions,
    id_: str,
    facts: Facts,
    *,
    needs_date: bool = True,
    partial: bool = False,
) -> Article:
    """The article of the source with these options.

    ``id_`` is as ``article_id`` makes it. ``needs_date`` is False where a person chose the article;
    ``partial`` is True where its page could not be read, so that an earlier gather may know more.
    """
    return Article(
        id=id_,
        title=facts.title,
        source=options.name,
        url=facts.url,
        authors=facts.authors,
        byline_email=facts.byline_email,
        published=facts.published,
        image=facts.image,
        caption=facts.caption or None,
        credit=facts.credit or None,
        blurb=facts.blurb,
        language=facts.language,
        section=options.section,
        page=facts.page,
        needs_date=needs_date,
        partial=partial,
    )


def headline(title: str, text: str, site: str) -> str:
    """The headline; for an entry without one, as in short notes, the first words of its text."""
    return sanitize.headline(title, site) or sanitize.blurb(text, 100)


def language(value: Any) -> str | None:
    """A language as in BCP 47 ("en_US" becomes "en-US"); None for anything else."""
    parts = str(value or "").strip().replace("_", "-").split("-")
    if not re.fullmatch(r"[A-Za-z]{2,3}", parts[0]):
        return None
    rest = [part.upper() if len(part) == 2 else part for part in parts[1:]]
    tag = "-".join([parts[0].lower(), *rest])
    return tag if re.fullmatch(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}", tag) else None
