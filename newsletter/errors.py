"""Every error that the program raises on purpose, as one tree.

    NewsletterError              exit status 1: the work could not be done
    ├── UsageError               exit status 2: a command was called wrongly
    │   └── ConfigError          newsletter.toml, or the environment, is wrong
    ├── ContentError             a file of an issue folder, a template, or a list is wrong
    │   └── LinesError           lines of a list cannot be used
    ├── FetchError               a source could not be read
    ├── NotReadyError            a send that must not start: no approval, nobody to mail
    │   └── FindingsError        a check found an error in the mail
    ├── ProviderError            the email provider refused, or cannot be reached
    └── DatabaseError            the database does not answer, or cannot write

A message says what happened, where, and what to do next, in plain sentences that an editor
understands. It is printed as it stands; the traceback never is.
"""

from __future__ import annotations

from collections.abc import Sequence


class NewsletterError(Exception):
    """The root. ``exit_status`` is what the command line ends with."""

    exit_status = 1


class UsageError(NewsletterError):
    """The command cannot be done as it was asked."""

    exit_status = 2


class ConfigError(UsageError):
    """The configuration is wrong; the message lists every fault of the file at once."""


class ContentError(NewsletterError):
    """A file that people write (issue.toml, note.md, a template, a CSV) is wrong."""


class LinesError(ContentError):
    """Lines of a file cannot be used; ``refused``: the number of each, and the reason."""

    def __init__(self, message: str, refused: Sequence[tuple[int, str]]) -> None:
        super().__init__(message)
        self.refused = refused


class FetchError(NewsletterError):
    """A source could not be read; the message names what happened.

    ``status``: what the server answered, where it answered at all.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotReadyError(NewsletterError):
    """The send must not start, or not go on, until a person has done something."""


class FindingsError(NotReadyError):
    """A check found what must be mended before a send."""


class ProviderError(NewsletterError):
    """The email provider could not be used at all (not: it refused some recipients)."""


class DatabaseError(NewsletterError):
    """The database does not answer, or cannot write; what was committed before is safe."""
