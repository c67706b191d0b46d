"""Pages for readers: one layout in the newsletter's colours and language, without scripts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Template
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from newsletter import colours
from newsletter.app import Desk
from newsletter.render.filling import own
from newsletter.web.headers import PRIVATE

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE, _ICON = "public.css", "icon.svg"
_KEPT = {"Cache-Control": "public, max-age=86400"}


def shown(
    desk: Desk, page: str, status: int = 200, *, public: bool = False, **values: Any
) -> HTMLResponse:
    """The page, filled in. ``public``: anybody may keep it and find it; else nobody.

    Templates know, beside the ``values``, what ``common`` gives.
    """
    html = template(page).render(common(desk) | values)
    return HTMLResponse(html, status, headers=None if public else PRIVATE)


def common(desk: Desk) -> dict[str, Any]:
    """What every page knows. ``home``: the path of the archive's front, without a closing slash;
    ``say``: a fixed sentence with its parts.
    """
    newsletter = desk.config.newsletter
    return {
        "newsletter": newsletter.name,
        "language": newsletter.language,
        "direction": desk.language.direction,
        "words": desk.language.words,
        "say": desk.language.say,
        "home": home(desk),
        "style": style_address(desk),
        "icon": f"{home(desk)}/{_ICON}",
        "postal": newsletter.address,
        "contact": parseaddr(newsletter.reply_to or newsletter.sender)[1],
    }


def home(desk: Desk) -> str:
    """The path of base_url, below which all pages lie; empty for the root."""
    return urlsplit(desk.config.newsletter.base_url or "").path.rstrip("/")


def style_address(desk: Desk) -> str:
    """The style sheet of the pages; another one has another address."""
    digest = hashlib.sha256(_style(desk.config.newsletter.accent, _korean(desk)).encode())
    return f"{home(desk)}/{_STYLE}?v={digest.hexdigest()[:12]}"


def routes(current: Callable[[], Desk]) -> list[Route]:
    """The style sheet of the pages, and the icon that a browser shows beside their titles."""

    async def style(_: Request) -> Response:
        desk = current()
        text = _style(desk.config.newsletter.accent, _korean(desk))
        return Response(text, media_type="text/css", headers=_KEPT)

    async def icon(_: Request) -> Response:
        desk = current()
        accent, letter = desk.config.newsletter.accent, desk.name.lstrip()[:1]
        text = template(_ICON).render(accent=accent, letter=letter, on=colours.on)
        return Response(text, media_type="image/svg+xml", headers=_KEPT)

    return [Route(f"/{_STYLE}", style), Route(f"/{_ICON}", icon)]


def _korean(desk: Desk) -> bool:
    return desk.config.newsletter.language.startswith("ko")


@lru_cache(maxsize=32)
def _style(accent: str, korean: bool) -> str:
    return template(_STYLE).render(
        accent=accent, korean=korean, readable=colours.readable, on=colours.on
    )


def template(name: str) -> Template:
    """One of the public pages, strict; everything that is filled in is escaped."""
    return own(_TEMPLATES / name)
