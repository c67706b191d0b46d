"""The vocabulary of the program as frozen data. No I/O, no clock.

All moments are timezone-aware; in files they stand as ISO 8601 with an offset.
"""

from newsletter.model.archive import Change, Correction, IssueText, Published, StoryText
from newsletter.model.articles import (
    Article,
    Dateline,
    EditorBox,
    Gathered,
    Health,
    LeftOut,
    Page,
    SourceHealth,
    Window,
)
from newsletter.model.delivery import (
    Answer,
    Doubt,
    Outcome,
    Recall,
    Receipt,
    Recipient,
    Send,
)
from newsletter.model.issue import (
    Choice,
    Finding,
    Hosted,
    Issue,
    Level,
    Pictures,
    Poll,
    Rendered,
    Section,
    Sponsor,
    Story,
)
from newsletter.model.issue_name import IssueName
from newsletter.model.people import Status
from newsletter.model.reported import Consequence, Event, EventKind, Reported

__all__ = [
    "Answer",
    "Article",
    "Change",
    "Choice",
    "Consequence",
    "Correction",
    "Dateline",
    "Doubt",
    "EditorBox",
    "Event",
    "EventKind",
    "Finding",
    "Gathered",
    "Health",
    "Hosted",
    "Issue",
    "IssueName",
    "IssueText",
    "LeftOut",
    "Level",
    "Outcome",
    "Page",
    "Pictures",
    "Poll",
    "Published",
    "Recall",
    "Receipt",
    "Recipient",
    "Rendered",
    "Reported",
    "Section",
    "Send",
    "SourceHealth",
    "Sponsor",
    "Status",
    "Story",
    "StoryText",
    "Window",
]
