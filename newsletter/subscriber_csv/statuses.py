"""The words that other programs use for the status of a subscriber."""

from __future__ import annotations

from collections.abc import Mapping

from newsletter.model import Status

_WORDS = {
    Status.ACTIVE: (
        "active, subscribed, confirmed, enabled, true, yes, y, t, 1, on, regular, premium, "
        "구독, 구독중, 구독 중, 활성, 예, 동의"
    ),
    Status.PENDING: (
        "pending, unconfirmed, not confirmed, unactivated, waiting, validating, invited, "
        "nonsubscribed, non subscribed, not subscribed, never subscribed, transactional, "
        "대기, 미확인, 미인증"
    ),
    Status.UNSUBSCRIBED: (
        "unsubscribed, unsubscribe, inactive, disabled, false, no, n, f, 0, off, opted out, "
        "optout, opt out, removed, deleted, archived, cancelled, canceled, "
        "구독취소, 구독 취소, 구독해지, 구독 해지, 수신거부, 수신 거부, 해지, 탈퇴, 비활성, "
        "아니요, 미동의"
    ),
    Status.BLOCKED: "blocked, blocklisted, blacklisted, banned, suppressed, 차단",
    Status.BOUNCED: (
        "bounced, bounce, hard bounce, hard bounced, cleaned, unreachable, undeliverable, invalid, "
        "반송"
    ),
    Status.COMPLAINED: (
        "complained, complaint, spam complaint, spam, marked as spam, reported as spam, junk, "
        "abuse, 스팸신고"
    ),
}
WORDS: Mapping[str, Status] = {
    word: status for status, line in _WORDS.items() for word in line.split(", ")
}
_NO = frozenset(("", "false", "no", "n", "f", "0", "off", "null", "none", "nil", "아니요"))

# Words in the name of a file that holds people who must not be mailed.
_FILE_NAMES = {
    "unsub": Status.UNSUBSCRIBED, "optout": Status.UNSUBSCRIBED, "opt out": Status.UNSUBSCRIBED,
    "cleaned": Status.BOUNCED, "bounce": Status.BOUNCED, "nonsub": Status.PENDING,
    "non sub": Status.PENDING, "pending": Status.PENDING, "unconfirmed": Status.PENDING,
    "suppress": Status.BLOCKED, "blocklist": Status.BLOCKED, "complain": Status.COMPLAINED,
    "수신거부": Status.UNSUBSCRIBED, "구독취소": Status.UNSUBSCRIBED,
}  # fmt: skip


def from_file_name(name: str) -> Status:
    """The status that a file's name suggests, such as ``cleaned_export.csv``; usually ACTIVE."""
    simplified = simplify(name)
    return max((s for word, s in _FILE_NAMES.items() if word in simplified), default=Status.ACTIVE)


def from_word(value: str) -> Status:
    """The status in a cell of a column such as "Status"; an empty cell means ACTIVE.

    Raises ValueError for an unknown word.
    """
    word = simplify(value)
    if not word:
        return Status.ACTIVE
    try:
        return WORDS[word]
    except KeyError:
        raise ValueError(
            f"the status {value.strip()[:80]!r} is unknown; write active or unsubscribed"
        ) from None


def from_confirmation(value: str) -> Status:
    """The status in a cell of a column "confirmed": a no means PENDING."""
    status = from_word(value)
    return Status.PENDING if status is Status.UNSUBSCRIBED else status


def from_flag(value: str, status: Status) -> Status:
    """``status`` if a cell of a column such as "unsubscribed at" holds anything but a no."""
    return Status.ACTIVE if simplify(value) in _NO else status


def simplify(text: str) -> str:
    """The text without case, hyphens, underscores and repeated spaces, for comparing."""
    return " ".join(text.replace("_", " ").replace("-", " ").casefold().split())
