"""The tree of all errors that the program raises on purpose.

    NewsletterError              exit status 1: the work failed
    ├── UsageError               exit status 2: a command was used incorrectly
    │   └── ConfigError          newsletter.toml or the environment has an error
    ├── ContentError             a file that people write has an error
    │   └── RejectedLinesError   lines of a list were rejected
    ├── FetchError               a source could not be read
    ├── NotReadyError            a send must not start or continue
    │   └── FindingsError        a check found an error in the mail
    ├── ProviderError            the email provider refused or cannot be reached
    └── DatabaseError            the database cannot be reached or cannot write

A message says what happened, where, and what to do next, in plain sentences for editors. The
command line prints the message and never a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence


class NewsletterError(Exception):
    """The root of the tree."""

    exit_status = 1  # of the command line


class UsageError(NewsletterError):
    """A command was used incorrectly."""

    exit_status = 2


class ConfigError(UsageError):
    """The configuration has errors. The message lists all errors of the file."""


class ContentError(NewsletterError):
    """A file that people write (issue.toml, note.md, a template, a CSV file) has an error."""


class RejectedLinesError(ContentError):
    """Lines of an imported list were rejected."""

    def __init__(self, message: str, rejected: Sequence[tuple[int, str]]) -> None:
        super().__init__(message)
        self.rejected = rejected  # number and reason of each line


class FetchError(NewsletterError):
    """A source could not be read."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status  # of the HTTP response, if there was one


class NotReadyError(NewsletterError):
    """The send must not start or continue until a person has done something."""


class FindingsError(NotReadyError):
    """A check found an error that must be fixed before a send."""


class ProviderError(NewsletterError):
    """The email provider cannot be used at all. (If it refuses recipients, no error is raised.)"""


class DatabaseError(NewsletterError):
    """The database cannot be reached or cannot write. Earlier commits are safe."""
