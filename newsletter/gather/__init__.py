"""Run the sources side by side and decide what belongs to the issue.

read → choose (window, once, not mailed, limits) → keep what an earlier gather had → order → report.
Nothing is dropped in silence: an article that is not offered stands in ``left_out`` with a reason.
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
    """Everything that the sources have for the window.

    ``before``: what an earlier gather for the same issue found; its articles stay. ``earlier``:
    what was gathered for the issues before it, the newest first; what their sources published then
    and only show now belongs to this one. ``mailed``: the issue that carried an article, by the
    article's id and by its canonical address.

    Raises FetchError when no source at all could be read.
    """
    rules = Rules(window, mailed or {}, earlier)
    readings = read(sources, rules.window_of)
    if all(reading.fault for reading in readings):
        faults = "\n".join(f"  {reading.name}: {reading.fault}" for reading in readings)
        raise FetchError(
            f"No source could be read, so nothing was changed:\n{faults}\n"
            f"Look at the addresses in newsletter.toml and at the network, then gather again."
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
