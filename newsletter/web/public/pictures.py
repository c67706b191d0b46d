"""The pictures in an issue's mails, from its ``pictures/`` folder and nowhere else.

A picture's name is the hash of its content, so it can be cached forever and nobody can guess it.
Pictures of unsent issues are served, too: the test mail shows them, and the check before a send
makes sure that readers will get them.
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
from newsletter.web.public.cached_response import CachedResponse

_NAME = re.compile(r"[0-9a-f]{20}\.(jpg|png)")
_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",  # mail programs load them
}


def routes(current: Callable[[], Desk]) -> list[Route]:
    """One picture of an issue."""

    async def picture(request: Request) -> ASGIApp:
        issue, file = request.path_params["issue"], request.path_params["file"]
        response = await run_in_threadpool(_picture, current().folder, issue, file)
        if response is None:
            raise HTTPException(404)
        return response

    return [Route("/issues/{issue}/pictures/{file}", picture)]


def _picture(root: Path, issue: str, file: str) -> CachedResponse | None:
    match = _NAME.fullmatch(file)
    if match is None:
        return None
    try:
        folder = issues.folder_of(root, issues.parse_issue(issue))
        data = (folder / FOLDER / file).read_bytes()
    except (UsageError, OSError):
        return None
    return CachedResponse(data, _TYPES[match[1]], _HEADERS, compress=False)
