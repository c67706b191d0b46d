"""What the columns of a file mean, from the words of its header."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from newsletter.model import Status
from newsletter.subscriber_csv import states

_EMAIL = (
    "email", "e mail", "email address", "e mail address", "이메일", "이메일 주소", "이메일주소",
    "전자우편", "메일주소", "메일 주소", "메일", "adresse e mail", "adresse email", "adresse mail",
    "courriel", "e mail adresse", "emailadresse", "correo electrónico", "correo electronico",
    "correo", "indirizzo email", "e posta", "メールアドレス", "电子邮件", "電子郵件", "邮箱",
    "mail", "address",
)  # fmt: skip
_EMAIL_PARTS = ("email", "e mail", "이메일", "courriel", "correo")
_WHOLE = (
    "name", "full name", "fullname", "display name", "subscriber name", "contact name", "이름",
    "성명", "성함", "이름 (전체)", "nom complet", "nom", "nombre", "nombre completo", "nome",
    "naam", "氏名", "名前", "姓名",
)  # fmt: skip
_FIRST = (
    "first name", "firstname", "fname", "given name", "forename", "prénom", "prenom", "vorname",
    "nombre de pila", "voornaam", "名",
)  # fmt: skip
_LAST = (
    "last name", "lastname", "lname", "surname", "family name", "nachname", "familienname",
    "apellido", "apellidos", "cognome", "achternaam", "nom de famille", "성", "姓",
)  # fmt: skip
_FAMILY = {"prénom": "nom", "prenom": "nom", "vorname": "name"}  # where "Nom" is the family's

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
_MARKS = {
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
_OF_A_PLACE = {"city", "zip", "zip code", "postal code", "country", "street", "county"}
_REMEMBERED = 10_000  # different cells of a column of states; there are a handful, or dates


@dataclass(frozen=True)
class Columns:
    """Where in a row what stands. ``states``: column → what a cell of it says, or ValueError."""

    header: tuple[str, ...]
    email: int
    name: tuple[int, ...]  # the whole name, first and last name; -1 where there is none
    states: tuple[tuple[int, Callable[[str], Status]], ...]

    def named(self, numbers: Sequence[int]) -> list[str]:
        """What the file calls these columns."""
        return [self.header[number] for number in numbers if number >= 0]


def find(header: Sequence[str]) -> Columns:
    """The columns of a file with that first line.

    Raises ValueError with what is wrong where none of them is of addresses, or several may be.
    """
    shown = tuple(" ".join(cell.split()) for cell in header)
    words = _words(header)
    said = _states(words)
    email = _first(words, _EMAIL)
    if email < 0:
        email = _likely(words, shown, {number for number, _ in said})
    return Columns(shown, email, _name(words), said)


def is_sure(header: Sequence[str]) -> bool:
    """Whether a column is called email, and not only something like it."""
    return _first(_words(header), _EMAIL) >= 0


def _words(header: Sequence[str]) -> list[str]:
    return [states.plain(cell.strip(" :*'\"\ufeff")) for cell in header]


def _first(words: Sequence[str], names: Sequence[str]) -> int:
    return next((words.index(name) for name in names if name in words), -1)


def _likely(words: Sequence[str], shown: Sequence[str], taken: set[int]) -> int:
    likely = [
        number
        for number, word in enumerate(words)
        if number not in taken and any(part in word for part in _EMAIL_PARTS)
    ]
    if len(likely) == 1:
        return likely[0]
    if not likely:
        raise ValueError("no column of addresses")
    names = " or ".join(f"“{shown[number]}”" for number in likely)
    raise ValueError(f"several columns that may hold the address: {names}")


def _name(words: Sequence[str]) -> tuple[int, int, int]:
    whole, first, last = _first(words, _WHOLE), _first(words, _FIRST), _first(words, _LAST)
    if first >= 0 and last < 0 and _FAMILY.get(words[first]) in words:
        whole, last = -1, words.index(_FAMILY[words[first]])
    elif whole >= 0 and first < 0 and words[whole] == "이름" and last >= 0:
        whole, first = -1, whole
    return whole, first, last


def _states(words: Sequence[str]) -> tuple[tuple[int, Callable[[str], Status]], ...]:
    """Every column that says whether somebody may be mailed: the strictest of them counts."""
    meanings: dict[str, Callable[[str], Status]] = dict.fromkeys(_STATUS, states.of_word)
    if not _OF_A_PLACE & set(words):  # beside a city it is California
        meanings["state"] = states.of_word
    meanings |= dict.fromkeys(_CONFIRMED, states.of_confirmation)
    for status, names in _MARKS.items():
        meanings |= dict.fromkeys(names, partial(states.of_mark, meant=status))
    return tuple(
        (number, lru_cache(_REMEMBERED)(meanings[word]))
        for number, word in enumerate(words)
        if word in meanings
    )
