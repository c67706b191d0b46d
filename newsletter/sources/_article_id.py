"""What an article is called in our books: the same at every gather, whatever its date or words."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Hashable, Iterable

from newsletter.sanitize import canonical
from newsletter.sources._facts import Facts

LENGTH = 12  # hexadecimal digits
SHARED = 3  # a link that so many items of one source carry names none of them


def article_id(*parts: str) -> str:
    """A short, stable id from what never changes about an article."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:LENGTH]


def entry_id(source: str, facts: Facts, shared: Collection[str] = ()) -> str:
    """The id of a feed's entry: from its own key, else from its link, else from its headline.

    ``shared``: links that say nothing, as ``shared_links`` finds them.
    """
    link = canonical(facts.url) if facts.url else ""
    return article_id(source, facts.key or ("" if link in shared else link) or facts.title)


def shared_links(items: Iterable[tuple[Hashable, str | None]]) -> set[str]:
    """The canonical links that many items of one source carry, and so say nothing about any.

    Each item is its own name with its link. An item that repeats itself does not count twice.
    """
    pairs = {(name, canonical(url)) for name, url in items if url}
    counts = Counter(link for _, link in pairs)
    return {link for link, count in counts.items() if count >= SHARED}
