"""Fit an issue's pictures to their places, and keep them in its ``pictures/`` for readers."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from newsletter import issues
from newsletter.app.desk import Desk
from newsletter.app.issue.reachability import is_made_up, reach
from newsletter.errors import ContentError, FetchError
from newsletter.http import Fetcher
from newsletter.imaging import file_stem, fit_picture
from newsletter.model import Hosted, Issue, Pictures
from newsletter.render import wanted_pictures

log = logging.getLogger(__name__)

AT_ONCE = 4  # a big picture takes a lot of memory while it is made smaller


def host(desk: Desk, issue: Issue, *, fetch: bool = True) -> Pictures:
    """Every picture that the issue shows, fitted to its place; written where there is a new one.

    Without ``fetch`` only the editor's own files are looked at, and the network is left alone.
    """
    if not desk.config.hosts_pictures:
        return Pictures()
    folder = issues.folder_of(desk.folder, issue.name)
    places: dict[str, set[int]] = defaultdict(set)
    for of, place in wanted_pictures(issue, desk.config):
        places[of].add(place)
    before = issue.pictures
    open_ = {
        of: wanted
        for of, wanted in places.items()
        if _is_own(of) or (fetch and any(not before.find(of, place) for place in wanted))
    }
    kept = tuple(h for h in before.hosted if h.place in places[h.of] and h.of not in open_)
    lost = {of: why for of, why in before.lost.items() if of in places and of not in open_}
    with desk.fetcher("pictures") as fetcher:
        work = _Work(desk, folder, fetcher, before)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="picture") as pool:
            made = list(pool.map(lambda each: work.done(*each), open_.items()))
    for (of, _), found in zip(open_.items(), made, strict=True):
        if isinstance(found, str):
            lost[of] = found
        else:
            kept += tuple(found)
    pictures = Pictures(tuple(sorted(kept, key=lambda h: (h.of, h.place))), lost)
    if pictures != before:
        issues.write_pictures(folder, pictures)
    return pictures


def missing(desk: Desk, issue: Issue) -> bool:
    """Whether a picture from the network was never asked for."""
    return desk.config.hosts_pictures and any(
        not _is_own(of)
        and not is_made_up(of)
        and of not in issue.pictures.lost
        and not issue.pictures.find(of, place)
        for of, place in wanted_pictures(issue, desk.config)
    )


def _is_own(of: str) -> bool:
    return "://" not in of


class _Work:
    """One round of hosting: where pictures come from, and where they go."""

    def __init__(self, desk: Desk, folder: Path, fetcher: Fetcher, before: Pictures) -> None:
        self.desk = desk
        self.folder = folder
        self.fetcher = fetcher
        self.before = before

    def done(self, of: str, places: Iterable[int]) -> list[Hosted] | str:
        """The picture in each of its places; or why it cannot be had."""
        if not _is_own(of) and is_made_up(of):
            return []
        try:
            data = self._own(of) if _is_own(of) else reach(self.desk, self.fetcher, of).body
            return [self._hosted(of, data, place) for place in sorted(places)]
        except (FetchError, ContentError) as fault:
            log.info("%s", fault)
            return str(fault)

    def _own(self, of: str) -> bytes:
        """The editor's file: of the issue, or beside newsletter.toml (the portrait)."""
        for root in (self.folder, self.desk.folder):
            path = root / of
            if path.is_file():
                try:
                    return path.read_bytes()
                except OSError as error:
                    raise ContentError(
                        f"{of} cannot be read: {error.strerror}. Look at its permissions."
                    ) from error
        raise ContentError(f"There is no picture {of}. Put it there, or mend its name.")

    def _hosted(self, of: str, data: bytes, place: int) -> Hosted:
        square = of == self.desk.config.editor.picture  # it is shown round
        name = file_stem(data, place, square=square)
        for known in self.before.hosted:
            if known.place == place and known.file.startswith(f"{name}."):
                return Hosted(of, place, known.file, known.width, known.height, known.bytes)
        made = fit_picture(data, place, of, square=square)
        issues.write_picture(self.folder, made.name, made.data)
        return Hosted(of, place, made.name, made.width, made.height, len(made.data))
