"""A reader's preferences: name and newsletters; and to be forgotten, which asks once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from email.utils import parseaddr

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from newsletter.app import Desk
from newsletter.app.readers import reader_links
from newsletter.app.readers.reader_links import Preferences, State
from newsletter.web.public import forms, page
from newsletter.web.public.messages import Button, done, said

_STATUS = {State.UNKNOWN: 404, State.GONE: 410}


def routes(current: Callable[[], Desk], others: Callable[[], Sequence[Desk]]) -> list[Route]:
    """``others`` gives the newsletters that are served beside this one."""

    async def preferences(request: Request) -> Response:
        desk, key = current(), request.path_params["key"]
        form = await forms.read(request) if request.method == "POST" else {}
        act = forms.first(form, "act")
        if act == "save":
            return await _save(desk, others(), key, form)
        if act == "erase for good":
            state = await done(reader_links.erase, desk, others(), key)
            return _state(desk, state)
        found = await done(reader_links.preferences, desk, others(), key)
        if isinstance(found, State):
            return _state(desk, found)
        if act == "erase":
            return _ask_once_more(desk)
        return _shown(desk, 200, found)

    return [Route("/preferences/{key}", preferences, methods=["GET", "POST"])]


async def _save(desk: Desk, others: Sequence[Desk], key: str, form: forms.Form) -> Response:
    name, wrong = forms.first(form, "name"), ""
    chosen = form.get("newsletter", [])
    try:
        state = await done(reader_links.choose, desk, others, key, name, chosen)
    except ValueError:
        state, wrong = State.DONE, desk.language.words["choose_wrong_name"]
    found = await done(reader_links.preferences, desk, others, key)
    if isinstance(found, State) or state is not State.DONE:
        return _state(desk, found if isinstance(found, State) else state)
    if wrong:
        return _shown(desk, 422, replace(found, name=name[:200]), wrong=wrong)
    return _shown(desk, 200, found, told=desk.language.words["choose_saved"])


def _shown(
    desk: Desk, status: int, found: Preferences, *, told: str = "", wrong: str = ""
) -> Response:
    return page.shown(
        desk,
        "preferences.html.j2",
        status,
        name=found.name,
        barred=found.barred,
        choices=found.choices,
        told=told,
        wrong=wrong,
    )


def _ask_once_more(desk: Desk) -> Response:
    words = desk.language.words
    sure = Button(words["erase_button"], {"act": "erase for good"})
    back = Button(words["erase_back"], second=True)
    return said(desk, 200, words["erase"], words["erase_text"], buttons=[sure, back])


def _state(desk: Desk, state: State) -> Response:
    """Nothing to choose, and why."""
    words, newsletter = desk.language.words, desk.config.newsletter
    if state is State.DONE:
        return said(desk, 200, words["erase_done"], words["erase_done_text"])
    contact = parseaddr(newsletter.reply_to or newsletter.sender)[1]
    text = desk.language.say(f"leave_{state}_text", contact=contact)
    return said(desk, _STATUS.get(state, 200), words[f"leave_{state}"], text)
