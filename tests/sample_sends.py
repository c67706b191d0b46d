"""A send and its recipients, made up for the tests of providers."""

from __future__ import annotations

from typing import Any

from newsletter.links import tokens
from newsletter.model import Recipient, Send

HTML = (
    "<!doctype html>\n<p>" + tokens.GREETING_HTML + "</p>\r\n.<br>\n..\n"
    "<p>한국어 “quotes” &amp; é = 100%  \n\t</p>\n" + "a very long line " * 90 + "\n"
    f'<a href="{tokens.UNSUBSCRIBE_HTML}">Unsubscribe</a>\nFrom here on.   '
)
TEXT = (
    f"{tokens.GREETING_TEXT},\n\n.\nplain ASCII = easy\n\nUnsubscribe: {tokens.UNSUBSCRIBE_TEXT}\n"
)


def a_send(**changes: Any) -> Send:
    """One issue; any field can be given another value."""
    fields: dict[str, Any] = {
        "issue": "2025-07-07",
        "newsletter": "Katchup Briefing",
        "list": "weekly",
        "subject": "The week in Koreatown",
        "html": HTML,
        "text": TEXT,
        "hash": "0123456789abcdef" * 4,
        "sender": "Katchup Briefing <briefing@example.com>",
        "reply_to": "The Desk <desk@example.com>",
        "id": 7,
        "batch": 3,
    }
    return Send(**{**fields, **changes})


def a_recipient(number: int = 1, **changes: Any) -> Recipient:
    """One reader with a link of their own; any field can be given another value."""
    name = changes.get("name", f"Reader {number}")
    link = f"https://briefing.example.com/unsubscribe/token-{number:04}?a=1&b=2"
    link = changes.get("unsubscribe_url", link)
    fields: dict[str, Any] = {
        "delivery": number,
        "email": f"reader{number}@example.com",
        "name": name,
        "unsubscribe_url": link,
        "tokens": tokens.values(f"Dear {name or 'reader'}", link, "https://example.com/p"),
    }
    return Recipient(**{**fields, **changes})


def readers(count: int) -> list[Recipient]:
    """So many readers, in order."""
    return [a_recipient(number) for number in range(1, count + 1)]
