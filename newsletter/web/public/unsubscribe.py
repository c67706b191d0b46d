"""The page behind a link to unsubscribe, and the one click of mail programs (RFC 8058).

Scanners open links, and some post to them: only the page's own form, or exactly what a mail
program sends, unsubscribes anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parseaddr

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.app import Desk
from newsletter.app.readers import reader_links
from newsletter.app.readers.reader_links import Found, State
from newsletter.web.public import forms
from newsletter.web.public.messages import Button, done, said

_STATUS = {State.UNKNOWN: 404, State.GONE: 410, State.BARRED: 409}
_ACTS = {"leave": reader_links.leave, "again": reader_links.come_back}
_OVER = {State.DONE, State.GONE, State.TEST}  # no issue comes to whoever has that key


def routes(current: Callable[[], Desk]) -> list[Route]:
    """The page."""

    async def unsubscribe(request: Request) -> Response:
        desk, key = current(), request.path_params["key"]
        if request.method != "POST":
            return _shown(desk, await done(reader_links.look_at_leaving, desk, key))
        form = await forms.read(request)
        if forms.first(form, "List-Unsubscribe").lower() == "one-click":
            found = await done(reader_links.leave, desk, key)
            status = 200 if found.state in _OVER else 404
            return PlainTextResponse(f"{_title(desk, found)}.\n", status)
        act = _ACTS.get(forms.first(form, "act"))
        if act is None:
            words = desk.language.words
            return said(desk, 400, _title(desk, Found(State.OPEN)), words["leave_unasked_text"])
        return _shown(desk, await done(act, desk, key))

    return [Route("/unsubscribe/{key}", unsubscribe, methods=["GET", "POST"])]


def _title(desk: Desk, found: Found) -> str:
    if found.state is State.BARRED:
        return desk.language.words["confirm_barred"]
    key = "leave" if found.state is State.OPEN else f"leave_{found.state}"
    return desk.language.say(key, newsletter=desk.name)


def _shown(desk: Desk, found: Found) -> Response:
    words, newsletter = desk.language.words, desk.config.newsletter
    contact = parseaddr(newsletter.reply_to or newsletter.sender)[1]
    key = "leave" if found.state is State.OPEN else f"leave_{found.state}"
    if found.state is State.BARRED:
        key = "confirm_barred"
    text = desk.language.say(f"{key}_text", newsletter=desk.name, contact=contact)
    hints, buttons = [], []
    if found.state is State.OPEN:
        buttons = [Button(words["leave_button"], {"act": "leave"})]
    elif found.state is State.DONE:
        hints = [words["leave_done_again"]]
        buttons = [Button(words["leave_again_button"], {"act": "again"}, second=True)]
    elif found.state is State.BACK:
        buttons = [Button(words["leave_button"], {"act": "leave"}, second=True)]
    status = _STATUS.get(found.state, 200)
    return said(desk, status, _title(desk, found), text, hints=hints, buttons=buttons)
