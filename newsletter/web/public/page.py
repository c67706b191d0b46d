"""Pages for readers: one layout in the newsletter's colors and language, without scripts."""

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
from newsletter.render.jinja import own_template
from newsletter.web.headers import PRIVATE

_TEMPLATES = Path(__file__).parent / "templates"
_STYLESHEET, _ICON = "public.css", "icon.svg"
_ONE_DAY = {"Cache-Control": "public, max-age=86400"}


def render_page(
    desk: Desk, template_name: str, status: int = 200, *, public: bool = False, **values: Any
) -> HTMLResponse:
    """The template filled with ``values`` and the common values.

    A page that is not ``public`` is never cached or indexed.
    """
    html = template(template_name).render(common_values(desk) | values)
    return HTMLResponse(html, status, headers=None if public else PRIVATE)


def common_values(desk: Desk) -> dict[str, Any]:
    """What every template may use."""
    newsletter = desk.config.newsletter
    return {
        "newsletter": newsletter.name,
        "language": newsletter.language,
        "direction": desk.language.direction,
        "words": desk.language.words,  # fixed texts
        "say": desk.language.say,  # fixed texts with parts to fill in
        "home": home_path(desk),
        "style": stylesheet_url(desk),
        "icon": f"{home_path(desk)}/{_ICON}",
        "postal": newsletter.address,
        "contact": parseaddr(newsletter.reply_to or newsletter.sender)[1],
    }


def home_path(desk: Desk) -> str:
    """The path of base_url without a closing slash; empty for the root."""
    return urlsplit(desk.config.newsletter.base_url or "").path.rstrip("/")


def stylesheet_url(desk: Desk) -> str:
    """The address of the style sheet, which changes with its content."""
    digest = hashlib.sha256(_style(desk.config.newsletter.accent, _is_korean(desk)).encode())
    return f"{home_path(desk)}/{_STYLESHEET}?v={digest.hexdigest()[:12]}"


def routes(current: Callable[[], Desk]) -> list[Route]:
    """The style sheet and the icon."""

    async def style(_: Request) -> Response:
        desk = current()
        text = _style(desk.config.newsletter.accent, _is_korean(desk))
        return Response(text, media_type="text/css", headers=_ONE_DAY)

    async def icon(_: Request) -> Response:
        desk = current()
        accent, letter = desk.config.newsletter.accent, desk.name.lstrip()[:1]
        text = template(_ICON).render(accent=accent, letter=letter, on=colours.on)
        return Response(text, media_type="image/svg+xml", headers=_ONE_DAY)

    return [Route(f"/{_STYLESHEET}", style), Route(f"/{_ICON}", icon)]


def _is_korean(desk: Desk) -> bool:
    return desk.config.newsletter.language.startswith("ko")


@lru_cache(maxsize=32)
def _style(accent: str, korean: bool) -> str:
    return template(_STYLESHEET).render(
        accent=accent, korean=korean, readable=colours.readable, on=colours.on
    )


def template(name: str) -> Template:
    """A template of the public pages. It escapes values, and an undefined name is an error."""
    return own_template(_TEMPLATES / name)
