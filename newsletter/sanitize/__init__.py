"""Make text and addresses from outside harmless where they enter.

Everything that a publisher wrote passes through here before it becomes part of an article. The
result is plain text on one line, or an https address, and never looks like one of our tokens.
"""

from newsletter.sanitize.headlines import headline, headline_key
from newsletter.sanitize.text import blurb, one_line, plain
from newsletter.sanitize.urls import canonical, link, needs_no_conversion, picture

__all__ = [
    "blurb",
    "canonical",
    "headline",
    "headline_key",
    "link",
    "needs_no_conversion",
    "one_line",
    "picture",
    "plain",
]
