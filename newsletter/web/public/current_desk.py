"""The newsletter as newsletter.toml is now, for a server that runs for months."""

from __future__ import annotations

import logging

from newsletter.app import Desk, open_desk
from newsletter.config import FILE
from newsletter.errors import NewsletterError

log = logging.getLogger(__name__)


class CurrentDesk:
    """Call it for the newsletter. It reloads a changed newsletter.toml, and keeps the last good
    configuration while the file is broken.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stamp = self._file_stamp()

    def __call__(self) -> Desk:
        """The newsletter, now."""
        stamp = self._file_stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                desk = open_desk(self._desk.folder, self._desk.clock)
            except NewsletterError as error:
                log.error("%s Until then the old configuration is used.", error)  # noqa: TRY400
            else:
                self._desk.close()
                self._desk = desk
        return self._desk

    def _file_stamp(self) -> tuple[int, int] | None:
        """Modification time (ns) and size of newsletter.toml; None if it is missing."""
        try:
            stat = (self._desk.folder / FILE).stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size
