"""The newsletter as newsletter.toml says now, for a server that runs for months."""

from __future__ import annotations

import logging

from newsletter.app import Desk, open_desk
from newsletter.config import FILE
from newsletter.errors import NewsletterError

log = logging.getLogger(__name__)


class Current:
    """Call it for the newsletter: read anew when the file has changed, the last one that could be
    read while it is broken.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stamp = self._now()

    def __call__(self) -> Desk:
        """The newsletter, now."""
        stamp = self._now()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                found = open_desk(self._desk.folder, self._desk.clock)
            except NewsletterError as error:
                log.error("%s Until then it is served as it was.", error)  # noqa: TRY400
            else:
                self._desk.close()
                self._desk = found
        return self._desk

    def _now(self) -> tuple[int, int] | None:
        try:
            found = (self._desk.folder / FILE).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
