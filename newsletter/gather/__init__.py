"""Read the sources in parallel and decide which articles belong to the issue.

read → choose (window, once, not mailed, limits) → keep what an earlier gather found → order →
report. Every article that is not offered is in ``left_out``, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from newsletter.errors import FetchError
from newsletter.gather.choosing import Rules, choose, ordered
from newsletter.gather.reading import Reading, Visited, read
from newsletter.gather.reports import report
from newsletter.model import Gathered, IssueName, Window


def gather(
    sources: Sequence[Visited],
    window: Window,
    now: datetime,
    *,
    before: Gathered | None = None,
    earlier: Sequence[Gathered] = (),
    mailed: Mapping[str, IssueName] | None = None,
) -> Gathered:
    """The articles that the sources have for the window.

    ``before``: what an earlier gather for the same issue found; its articles stay. ``earlier``:
    what was gathered for previous issues, the newest first; an article from their windows that a
    source shows only now belongs to this issue. ``mailed``: the issue that an article was mailed
    in, by the article's id and by its canonical address.

    Raises FetchError if no source could be read.
    """
    rules = Rules(window, mailed or {}, earlier)
    readings = read(sources, rules.window_of)
    if all(reading.fault for reading in readings):
        faults = "\n".join(f"  {reading.name}: {reading.fault}" for reading in readings)
        raise FetchError(
            f"No source could be read, so nothing was changed:\n{faults}\n"
            f"Check the addresses in newsletter.toml and the network, then gather again."
        )
    articles, left_out = choose(readings, rules, before)
    pages = [a.page for reading in readings for a in reading.articles if a.page]
    gathers = [*([before] if before else ()), *earlier]
    return Gathered(
        window=window,
        gathered_at=now,
        articles=ordered(articles),
        left_out=tuple(left_out),
        sources=tuple(report(reading, articles, now, gathers) for reading in readings),
        dateline=next((page.dateline for page in pages if page.dateline), None),
        editor=next((page.editor for page in pages if page.editor), None),
    )


__all__ = ["Reading", "Visited", "gather", "read"]
