"""The sign-up and confirmation pages. Opening them changes nothing; their buttons do.

A sign-up gets the same answer for every address, so nobody learns who is subscribed.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parseaddr

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from newsletter.app import Desk
from newsletter.app.readers import reader_links, sign_up
from newsletter.app.readers.reader_links import KeyResult, KeyState
from newsletter.web.public import client_network, forms, page
from newsletter.web.public.messages import Button, Link, in_thread, message_page

_STATUS = {
    KeyState.UNKNOWN: 404,
    KeyState.USED: 410,
    KeyState.EXPIRED: 410,
    KeyState.SUPPRESSED: 409,
}
TRAP = "website"  # a hidden field that only robots fill in


def routes(current: Callable[[], Desk], wake: Callable[[], None]) -> list[Route]:
    """The two pages; ``wake`` is called when a sign-up waits for its mail."""

    async def subscribe(request: Request) -> Response:
        desk = current()
        if desk.config.newsletter.base_url is None:  # no link could lead back here
            raise HTTPException(404)
        if request.method != "POST":
            return page.render_page(desk, "subscribe.html.j2", public=True)
        form = await forms.read(request)
        if client_network.is_cross_site(request, desk.config.newsletter.base_url):
            error = desk.language.words["signup_elsewhere"]
            return _form_again(desk, 403, forms.first(form, "email"), error)
        if forms.first(form, TRAP):
            return _accepted(desk)
        response = await _sign_up(desk, request, forms.first(form, "email"))
        wake()
        return response

    async def confirm(request: Request) -> Response:
        desk, key = current(), request.path_params["key"]
        action = reader_links.read_confirmation_key
        if request.method == "POST" and forms.first(await forms.read(request), "act") == "confirm":
            action = reader_links.confirm
        return _confirmation(desk, await in_thread(action, desk, key))

    return [
        Route("/subscribe", subscribe, methods=["GET", "POST"]),
        Route("/confirm/{key}", confirm, methods=["GET", "POST"]),
    ]


async def _sign_up(desk: Desk, request: Request, address: str) -> Response:
    network = client_network.client_network(request, desk.config.public.trusted_proxies)
    try:
        within_limit = await in_thread(sign_up.request, desk, address, network)
    except ValueError:
        return _form_again(desk, 422, address, desk.language.words["signup_wrong"])
    if not within_limit:
        response = _form_again(desk, 429, address, desk.language.words["signup_many"])
        response.headers["Retry-After"] = "3600"
        return response
    return _accepted(desk)


def _form_again(desk: Desk, status: int, address: str, error: str) -> Response:
    """The form once more, with what was typed and why it was not accepted."""
    return page.render_page(desk, "subscribe.html.j2", status, email=address[:320], error=error)


def _accepted(desk: Desk) -> Response:
    texts, say = desk.language.words, desk.language.say
    text, hint = say("signup_taken_text", newsletter=desk.name), texts["signup_taken_hint"]
    return message_page(desk, 200, texts["signup_taken"], text, hints=[hint])


def _confirmation(desk: Desk, result: KeyResult) -> Response:
    texts, newsletter = desk.language.words, desk.config.newsletter
    sender = parseaddr(newsletter.sender)[1]
    contact = parseaddr(newsletter.reply_to or newsletter.sender)[1]
    parts = {"newsletter": desk.name, "sender": sender, "contact": contact}
    home = page.home_path(desk)
    if result.state is KeyState.OPEN:
        button = Button(texts["confirm_button"], {"act": "confirm"})
        title = desk.language.say("confirm", **parts)
        return message_page(desk, 200, title, texts["confirm_text"], buttons=[button])
    key = f"confirm_{result.state}"
    text, links = desk.language.say(f"{key}_text", **parts), []
    if result.state is KeyState.DONE and result.reader:
        preferences = f"{home}/preferences/{reader_links.preferences_key(desk, result.reader)}"
        links = [
            Link(texts["confirm_choose"], preferences, secondary=False),
            Link(texts["page_archive"], f"{home}/"),
        ]
    elif result.state is not KeyState.SUPPRESSED:
        links = [Link(texts["signup_button"], f"{home}/subscribe")]
    return message_page(desk, _STATUS.get(result.state, 200), texts[key], text, links=links)
