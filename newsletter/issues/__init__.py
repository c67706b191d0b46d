"""The issue folder: ``issues/2025-07-07/``. Every file in it has one writer.

``gathered.json``, ``pictures/`` and ``build/`` are the program's; ``issue.toml`` and ``note.md``
are the editor's: the program drafts them once and never writes to them again.
"""

from newsletter.issues.draft import draft
from newsletter.issues.files import (
    existing,
    folder_of,
    parse_day,
    parse_issue,
    parse_name,
    write_atomically,
)
from newsletter.issues.gathered import read_gathered, source_out, write_gathered
from newsletter.issues.naming import named_in
from newsletter.issues.pictures import read_pictures, write_picture, write_pictures
from newsletter.issues.read import LAYOUTS, read_issue

__all__ = [
    "LAYOUTS",
    "draft",
    "existing",
    "folder_of",
    "named_in",
    "parse_day",
    "parse_issue",
    "parse_name",
    "read_gathered",
    "read_issue",
    "read_pictures",
    "source_out",
    "write_atomically",
    "write_gathered",
    "write_picture",
    "write_pictures",
]
