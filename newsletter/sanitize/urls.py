"""Make web addresses from outside safe to print, and comparable."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from newsletter.links import tokens

_CACHE_SIZE = 16_384  # more than the addresses of one gather
MAX_LENGTH = 2048  # characters that every mail program and browser can open

_UNSUPPORTED = (".svg", ".svgz", ".heic", ".heif", ".jxl")
_NEEDS_CONVERSION = (".webp", ".avif")
_FORMAT = re.compile(r"(?:^|&)(?:format|fm|fmt)=(webp|avif|svg)(?:&|$)", re.IGNORECASE)

# Characters that need no escaping; brackets, braces, quotes and non-ASCII characters do.
_IN_PATH = "/:@!$&()*+,;=~-._%"
_IN_QUERY = _IN_PATH + "?"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_LINE_BREAK = re.compile(r"[\t\n\r]+\s*")
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
    """An absolute https address in ASCII that is safe to print.

    http becomes https. None for no address, other schemes, credentials, and broken addresses.
    """
    parts = _split(url or "", base)
    host = _host(parts) if parts else None
    if parts is None or host is None:
        return None
    path = _quote(parts.path, _IN_PATH)
    query = f"?{_quote(parts.query, _IN_QUERY)}" if parts.query else ""
    fragment = f"#{_quote(parts.fragment, _IN_QUERY)}" if parts.fragment else ""
    address = f"https://{host}{_without_tokens(path + query + fragment)}"
    return address if len(address) <= MAX_LENGTH else None


def picture(url: str | None, base: str | None = None) -> str | None:
    """The https address of a picture in a format that we can show or convert; otherwise None."""
    address = link(url, base)
    if address is None:
        return None
    parts = urlsplit(address)
    parameter = _FORMAT.search(parts.query)
    is_svg = parameter and parameter[1].lower() == "svg"
    return None if is_svg or parts.path.lower().endswith(_UNSUPPORTED) else address


def needs_no_conversion(picture: str) -> bool:
    """Whether mail programs can show a picture as it is, judged by its address."""
    parts = urlsplit(picture)
    return not parts.path.lower().endswith(_NEEDS_CONVERSION) and not _FORMAT.search(parts.query)


@lru_cache(_CACHE_SIZE)
def canonical(url: str) -> str:
    """The canonical form of an address: equal for all addresses of one page.

    It has no tracking parameters, fragment, trailing slash or default port; the host is in lower
    case, and http becomes https. Anything but a web address is returned unchanged.
    """
    parts = _split(url, None)
    host = _host(parts) if parts else None
    if parts is None or host is None:
        return url.strip()
    path = _normalize(_quote(parts.path, _IN_PATH)).rstrip("/")
    parameters = [
        p for p in parts.query.split("&") if p and not _TRACKING.fullmatch(p.split("=")[0])
    ]
    query = _normalize(_quote("&".join(parameters), _IN_QUERY))
    return f"https://{host.rstrip('.')}{path}" + (f"?{query}" if query else "")


def _split(url: str, base: str | None) -> SplitResult | None:
    # Feeds wrap long addresses, and escape them once too often.
    text = _LINE_BREAK.sub("", url.strip()).replace("&amp;", "&")
    if not text or _FORBIDDEN.search(text):
        return None
    try:
        # urljoin drops empty parts, so it is used only for relative addresses.
        parts = urlsplit(text if _ABSOLUTE.match(text) else urljoin(base or "https:", text))
        parts.port  # noqa: B018 - raises ValueError for an invalid port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not parts.hostname:
        return None
    return parts


def _host(parts: SplitResult) -> str | None:
    """Host and port in ASCII, without a default port; None for an invalid host."""
    name = parts.hostname or ""
    if ":" in name:
        name = f"[{name}]"
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    if not _HOST.fullmatch(name) or tokens.without_tokens(name) != name:
        return None
    return name if parts.port in (None, 80, 443) else f"{name}:{parts.port}"


def _quote(text: str, safe: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=safe)


def _normalize(text: str) -> str:
    """Only necessary percent-encodings, and those in capitals (RFC 3986, 6.2.2)."""

    def decode(match: re.Match[str]) -> str:
        letter = chr(int(match[1], 16))
        return letter if letter in _UNRESERVED else match.group().upper()

    return _ESCAPED.sub(decode, text)


def _without_tokens(text: str) -> str:
    """The text with the hyphens of our tokens escaped, so that they are never substituted."""
    return re.sub(r"(ndx)-", r"\1%2D", text, flags=re.IGNORECASE)
