"""The page of an approval link, which shows the issue and has a button that approves it.

Opening the page changes nothing, so that scanners that open links do not approve an issue. Only the
page's form approves it. The page has no scripts.
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
from newsletter.render.jinja import own_template
from newsletter.render.service_mail import COMMAND

log = logging.getLogger(__name__)

MAX_FORM = 1_000  # bytes
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
    """The routes of the page, of the mail that it shows, and of its style sheet."""

    async def page(request: Request) -> Response:
        desk, key = current(), request.path_params["key"]
        if request.method != "POST":
            return await _respond(desk, approval_links.read_link, key)
        if not await _is_own_form(request):
            return _refusal(desk, "unasked", 400)
        return await _respond(desk, approval_links.approve, key)

    async def mail(request: Request) -> Response:
        desk = current()
        try:
            link = await run_in_threadpool(
                approval_links.read_link, desk, request.path_params["key"]
            )
        except NewsletterError as error:
            log.warning("%s", error)
            return _refusal(desk, "later", 503, up="../")
        if link.built is None:
            return _link_page(desk, link, up="../")
        html = tokens.fill(link.built.rendered.html, recipients.sample_tokens(desk))
        return HTMLResponse(html, headers={**_HEADERS, "Content-Security-Policy": _MAIL_POLICY})

    async def style(_: Request) -> Response:
        return FileResponse(_TEMPLATES / "approve.css", media_type="text/css")

    return [
        Route("/approve/page.css", style),
        Route("/approve/{key}", page, methods=["GET", "POST"]),
        Route("/approve/{key}/mail", mail),
    ]


async def _respond(desk: Desk, act: Callable[[Desk, str], ApprovalLink], key: str) -> Response:
    try:
        link = await run_in_threadpool(act, desk, key)
    except NewsletterError as error:
        log.warning("%s", error)
        return _refusal(desk, "later", 503)
    if act is approval_links.approve and link.state is LinkState.APPROVED:
        return RedirectResponse(key, 303, headers=_HEADERS)  # reloading must not post again
    return _link_page(desk, link)


async def _is_own_form(request: Request) -> bool:
    """Whether the page's own form was posted. Mail programs also post to links, to unsubscribe."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM:
            return False
    return parse_qs(body.decode("latin-1")).get("approve") == ["yes"]


def _link_page(desk: Desk, link: ApprovalLink, up: str = "") -> Response:
    """The page for the link's state. ``up`` is the relative path to the page's own address."""
    say, texts = desk.language.say, desk.language.words
    parts = _text_values(desk, link)
    if link.state not in {LinkState.OPEN, LinkState.APPROVED}:
        return _refusal(desk, link.state.value, _STATUS.get(link.state, _GONE), up, **parts)
    variant = "text" if link.sends_at else "by_hand"
    return _page(
        desk,
        200,
        state=link.state.value,
        title=say(f"approve_{link.state}", **parts),
        text=say(f"approve_{link.state}_{variant}", **parts),
        facts=_facts(desk, link),
        mail=f"{link.key}/mail",
        read=texts["approve_read" if link.state is LinkState.OPEN else "approve_read_again"],
        button=texts["approve_button"] if link.state is LinkState.OPEN else None,
    )


def _refusal(desk: Desk, reason: str, status: int, up: str = "", **parts: str) -> Response:
    """The page that says why nothing was approved."""
    title = desk.language.words["approve_nothing"]
    text = desk.language.say(f"approve_{reason}_text", **parts)
    return _page(desk, status, state="refused", title=title, text=text, up=up)


def _text_values(desk: Desk, link: ApprovalLink) -> dict[str, str]:
    if link.claims is None or link.issue is None:
        return {}
    language, zone = desk.language, desk.config.zone
    return {
        "issue": str(link.issue),
        "date": language.short_date(link.issue.date).replace(" ", "\N{NO-BREAK SPACE}"),
        "expires": language.moment(link.claims.expires.astimezone(zone)),
        "moment": language.moment(link.sends_at) if link.sends_at else "",
        "count": str(len(link.built.errors)) if link.built else "",
    }


def _facts(desk: Desk, link: ApprovalLink) -> list[tuple[str, str]]:
    """Label and value of each fact about the issue that the link approves."""
    language, built, claims = desk.language, link.built, link.claims
    if built is None or claims is None:
        return []
    texts, sample, zone = language.words, recipients.sample_tokens(desk), desk.config.zone
    facts = [
        ("subject", tokens.fill(built.rendered.subject, sample)),
        ("preheader", tokens.fill(built.rendered.preheader, sample)),
        ("stories", str(len(built.issue.stories))),
        ("version", f"`{claims.hash[:12]}`"),
    ]
    if built.findings:
        count_text = language.say("approve_findings_text", count=str(len(built.findings)))
        facts.append(("findings", count_text))
    if link.state is LinkState.OPEN:
        left = language.ahead(claims.expires - desk.clock())
        facts.append(("until", f"{language.moment(claims.expires.astimezone(zone))} ({left})"))
    elif link.approval:
        facts.append(("by", link.approval.by))
        facts.append(("at", language.moment(link.approval.at.astimezone(zone))))
    return [(texts[f"approve_{name}"], value) for name, value in facts if value]


def _page(desk: Desk, status: int, **values: Any) -> Response:
    html = own_template(_TEMPLATES / "approve.html.j2").render(
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
