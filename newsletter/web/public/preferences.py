"""A reader's preferences: name, newsletters, and erasure, which asks for confirmation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from email.utils import parseaddr

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from newsletter.app import Desk
from newsletter.app.readers import reader_links
from newsletter.app.readers.reader_links import KeyState, Preferences
from newsletter.web.public import forms, page
from newsletter.web.public.messages import Button, in_thread, message_page

_STATUS = {KeyState.UNKNOWN: 404, KeyState.ERASED: 410}


def routes(current: Callable[[], Desk], others: Callable[[], Sequence[Desk]]) -> list[Route]:
    """The page; ``others`` gives the newsletters that are served beside this one."""

    async def preferences(request: Request) -> Response:
        desk, key = current(), request.path_params["key"]
        form = await forms.read(request) if request.method == "POST" else {}
        action = forms.first(form, "act")
        if action == "save":
            return await _save(desk, others(), key, form)
        if action == "erase for good":
            return _message(desk, await in_thread(reader_links.erase, desk, others(), key))
        current_choices = await in_thread(reader_links.preferences, desk, others(), key)
        if isinstance(current_choices, KeyState):
            return _message(desk, current_choices)
        if action == "erase":
            return _confirm_erasure(desk)
        return _page(desk, 200, current_choices)

    return [Route("/preferences/{key}", preferences, methods=["GET", "POST"])]


async def _save(desk: Desk, others: Sequence[Desk], key: str, form: forms.Form) -> Response:
    name, error = forms.first(form, "name"), ""
    chosen = form.get("newsletter", [])
    try:
        state = await in_thread(reader_links.set_preferences, desk, others, key, name, chosen)
    except ValueError:
        state, error = KeyState.DONE, desk.language.words["choose_wrong_name"]
    preferences = await in_thread(reader_links.preferences, desk, others, key)
    if isinstance(preferences, KeyState):
        return _message(desk, preferences)
    if state is not KeyState.DONE:
        return _message(desk, state)
    if error:
        return _page(desk, 422, replace(preferences, name=name[:200]), error=error)
    return _page(desk, 200, preferences, notice=desk.language.words["choose_saved"])


def _page(
    desk: Desk, status: int, preferences: Preferences, *, notice: str = "", error: str = ""
) -> Response:
    return page.render_page(
        desk,
        "preferences.html.j2",
        status,
        name=preferences.name,
        barred=preferences.suppressed,
        choices=preferences.choices,
        notice=notice,
        error=error,
    )


def _confirm_erasure(desk: Desk) -> Response:
    texts = desk.language.words
    erase = Button(texts["erase_button"], {"act": "erase for good"})
    back = Button(texts["erase_back"], secondary=True)
    return message_page(desk, 200, texts["erase"], texts["erase_text"], buttons=[erase, back])


def _message(desk: Desk, state: KeyState) -> Response:
    """Why there are no preferences."""
    texts, newsletter = desk.language.words, desk.config.newsletter
    if state is KeyState.DONE:
        return message_page(desk, 200, texts["erase_done"], texts["erase_done_text"])
    contact = parseaddr(newsletter.reply_to or newsletter.sender)[1]
    text = desk.language.say(f"leave_{state}_text", contact=contact)
    return message_page(desk, _STATUS.get(state, 200), texts[f"leave_{state}"], text)
