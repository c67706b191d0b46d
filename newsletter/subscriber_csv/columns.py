"""What the columns of a file mean, judged by its header."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from newsletter.model import Status
from newsletter.subscriber_csv import statuses

_EMAIL = (
    "email", "e mail", "email address", "e mail address", "이메일", "이메일 주소", "이메일주소",
    "전자우편", "메일주소", "메일 주소", "메일", "adresse e mail", "adresse email", "adresse mail",
    "courriel", "e mail adresse", "emailadresse", "correo electrónico", "correo electronico",
    "correo", "indirizzo email", "e posta", "メールアドレス", "电子邮件", "電子郵件", "邮箱",
    "mail", "address",
)  # fmt: skip
_EMAIL_PARTS = ("email", "e mail", "이메일", "courriel", "correo")
_FULL_NAME = (
    "name", "full name", "fullname", "display name", "subscriber name", "contact name", "이름",
    "성명", "성함", "이름 (전체)", "nom complet", "nom", "nombre", "nombre completo", "nome",
    "naam", "氏名", "名前", "姓名",
)  # fmt: skip
_FIRST_NAME = (
    "first name", "firstname", "fname", "given name", "forename", "prénom", "prenom", "vorname",
    "nombre de pila", "voornaam", "名",
)  # fmt: skip
_LAST_NAME = (
    "last name", "lastname", "lname", "surname", "family name", "nachname", "familienname",
    "apellido", "apellidos", "cognome", "achternaam", "nom de famille", "성", "姓",
)  # fmt: skip
# First name → the column that is the last name beside it.
_LAST_NAME_BESIDE = {"prénom": "nom", "prenom": "nom", "vorname": "name"}

_STATUS = (
    "status", "subscription status", "subscriber status", "member status", "email status",
    "email marketing status", "email subscription status", "email permission status", "list status",
    "contact status", "subscriber type", "subscription", "active subscription", "subscribed",
    "subscribed to emails", "active", "is active", "enabled", "is subscribed", "accepts marketing",
    "accepts email marketing", "opt in", "opted in", "email opt in", "marketing consent", "상태",
    "구독상태", "구독 상태", "구독여부", "구독 여부", "수신동의", "수신 동의", "statut", "estado",
    "stato",
)  # fmt: skip
_CONFIRMED = ("confirmed", "is confirmed", "email confirmed", "verified", "is verified")
_FLAGS = {
    Status.UNSUBSCRIBED: (
        "unsubscribed", "is unsubscribed", "unsub time", "unsubscribed at", "unsubscribe time",
        "unsubscribe date", "unsubscribed date", "unsubscribed on", "date unsubscribed",
        "email disabled", "opted out", "opt out", "email opt out", "optout date", "opted out at",
        "do not email", "deleted at", "cancelled at", "canceled at", "수신거부", "구독취소일",
    ),
    Status.BLOCKED: ("blocked", "blocklisted", "blacklisted", "email blacklisted", "suppressed"),
    Status.BOUNCED: (
        "bounced", "is bounced", "bounced at", "bounce date", "clean time", "cleaned at",
        "hard bounced at", "undeliverable at",
    ),
    Status.COMPLAINED: ("complained", "complained at", "complaint date", "spam reported at"),
}  # fmt: skip
_POSTAL = {"city", "zip", "zip code", "postal code", "country", "street", "county"}
_CACHE_SIZE = 10_000  # different cells of a status column, which holds a few words or dates


@dataclass(frozen=True)
class Columns:
    """The columns of a file, by index."""

    header: tuple[str, ...]
    email: int
    name: tuple[int, ...]  # full name, first name, last name; -1 for a missing column
    # Each status column with a function from a cell to a status, which raises ValueError.
    statuses: tuple[tuple[int, Callable[[str], Status]], ...]

    def titles(self, indexes: Sequence[int]) -> list[str]:
        """The titles of these columns, without missing ones."""
        return [self.header[index] for index in indexes if index >= 0]


def find_columns(header: Sequence[str]) -> Columns:
    """The columns of a file with this header.

    Raises ValueError when no column holds addresses, or several may hold them.
    """
    header = tuple(" ".join(cell.split()) for cell in header)
    titles = _simplify(header)
    status_columns = _find_statuses(titles)
    email = _find(titles, _EMAIL)
    if email < 0:
        email = _guess_email(titles, header, {index for index, _ in status_columns})
    return Columns(header, email, _find_name(titles), status_columns)


def has_email(header: Sequence[str]) -> bool:
    """Whether a column has a known title for addresses."""
    return _find(_simplify(header), _EMAIL) >= 0


def _simplify(header: Sequence[str]) -> list[str]:
    return [statuses.simplify(cell.strip(" :*'\"\ufeff")) for cell in header]


def _find(titles: Sequence[str], names: Sequence[str]) -> int:
    return next((titles.index(name) for name in names if name in titles), -1)


def _guess_email(titles: Sequence[str], header: Sequence[str], excluded: set[int]) -> int:
    candidates = [
        index
        for index, title in enumerate(titles)
        if index not in excluded and any(part in title for part in _EMAIL_PARTS)
    ]
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise ValueError("no column of addresses")
    names = " or ".join(f"“{header[index]}”" for index in candidates)
    raise ValueError(f"several columns that may hold the address: {names}")


def _find_name(titles: Sequence[str]) -> tuple[int, int, int]:
    full, first, last = (_find(titles, n) for n in (_FULL_NAME, _FIRST_NAME, _LAST_NAME))
    if first >= 0 and last < 0 and _LAST_NAME_BESIDE.get(titles[first]) in titles:
        full, last = -1, titles.index(_LAST_NAME_BESIDE[titles[first]])
    elif full >= 0 and first < 0 and titles[full] == "이름" and last >= 0:
        full, first = -1, full
    return full, first, last


def _find_statuses(titles: Sequence[str]) -> tuple[tuple[int, Callable[[str], Status]], ...]:
    """Every column about the status of a subscriber; the strictest of them counts."""
    parsers: dict[str, Callable[[str], Status]] = dict.fromkeys(_STATUS, statuses.from_word)
    if not _POSTAL & set(titles):  # beside a city, a state is one such as California
        parsers["state"] = statuses.from_word
    parsers |= dict.fromkeys(_CONFIRMED, statuses.from_confirmation)
    for status, names in _FLAGS.items():
        parsers |= dict.fromkeys(names, partial(statuses.from_flag, status=status))
    return tuple(
        (index, lru_cache(_CACHE_SIZE)(parsers[title]))
        for index, title in enumerate(titles)
        if title in parsers
    )
