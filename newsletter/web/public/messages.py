"""Pages that say one thing, and perhaps offer a button."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from newsletter.app import Desk
from newsletter.errors import NewsletterError
from newsletter.web.public import page

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")


class NotNowError(Exception):
    """The database, or a key, cannot be had just now."""


@dataclass(frozen=True)
class Button:
    """A form with nothing to fill in."""

    words: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    second: bool = False


@dataclass(frozen=True)
class Link:
    """A way to another page."""

    words: str
    address: str
    second: bool = True


def said(
    desk: Desk,
    status: int,
    title: str,
    *text: str,
    hints: Sequence[str] = (),
    buttons: Sequence[Button] = (),
    links: Sequence[Link] = (),
) -> Response:
    """The page."""
    return page.shown(
        desk,
        "message.html.j2",
        status,
        title=title,
        text=text,
        hints=hints,
        buttons=buttons,
        links=links,
    )


async def done(work: Callable[..., _Result], *arguments: object) -> _Result:
    """What the work gives, beside other requests; raises NotNowError where it cannot be done."""
    try:
        return await run_in_threadpool(work, *arguments)
    except NewsletterError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all
        raise NotNowError from error


def faults(
    current: Callable[[], Desk],
) -> dict[int | type[Exception], Callable[[Request, Exception], Response]]:
    """What is answered where no route has an answer."""

    def nothing(_: Request, __: Exception) -> Response:
        desk = current()
        words, links = desk.language.words, []
        if desk.config.newsletter.base_url is not None:
            links = [Link(words["signup_button"], f"{page.home(desk)}/subscribe")]
        return said(desk, 404, words["page_nothing"], words["page_nothing_text"], links=links)

    def not_so(_: Request, error: Exception) -> Response:
        desk = current()
        words = desk.language.words
        answer = said(desk, 405, words["page_nothing"], words["page_method_text"])
        if isinstance(error, HTTPException):
            answer.headers.update(error.headers or {})
        return answer

    def later(_: Request, __: Exception) -> Response:
        desk = current()
        words = desk.language.words
        answer = said(desk, 503, words["page_later"], words["page_later_text"])
        answer.headers["Retry-After"] = "60"
        return answer

    def broken(request: Request, error: Exception) -> Response:
        answer = later(request, error)
        answer.status_code = 500
        return answer

    return {404: nothing, 405: not_so, NotNowError: later, Exception: broken}
