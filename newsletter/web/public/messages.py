"""Pages with one message and perhaps a button, and what is answered when something fails."""

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


class UnavailableError(Exception):
    """The database or a signing key is not available now; answered with 503."""


@dataclass(frozen=True)
class Button:
    """A form without visible fields."""

    label: str
    hidden: Mapping[str, str] = field(default_factory=dict)  # its hidden fields
    secondary: bool = False


@dataclass(frozen=True)
class Link:
    """A link in the style of a button."""

    label: str
    url: str
    secondary: bool = True


def message_page(
    desk: Desk,
    status: int,
    title: str,
    *paragraphs: str,
    hints: Sequence[str] = (),
    buttons: Sequence[Button] = (),
    links: Sequence[Link] = (),
) -> Response:
    """A page with a title, paragraphs, and perhaps buttons and links."""
    return page.render_page(
        desk,
        "message.html.j2",
        status,
        title=title,
        paragraphs=paragraphs,
        hints=hints,
        buttons=buttons,
        links=links,
    )


async def in_thread(work: Callable[..., _Result], *arguments: object) -> _Result:
    """Run the work beside other requests. Raises UnavailableError when it fails."""
    try:
        return await run_in_threadpool(work, *arguments)
    except NewsletterError as error:
        log.error("%s", error)  # noqa: TRY400 - the message is complete
        raise UnavailableError from error


def error_handlers(
    current: Callable[[], Desk],
) -> dict[int | type[Exception], Callable[[Request, Exception], Response]]:
    """The pages for 404, 405, 500 and 503."""

    def not_found(_: Request, __: Exception) -> Response:
        desk = current()
        texts, links = desk.language.words, []
        if desk.config.newsletter.base_url is not None:
            links = [Link(texts["signup_button"], f"{page.home_path(desk)}/subscribe")]
        return message_page(
            desk, 404, texts["page_nothing"], texts["page_nothing_text"], links=links
        )

    def method_not_allowed(_: Request, error: Exception) -> Response:
        desk = current()
        texts = desk.language.words
        response = message_page(desk, 405, texts["page_nothing"], texts["page_method_text"])
        if isinstance(error, HTTPException):
            response.headers.update(error.headers or {})
        return response

    def unavailable(_: Request, __: Exception) -> Response:
        desk = current()
        texts = desk.language.words
        response = message_page(desk, 503, texts["page_later"], texts["page_later_text"])
        response.headers["Retry-After"] = "60"
        return response

    def internal_error(request: Request, error: Exception) -> Response:
        response = unavailable(request, error)
        response.status_code = 500
        return response

    return {
        404: not_found,
        405: method_not_allowed,
        UnavailableError: unavailable,
        Exception: internal_error,
    }
