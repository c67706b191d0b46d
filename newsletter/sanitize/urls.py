"""Foreign web addresses: made safe to print, and made comparable."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from newsletter.links import tokens

_REMEMBERED = 16_384  # addresses of one gather
LONGEST = 2048  # what mail programs and browsers still open

_NEVER_SHOWN = (".svg", ".svgz", ".heic", ".heif", ".jxl")
_CONVERTED = (".webp", ".avif")
_FORMAT = re.compile(r"(?:^|&)(?:format|fm|fmt)=(webp|avif|svg)(?:&|$)", re.IGNORECASE)

# Characters that may stand as they are; brackets, braces, quotes and all beyond ASCII may not.
_IN_PATH = "/:@!$&()*+,;=~-._%"
_IN_QUERY = _IN_PATH + "?"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_WHOLE = re.compile(r"https?://", re.IGNORECASE)
_WRAPPED = re.compile(r"[\t\n\r]+\s*")
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff\ufffd\ud800-\udfff]"
)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\]")

_TRACKING = re.compile(
    r"(?:utm_|at_custom|at_campaign|at_medium|pk_|mtm_|hsa_|_bta_).*|"
    r"fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|li_fat_id|igsh|igshid|"
    r"mc_cid|mc_eid|mkt_tok|_hsenc|_hsmi|hsctatracking|oly_enc_id|oly_anon_id|vero_id|vero_conv|"
    r"_ga|_gl|s_cid|cmpid|icid|ocid|ncid|wt[_.]mc(?:_id)?|xtor|ref_src|ref_url|sr_share|smid|smtyp|"
    r"__twitter_impression|ns_mchannel|ns_campaign|ns_source|ito|guccounter|guce_referrer(?:_sig)?|"
    r"ml_subscriber(?:_hash)?",
    re.IGNORECASE | re.DOTALL,
)


def link(url: str | None, base: str | None = None) -> str | None:
    """An absolute https address in ASCII that is safe to print, or None where there is none.

    http becomes https. None for other schemes, for names and passwords, and for broken ones.
    """
    parts = _split(url or "", base)
    host = _host(parts) if parts else None
    if parts is None or host is None:
        return None
    path = _quoted(parts.path, _IN_PATH)
    query = f"?{_quoted(parts.query, _IN_QUERY)}" if parts.query else ""
    fragment = f"#{_quoted(parts.fragment, _IN_QUERY)}" if parts.fragment else ""
    whole = f"https://{host}{_without_tokens(path + query + fragment)}"
    return whole if len(whole) <= LONGEST else None


def picture(url: str | None, base: str | None = None) -> str | None:
    """The https address of a picture that mail programs can show, once it is hosted; or None."""
    whole = link(url, base)
    if whole is None:
        return None
    parts = urlsplit(whole)
    named = _FORMAT.search(parts.query)
    drawing = parts.path.lower().endswith(_NEVER_SHOWN) or (named and named[1].lower() == "svg")
    return None if drawing else whole


def is_shown_as_it_is(picture: str) -> bool:
    """Whether mail programs show that picture from where it lies, as far as its address says."""
    parts = urlsplit(picture)
    return not parts.path.lower().endswith(_CONVERTED) and not _FORMAT.search(parts.query)


@lru_cache(_REMEMBERED)
def canonical(url: str) -> str:
    """The address for comparing: one page, one text, however the link to it was dressed.

    Without tracking parameters, fragment, closing slash and usual port; the host in small
    letters; https for http. What is no web address comes back as it is.
    """
    parts = _split(url, None)
    host = _host(parts) if parts else None
    if parts is None or host is None:
        return url.strip()
    path = _normal(_quoted(parts.path, _IN_PATH)).rstrip("/")
    pieces = [p for p in parts.query.split("&") if p and not _TRACKING.fullmatch(p.split("=")[0])]
    query = _normal(_quoted("&".join(pieces), _IN_QUERY))
    return f"https://{host.rstrip('.')}{path}" + (f"?{query}" if query else "")


def _split(url: str, base: str | None) -> SplitResult | None:
    # Feeds wrap long addresses, and escape them once too often.
    text = _WRAPPED.sub("", url.strip()).replace("&amp;", "&")
    if not text or _FORBIDDEN.search(text):
        return None
    try:
        # Not joined without need: that drops what it thinks is empty.
        parts = urlsplit(text if _WHOLE.match(text) else urljoin(base or "https:", text))
        parts.port  # noqa: B018 - raises ValueError for a port that is none
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not parts.hostname:
        return None
    return parts


def _host(parts: SplitResult) -> str | None:
    """Host and port in ASCII, the port only where it is not the usual one."""
    name = parts.hostname or ""
    if ":" in name:
        name = f"[{name}]"
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    if not _HOST.fullmatch(name) or tokens.take_apart(name) != name:
        return None
    return name if parts.port in (None, 80, 443) else f"{name}:{parts.port}"


def _quoted(text: str, safe: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=safe)


def _normal(text: str) -> str:
    """Percent signs only where they are needed, and always with capitals (RFC 3986, 6.2.2)."""

    def one(match: re.Match[str]) -> str:
        letter = chr(int(match[1], 16))
        return letter if letter in _PLAIN else match.group().upper()

    return _ESCAPED.sub(one, text)


def _without_tokens(text: str) -> str:
    """The same address with the hyphens of our tokens escaped, so that nobody fills them in."""
    return re.sub(r"(ndx)-", r"\1%2D", text, flags=re.IGNORECASE)
