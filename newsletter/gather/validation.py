"""Whether what a source gave is an article that the program can use."""

from __future__ import annotations

import types
import typing

from newsletter.model import Article

_HINTS = typing.get_type_hints(Article)
_KINDS: dict[str, type | types.UnionType] = {
    name: typing.get_origin(hint) if typing.get_origin(hint) is tuple else hint
    for name, hint in _HINTS.items()
}


def invalid(article: object, source: str) -> str | None:
    """What is wrong with an article of the source of that name, in words; None where it is usable.

    ``article`` may be anything: the class that gave it may be code from outside.
    """
    if not isinstance(article, Article):
        return f"gave a {type(article).__name__} instead of an Article"
    title = article.title
    name = f"the article “{title}”" if isinstance(title, str) else f"the article {article.id!r}"
    for field, kind in _KINDS.items():
        value = getattr(article, field)
        if not isinstance(value, kind):
            return f"failed: {name} has {field} = {value!r}"
    if not all(isinstance(author, str) for author in article.authors):
        return f"failed: {name} has authors = {article.authors!r}"
    if not article.id:
        return f"failed: {name} has no id"
    if article.published and article.published.utcoffset() is None:
        return f"failed: {name} has a date without a time zone, {article.published}"
    if article.source != source:
        return f"failed: {name} has the source {article.source!r} instead of {source!r}"
    return None
