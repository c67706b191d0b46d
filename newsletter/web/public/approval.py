"""The page behind a link to approve: it shows what would be approved, and a button approves it.

A look changes nothing, so whoever opens links to see whether they do harm approves nothing; only
the form of the page does. No script runs here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from newsletter.app import Desk, recipients
from newsletter.app.approval import approval_links
from newsletter.app.approval.approval_links import ApprovalLink, LinkState
from newsletter.errors import NewsletterError
from newsletter.links import tokens
from newsletter.render.alert import COMMAND
from newsletter.render.filling import own

log = logging.getLogger(__name__)

MOST = 1_000  # bytes of the form
_TEMPLATES = Path(__file__).parent / "templates"
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "img-src https: http:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_STATUS = {
    LinkState.OPEN: 200,
    LinkState.APPROVED: 200,
    LinkState.UNKNOWN: 404,
    LinkState.CHANGED: 409,
    LinkState.ERRORS: 409,
    LinkState.BROKEN: 409,
}
_GONE = 410


def routes(current: Callable[[], Desk]) -> list[Route]:
    """The page, the mail that it is about, and the page's style."""

    async def page(request: Request) -> Response:
        desk, key = current(), request.path_params["key"]
        if request.method != "POST":
            return await _answered(desk, approval_links.read_link, key)
        if not await _pressed(request):
            return _nothing(desk, "unasked", 400)
        return await _answered(desk, approval_links.approve, key)

    async def mail(request: Request) -> Response:
        desk = current()
        try:
            found = await run_in_threadpool(
                approval_links.read_link, desk, request.path_params["key"]
            )
        except NewsletterError as error:
            log.warning("%s", error)
            return _nothing(desk, "later", 503, up="../")
        if found.built is None:
            return _shown(desk, found, up="../")
        html = tokens.fill(found.built.rendered.html, recipients.sample_tokens(desk))
        return HTMLResponse(html, headers={**_HEADERS, "Content-Security-Policy": _MAIL_POLICY})

    async def style(_: Request) -> Response:
        return FileResponse(_TEMPLATES / "approve.css", media_type="text/css")

    return [
        Route("/approve/page.css", style),
        Route("/approve/{key}", page, methods=["GET", "POST"]),
        Route("/approve/{key}/mail", mail),
    ]


async def _answered(desk: Desk, act: Callable[[Desk, str], ApprovalLink], key: str) -> Response:
    try:
        found = await run_in_threadpool(act, desk, key)
    except NewsletterError as error:
        log.warning("%s", error)
        return _nothing(desk, "later", 503)
    if act is approval_links.approve and found.state is LinkState.APPROVED:
        return RedirectResponse(key, 303, headers=_HEADERS)  # so that reloading asks nothing anew
    return _shown(desk, found)


async def _pressed(request: Request) -> bool:
    """Whether it is the page's own form: mail programs post to links, too, to leave a list."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST:
            return False
    return parse_qs(body.decode("latin-1")).get("approve") == ["yes"]


def _shown(desk: Desk, found: ApprovalLink, up: str = "") -> Response:
    """What is said of the link."""
    say, words = desk.language.say, desk.language.words
    parts = _parts(desk, found)
    if found.state not in {LinkState.OPEN, LinkState.APPROVED}:
        return _nothing(desk, found.state.value, _STATUS.get(found.state, _GONE), up, **parts)
    way = "text" if found.sends_at else "by_hand"
    return _page(
        desk,
        200,
        state=found.state.value,
        title=say(f"approve_{found.state}", **parts),
        text=say(f"approve_{found.state}_{way}", **parts),
        facts=_facts(desk, found),
        mail=f"{found.key}/mail",
        read=words["approve_read" if found.state is LinkState.OPEN else "approve_read_again"],
        button=words["approve_button"] if found.state is LinkState.OPEN else None,
    )


def _nothing(desk: Desk, what: str, status: int, up: str = "", **parts: str) -> Response:
    """Nothing was approved, and why."""
    title = desk.language.words["approve_nothing"]
    text = desk.language.say(f"approve_{what}_text", **parts)
    return _page(desk, status, state="refused", title=title, text=text, up=up)


def _parts(desk: Desk, found: ApprovalLink) -> dict[str, str]:
    if found.claims is None or found.issue is None:
        return {}
    language, zone = desk.language, desk.config.zone
    return {
        "issue": str(found.issue),
        "date": language.short_date(found.issue.date).replace(" ", "\N{NO-BREAK SPACE}"),
        "expires": language.moment(found.claims.expires.astimezone(zone)),
        "moment": language.moment(found.sends_at) if found.sends_at else "",
        "count": str(len(found.built.errors)) if found.built else "",
    }


def _facts(desk: Desk, found: ApprovalLink) -> list[tuple[str, str]]:
    """What would be, or is, approved."""
    language, built, says = desk.language, found.built, found.claims
    if built is None or says is None:
        return []
    words, sample, zone = language.words, recipients.sample_tokens(desk), desk.config.zone
    facts = [
        ("subject", tokens.fill(built.rendered.subject, sample)),
        ("preheader", tokens.fill(built.rendered.preheader, sample)),
        ("stories", str(len(built.issue.stories))),
        ("version", f"`{says.hash[:12]}`"),
    ]
    if built.findings:
        said = language.say("approve_findings_text", count=str(len(built.findings)))
        facts.append(("findings", said))
    if found.state is LinkState.OPEN:
        left = language.ahead(says.expires - desk.clock())
        facts.append(("until", f"{language.moment(says.expires.astimezone(zone))} ({left})"))
    elif found.approval:
        facts.append(("by", found.approval.by))
        facts.append(("at", language.moment(found.approval.at.astimezone(zone))))
    return [(words[f"approve_{name}"], value) for name, value in facts if value]


def _page(desk: Desk, status: int, **values: Any) -> Response:
    html = own(_TEMPLATES / "approve.html.j2").render(
        {"facts": [], "mail": None, "read": "", "button": None, "up": ""}
        | values
        | {
            "newsletter": desk.name,
            "language": desk.config.newsletter.language,
            "direction": desk.language.direction,
            "pieces": COMMAND.split,
        }
    )
    return HTMLResponse(html, status, headers=_HEADERS)
