"""Resize an issue's pictures to their places, into its ``pictures/`` folder for readers."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from newsletter import issues
from newsletter.app.desk import Desk
from newsletter.app.issue.reachability import fetch as fetch_picture
from newsletter.app.issue.reachability import is_made_up
from newsletter.errors import ContentError, FetchError
from newsletter.http import Fetcher
from newsletter.imaging import file_stem, fit_picture
from newsletter.model import Hosted, Issue, Pictures
from newsletter.render import placed_pictures

log = logging.getLogger(__name__)

MAX_PARALLEL = 4  # resizing a big picture takes a lot of memory


def host(desk: Desk, issue: Issue, *, fetch: bool = True) -> Pictures:
    """Every picture that the issue shows, resized to its place; new ones are written.

    Without ``fetch`` only the editor's own files are read, and nothing from the network.
    """
    if not desk.config.hosts_pictures:
        return Pictures()
    folder = issues.folder_of(desk.folder, issue.name)
    places: dict[str, set[int]] = defaultdict(set)
    for of, place in placed_pictures(issue, desk.config):
        places[of].add(place)
    previous = issue.pictures
    to_do = {
        of: widths
        for of, widths in places.items()
        if _is_own(of) or (fetch and any(not previous.find(of, width) for width in widths))
    }
    hosted = tuple(h for h in previous.hosted if h.place in places[h.of] and h.of not in to_do)
    lost = {of: why for of, why in previous.lost.items() if of in places and of not in to_do}
    with desk.fetcher("pictures") as fetcher:
        resizer = _Resizer(desk, folder, fetcher, previous)
        with ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="picture") as pool:
            results = list(pool.map(lambda item: resizer.resize(*item), to_do.items()))
    for of, result in zip(to_do, results, strict=True):
        if isinstance(result, str):
            lost[of] = result
        else:
            hosted += tuple(result)
    pictures = Pictures(tuple(sorted(hosted, key=lambda h: (h.of, h.place))), lost)
    if pictures != previous:
        issues.write_pictures(folder, pictures)
    return pictures


def missing(desk: Desk, issue: Issue) -> bool:
    """Whether a picture was never fetched from the network."""
    return desk.config.hosts_pictures and any(
        not _is_own(of)
        and not is_made_up(of)
        and of not in issue.pictures.lost
        and not issue.pictures.find(of, place)
        for of, place in placed_pictures(issue, desk.config)
    )


def _is_own(of: str) -> bool:
    return "://" not in of


class _Resizer:
    """Reads pictures, resizes them, and writes them to the issue's folder."""

    def __init__(self, desk: Desk, folder: Path, fetcher: Fetcher, previous: Pictures) -> None:
        self.desk = desk
        self.folder = folder
        self.fetcher = fetcher
        self.previous = previous

    def resize(self, of: str, places: Iterable[int]) -> list[Hosted] | str:
        """The picture in each of its widths; or why it is lost."""
        if not _is_own(of) and is_made_up(of):
            return []
        try:
            data = self._own(of) if _is_own(of) else fetch_picture(self.desk, self.fetcher, of).body
            return [self._hosted(of, data, place) for place in sorted(places)]
        except (FetchError, ContentError) as fault:
            log.info("%s", fault)
            return str(fault)

    def _own(self, of: str) -> bytes:
        """The editor's file, in the issue's folder or beside newsletter.toml (the portrait)."""
        for root in (self.folder, self.desk.folder):
            path = root / of
            if path.is_file():
                try:
                    return path.read_bytes()
                except OSError as error:
                    raise ContentError(
                        f"{of} cannot be read: {error.strerror}. Check its permissions."
                    ) from error
        raise ContentError(f"There is no picture {of}. Add the file, or correct its name.")

    def _hosted(self, of: str, data: bytes, place: int) -> Hosted:
        square = of == self.desk.config.editor.picture  # it is shown in a circle
        name = file_stem(data, place, square=square)
        for hosted in self.previous.hosted:
            if hosted.place == place and hosted.file.startswith(f"{name}."):
                return replace(hosted, of=of)
        picture = fit_picture(data, place, of, square=square)
        issues.write_picture(self.folder, picture.name, picture.data)
        return Hosted(of, place, picture.name, picture.width, picture.height, len(picture.data))
