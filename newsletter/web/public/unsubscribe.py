"""The unsubscribe page, and the one-click unsubscribe of mail programs (RFC 8058).

Scanners open links, and some even post to them. Only the page's own form, or exactly what a mail
program sends, unsubscribes anyone.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parseaddr

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.app import Desk
from newsletter.app.readers import reader_links
from newsletter.app.readers.reader_links import KeyResult, KeyState
from newsletter.web.public import forms
from newsletter.web.public.messages import Button, in_thread, message_page

_STATUS = {KeyState.UNKNOWN: 404, KeyState.ERASED: 410, KeyState.SUPPRESSED: 409}
_ACTIONS = {"leave": reader_links.unsubscribe, "again": reader_links.resubscribe}
_NOT_MAILED = {KeyState.DONE, KeyState.ERASED, KeyState.TEST}  # the key's owner gets no issue


def routes(current: Callable[[], Desk]) -> list[Route]:
    """The unsubscribe page."""

    async def unsubscribe(request: Request) -> Response:
        desk, key = current(), request.path_params["key"]
        if request.method != "POST":
            return _page(desk, await in_thread(reader_links.read_unsubscribe_key, desk, key))
        form = await forms.read(request)
        if forms.first(form, "List-Unsubscribe").lower() == "one-click":
            result = await in_thread(reader_links.unsubscribe, desk, key)
            status = 200 if result.state in _NOT_MAILED else 404
            return PlainTextResponse(f"{_title(desk, result)}.\n", status)
        action = _ACTIONS.get(forms.first(form, "act"))
        if action is None:
            title, text = _title(desk, KeyResult(KeyState.OPEN)), desk.language.words
            return message_page(desk, 400, title, text["leave_unasked_text"])
        return _page(desk, await in_thread(action, desk, key))

    return [Route("/unsubscribe/{key}", unsubscribe, methods=["GET", "POST"])]


def _words_key(result: KeyResult) -> str:
    if result.state is KeyState.SUPPRESSED:
        return "confirm_barred"
    return "leave" if result.state is KeyState.OPEN else f"leave_{result.state}"


def _title(desk: Desk, result: KeyResult) -> str:
    return desk.language.say(_words_key(result), newsletter=desk.name)


def _page(desk: Desk, result: KeyResult) -> Response:
    texts, newsletter = desk.language.words, desk.config.newsletter
    contact = parseaddr(newsletter.reply_to or newsletter.sender)[1]
    key = f"{_words_key(result)}_text"
    text = desk.language.say(key, newsletter=desk.name, contact=contact)
    hints, buttons = [], []
    if result.state is KeyState.OPEN:
        buttons = [Button(texts["leave_button"], {"act": "leave"})]
    elif result.state is KeyState.DONE:
        hints = [texts["leave_done_again"]]
        buttons = [Button(texts["leave_again_button"], {"act": "again"}, secondary=True)]
    elif result.state is KeyState.RESUBSCRIBED:
        buttons = [Button(texts["leave_button"], {"act": "leave"}, secondary=True)]
    status = _STATUS.get(result.state, 200)
    return message_page(desk, status, _title(desk, result), text, hints=hints, buttons=buttons)
