"""The pictures that are hosted for an issue's mails: from its ``pictures/``, and from nowhere else.

A picture's name is made of what is in it, so it may be kept for ever, and nobody guesses it: those
of an issue that was not sent yet are served, too, as a test of it shows them, and so that the look
before a send can see whether readers will get them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from newsletter import issues
from newsletter.app import Desk
from newsletter.errors import UsageError
from newsletter.issues.pictures import FOLDER
from newsletter.web.public.cached_response import Answer

_NAME = re.compile(r"[0-9a-f]{20}\.(jpg|png)")
_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",  # readers see them in their mail programs
}


def routes(current: Callable[[], Desk]) -> list[Route]:
    """One picture each."""

    async def picture(request: Request) -> ASGIApp:
        name, file = request.path_params["issue"], request.path_params["file"]
        answer = await run_in_threadpool(_answer, current().folder, name, file)
        if answer is None:
            raise HTTPException(404)
        return answer

    return [Route("/issues/{issue}/pictures/{file}", picture)]


def _answer(root: Path, name: str, file: str) -> Answer | None:
    match = _NAME.fullmatch(file)
    try:
        folder = issues.folder_of(root, issues.parse_issue(name))
    except UsageError:
        return None
    if match is None:
        return None
    try:
        data = (folder / FOLDER / file).read_bytes()
    except OSError:
        return None
    return Answer(data, _TYPES[match[1]], _HEADERS, small=False)
