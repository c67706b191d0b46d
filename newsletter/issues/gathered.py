"""gathered.json ↔ Gathered. The keys are a contract: other people's scripts read them."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

from newsletter.errors import ContentError
from newsletter.issues.files import write_atomically
from newsletter.model import (
    Article,
    Dateline,
    EditorBox,
    Gathered,
    Health,
    LeftOut,
    SourceHealth,
    Window,
)

NAME = "gathered.json"


def write_gathered(folder: Path, gathered: Gathered) -> None:
    """Write ``folder/gathered.json``."""
    text = json.dumps(_out(gathered), ensure_ascii=False, indent=1)
    write_atomically(folder / NAME, text + "\n")


def read_gathered(folder: Path) -> Gathered | None:
    """``folder/gathered.json``, or None if there was no gather yet.

    Raises ContentError if it cannot be read.
    """
    path = folder / NAME
    try:
        return _in(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ContentError(
            f"{path} cannot be read: {error.strerror}. Look at its permissions."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ContentError(
            f"{path} is damaged ({type(error).__name__}: {error}). It is the program's own file: "
            f"restore it from git, or delete it and gather again."
        ) from error


def _out(gathered: Gathered) -> dict[str, Any]:
    return {
        "window": {
            "start": gathered.window.start.isoformat(),
            "end": gathered.window.end.isoformat(),
        },
        "gathered_at": gathered.gathered_at.isoformat(),
        "dateline": _dateline_out(gathered.dateline),
        "editor": gathered.editor and {"name": gathered.editor.name, "bio": gathered.editor.bio},
        "sources": [source_out(source) for source in gathered.sources],
        "articles": [_article_out(article) for article in gathered.articles],
        "left_out": [
            {**_article_out(left.article), "reason": left.reason}
            | ({"of": left.of} if left.of else {})
            for left in gathered.left_out
        ],
    }


def _article_out(article: Article) -> dict[str, Any]:
    return {
        "id": article.id,
        "url": article.url,
        "title": article.title,
        "authors": list(article.authors),
        "byline_email": article.byline_email,
        "published": article.published.isoformat() if article.published else None,
        "image": article.image,
        "caption": article.caption,
        "credit": article.credit,
        "blurb": article.blurb,
        "language": article.language,
        "section": article.section,
        "source": article.source,
    }


def source_out(report: SourceHealth) -> dict[str, Any]:
    """A source's report with the keys of gathered.json."""
    return {
        report.key: report.name,
        "type": report.type,
        "section": report.section,
        "status": report.status.value,
        "reason": report.reason,
        "since": report.since.isoformat() if report.since else None,
        "articles": report.articles,
    }


def _dateline_out(dateline: Dateline | None) -> dict[str, Any] | None:
    if dateline is None:
        return None
    return {
        "city": dateline.city,
        "temperature": dateline.temperature,
        "unit": dateline.unit,
        "date": dateline.date.isoformat() if dateline.date else None,
    }


def _in(raw: dict[str, Any]) -> Gathered:
    editor = raw.get("editor")
    return Gathered(
        window=Window(_moment(raw["window"]["start"]), _moment(raw["window"]["end"])),
        gathered_at=_moment(raw["gathered_at"]),
        articles=tuple(_article_in(article) for article in raw["articles"]),
        left_out=tuple(
            LeftOut(_article_in(article), _text(article, "reason"), _text_or_null(article, "of"))
            for article in raw["left_out"]
        ),
        sources=tuple(_source_in(source) for source in raw["sources"]),
        dateline=_dateline_in(raw.get("dateline")),
        editor=EditorBox(_text(editor, "name"), _text(editor, "bio")) if editor else None,
    )


def _article_in(raw: dict[str, Any]) -> Article:
    authors = _typed(raw, "authors", list)
    return Article(
        id=_text(raw, "id"),
        url=_text_or_null(raw, "url"),
        title=_text(raw, "title"),
        authors=tuple(_text(authors, place) for place in range(len(authors))),
        byline_email=_text_or_null(raw, "byline_email"),
        published=_moment(raw["published"]) if raw["published"] else None,
        image=_text_or_null(raw, "image"),
        caption=_text_or_null(raw, "caption"),
        credit=_text_or_null(raw, "credit"),
        blurb=_text(raw, "blurb"),
        language=_text_or_null(raw, "language"),
        section=_text_or_null(raw, "section"),
        source=_text(raw, "source"),
    )


def _source_in(raw: dict[str, Any]) -> SourceHealth:
    key = "url" if "url" in raw else "path"
    return SourceHealth(
        name=_text(raw, key),
        key=key,
        type=_text(raw, "type"),
        section=_text_or_null(raw, "section"),
        status=Health(raw["status"]),
        articles=_typed(raw, "articles", int),
        reason=_text_or_null(raw, "reason"),
        since=_moment(raw["since"]) if raw["since"] else None,
    )


def _dateline_in(raw: dict[str, Any] | None) -> Dateline | None:
    if raw is None:
        return None
    day = date.fromisoformat(raw["date"]) if raw.get("date") else None
    temperature = _typed(raw, "temperature", int | float | None)
    return Dateline(_text_or_null(raw, "city"), temperature, _text_or_null(raw, "unit"), day)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset from UTC")
    return moment


def _text(raw: Any, key: str | int) -> str:
    text: str = _typed(raw, key, str)
    return text


def _text_or_null(raw: Any, key: str) -> str | None:
    return None if raw.get(key) is None else _text(raw, key)


def _typed(raw: Any, key: str | int, type_: Any) -> Any:
    """The value of the key; raises TypeError if it has another type."""
    value = raw[key]
    if not isinstance(value, type_):
        raise TypeError(f"{key} is {value!r:.60}")
    return value
