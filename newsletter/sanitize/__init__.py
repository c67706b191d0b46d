"""Foreign text and foreign addresses, made harmless where they enter.

Everything that others wrote passes through here before it becomes part of an article: afterwards
it is plain text on one line, or an https address, and none of it can pass for one of our tokens.
"""

from newsletter.sanitize.headlines import headline, same_headline
from newsletter.sanitize.text import blurb, one_line, plain
from newsletter.sanitize.urls import canonical, is_shown_as_it_is, link, picture

__all__ = [
    "blurb",
    "canonical",
    "headline",
    "is_shown_as_it_is",
    "link",
    "one_line",
    "picture",
    "plain",
    "same_headline",
]
