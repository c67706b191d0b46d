"""The pages to sign up and to confirm it. A look changes nothing; buttons do.

The answer to a sign-up is the same for every address: nobody learns here who is subscribed.
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
from newsletter.app.readers.reader_links import Found, State
from newsletter.web.public import client_network, forms, page
from newsletter.web.public.messages import Button, Link, done, said

_STATUS = {State.UNKNOWN: 404, State.USED: 410, State.EXPIRED: 410, State.BARRED: 409}
TRAP = "website"  # the field that only programs fill in


def routes(current: Callable[[], Desk], wake: Callable[[], None]) -> list[Route]:
    """``wake`` is called when a sign-up waits for its answer by mail."""

    async def subscribe(request: Request) -> Response:
        desk = current()
        if desk.config.newsletter.base_url is None:  # no link could lead back here
            raise HTTPException(404)
        if request.method != "POST":
            return page.shown(desk, "subscribe.html.j2", public=True)
        form = await forms.read(request)
        if client_network.is_foreign(request, desk.config.newsletter.base_url):
            wrong = desk.language.words["signup_elsewhere"]
            return _again(desk, 403, forms.first(form, "email"), wrong)
        if forms.first(form, TRAP):
            return _taken(desk)
        answer = await _asked(desk, request, forms.first(form, "email"))
        wake()
        return answer

    async def confirm(request: Request) -> Response:
        desk, key = current(), request.path_params["key"]
        act = reader_links.look_at_confirmation
        if request.method == "POST" and forms.first(await forms.read(request), "act") == "confirm":
            act = reader_links.confirm
        return _confirmed(desk, await done(act, desk, key))

    return [
        Route("/subscribe", subscribe, methods=["GET", "POST"]),
        Route("/confirm/{key}", confirm, methods=["GET", "POST"]),
    ]


async def _asked(desk: Desk, request: Request, address: str) -> Response:
    network = client_network.network(request, desk.config.public.trusted_proxies)
    try:
        kept = await done(sign_up.ask, desk, address, network)
    except ValueError:
        return _again(desk, 422, address, desk.language.words["signup_wrong"])
    if not kept:
        answer = _again(desk, 429, address, desk.language.words["signup_many"])
        answer.headers["Retry-After"] = "3600"
        return answer
    return _taken(desk)


def _again(desk: Desk, status: int, address: str, wrong: str) -> Response:
    """The form once more, with what was typed, and why it was not taken."""
    return page.shown(desk, "subscribe.html.j2", status, again=address[:320], wrong=wrong)


def _taken(desk: Desk) -> Response:
    words, say = desk.language.words, desk.language.say
    text, hint = say("signup_taken_text", newsletter=desk.name), words["signup_taken_hint"]
    return said(desk, 200, words["signup_taken"], text, hints=[hint])


def _confirmed(desk: Desk, found: Found) -> Response:
    words, newsletter = desk.language.words, desk.config.newsletter
    sender = parseaddr(newsletter.sender)[1]
    contact = parseaddr(newsletter.reply_to or newsletter.sender)[1]
    parts = {"newsletter": desk.name, "sender": sender, "contact": contact}
    front = page.home(desk)
    if found.state is State.OPEN:
        button = Button(words["confirm_button"], {"act": "confirm"})
        title = desk.language.say("confirm", **parts)
        return said(desk, 200, title, words["confirm_text"], buttons=[button])
    key = f"confirm_{found.state}"
    text, links = desk.language.say(f"{key}_text", **parts), []
    if found.state is State.DONE and found.reader:
        own = f"{front}/preferences/{reader_links.preferences_key(desk, found.reader)}"
        links = [
            Link(words["confirm_choose"], own, second=False),
            Link(words["page_archive"], f"{front}/"),
        ]
    elif found.state is not State.BARRED:
        links = [Link(words["signup_button"], f"{front}/subscribe")]
    return said(desk, _STATUS.get(found.state, 200), words[key], text, links=links)
