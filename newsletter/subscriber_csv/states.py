"""What other programs call it when somebody may, or may not, be mailed."""

from __future__ import annotations

from collections.abc import Mapping

from newsletter.model import Status

_SAID = {
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
    word: status for status, words in _SAID.items() for word in words.split(", ")
}
_NOTHING = frozenset(("", "false", "no", "n", "f", "0", "off", "null", "none", "nil", "아니요"))

# Words in the name of a file whose people are not to be mailed, though no column of it says so.
_FILES = {
    "unsub": Status.UNSUBSCRIBED, "optout": Status.UNSUBSCRIBED, "opt out": Status.UNSUBSCRIBED,
    "cleaned": Status.BOUNCED, "bounce": Status.BOUNCED, "nonsub": Status.PENDING,
    "non sub": Status.PENDING, "pending": Status.PENDING, "unconfirmed": Status.PENDING,
    "suppress": Status.BLOCKED, "blocklist": Status.BLOCKED, "complain": Status.COMPLAINED,
    "수신거부": Status.UNSUBSCRIBED, "구독취소": Status.UNSUBSCRIBED,
}  # fmt: skip


def of_file_name(name: str) -> Status:
    """What the name of a file says of everybody in it: ``cleaned_export.csv``; mostly nothing."""
    said = plain(name)
    return max((s for word, s in _FILES.items() if word in said), default=Status.ACTIVE)


def of_word(value: str) -> Status:
    """What a cell of a column such as "Status" says; nothing in it is active.

    Raises ValueError for a word that nobody knows.
    """
    word = plain(value)
    if not word:
        return Status.ACTIVE
    try:
        return WORDS[word]
    except KeyError:
        raise ValueError(
            f"the status {value.strip()[:80]!r} is unknown; write active or unsubscribed"
        ) from None


def of_confirmation(value: str) -> Status:
    """What a column "confirmed" says: who has not is pending."""
    found = of_word(value)
    return Status.PENDING if found is Status.UNSUBSCRIBED else found


def of_mark(value: str, meant: Status) -> Status:
    """What a column such as "unsubscribed at" says: anything in it, but for a no, means it."""
    return Status.ACTIVE if plain(value) in _NOTHING else meant


def plain(words: str) -> str:
    """Words without case, hyphens and underscores, so that the same words are the same."""
    return " ".join(words.replace("_", " ").replace("-", " ").casefold().split())
