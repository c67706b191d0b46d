"""Delivery failures that do not follow RFC 3464: those of qmail, Exim and Exchange."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from newsletter.bounces.notices import Fate, fate_of_failure

Failure = tuple[Fate, tuple[str, ...], str, str]  # fate, recipients, status, reason

_PART = r"[^\s<>()\[\],;:\"\\@]"
_A = rf"(?<!{_PART}){_PART}+@{_PART}+"  # starts at a word, so no letter is tried twice
ADDRESS = re.compile(_A)
LONGEST = 2_000  # characters of a reason
_COPY = re.compile(
    r"^[^\w\n]{0,20}(Below this line is a copy of the message"
    r"|This is a copy of (?:the|your) message"
    r"|(?:The )?Original message|Returned message|Included is a copy|원본 메시지)[^\n]*$",
    re.MULTILINE | re.IGNORECASE,
)
_HEADERS = re.compile(
    r"^(?:Return-Path|Received|Date|From|Message-ID):", re.MULTILINE | re.IGNORECASE
)
_QMAIL = re.compile(r"^Hi\. This is the .*(?:qmail|deliver)", re.IGNORECASE | re.MULTILINE)
_EXCHANGE = re.compile(
    r"did not reach the following recipient|could not be delivered to the following|"
    r"couldn.t be delivered|Delivery has failed to these recipients",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"^[ \t]*<({_A})>:?[ \t]*(.*(?:\n(?!\s*\n|\s*<).*){{0,8}})", re.MULTILINE)
_LISTED = re.compile(
    rf"^[ \t]*(?:.*<)?({_A})>?(?: on [^\n]*)?\n((?:[ \t]+[^\n]*\n?){{1,6}})", re.MULTILINE
)
_ALONE = re.compile(rf"^[ \t]*<?({_A})>?:?[ \t]*$", re.MULTILINE)


def failures(failed: str, text: str, from_machine: bool) -> Iterator[Failure]:
    """The failures that a mail reports in its text.

    ``failed``: Exim's X-Failed-Recipients. ``from_machine``: whether a mail server wrote the mail;
    people and vacation programs write similar texts.
    """
    own_text = text[: _end(text)]
    if failed:
        addresses = ADDRESS.findall(failed)
        for address in addresses:
            yield _failure(address, _reason_for(address, addresses, own_text))
    elif _QMAIL.search(own_text):
        for match in _NAMED.finditer(own_text):
            yield _failure(match[1], match[2])
    elif from_machine and _EXCHANGE.search(own_text):
        pattern = _LISTED if _LISTED.search(own_text) else _ALONE
        for match in pattern.finditer(own_text):
            yield _failure(match[1], match[2] if pattern is _LISTED else own_text)
    elif from_machine:
        for match in _NAMED.finditer(own_text):
            yield _failure(match[1], match[2])


def returned(text: str) -> str:
    """The copy of our own mail, or its headers, at the end of the text."""
    copy = _COPY.search(text)
    if copy is None:
        return ""
    rest = text[copy.end() :]
    headers = _HEADERS.search(rest)
    return rest[headers.start() :] if headers else ""


def _end(text: str) -> int:
    copy = _COPY.search(text)
    return copy.start() if copy else len(text)


def _reason_for(address: str, addresses: Iterable[str], text: str) -> str:
    """What follows the address in the text, up to the next failed address."""
    at = text.find(address)
    if at < 0:
        return text
    reason = text[at + len(address) : at + 600]
    starts = (reason.find(other) for other in addresses if other != address)
    return reason[: min((start for start in starts if start >= 0), default=len(reason))]


def _failure(address: str, text: str) -> Failure:
    reason = " ".join(text.split())[:LONGEST]
    status = re.search(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])", reason)
    code = status[0] if status else ""
    return fate_of_failure(code, reason), (address,), code, reason
