"""The newsletter as newsletter.toml is now, for a server that runs for months."""

from __future__ import annotations

import logging

from newsletter import config
from newsletter.app import Desk, open_desk
from newsletter.errors import NewsletterError

log = logging.getLogger(__name__)


class CurrentDesk:
    """Call it for the newsletter. It reloads a changed newsletter.toml, and keeps the last good
    configuration while the file is broken.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._version = config.file_version(desk.folder)

    def __call__(self) -> Desk:
        """The newsletter, now."""
        version = config.file_version(self._desk.folder)
        if version != self._version:
            self._version = version
            try:
                desk = open_desk(self._desk.folder, self._desk.clock)
            except NewsletterError as error:
                log.error("%s Until then the old configuration is used.", error)  # noqa: TRY400
            else:
                self._desk.close()
                self._desk = desk
        return self._desk
