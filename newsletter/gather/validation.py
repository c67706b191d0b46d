"""Whether what a source returned is an article that the program can use."""

from __future__ import annotations

from newsletter import registry
from newsletter.model import Article


def invalid(article: object, source: str) -> str | None:
    """What is wrong with an article of the source of that name; None if nothing is.

    ``article`` may be anything, since the source may be code from outside.
    """
    if not isinstance(article, Article):
        return f"gave a {type(article).__name__} instead of an Article"
    title = article.title
    name = f"the article “{title}”" if isinstance(title, str) else f"the article {article.id!r}"
    if field := registry.mistyped_field(article):
        return f"failed: {name} has {field} = {getattr(article, field)!r}"
    if not article.id:
        return f"failed: {name} has no id"
    if article.published and article.published.utcoffset() is None:
        return f"failed: {name} has a date without a time zone, {article.published}"
    if article.source != source:
        return f"failed: {name} has the source {article.source!r} instead of {source!r}"
    return None
