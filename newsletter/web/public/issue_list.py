"""The pages that list issues: the front of the archive, and what a search finds."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from newsletter.app import Desk
from newsletter.app.archive import past_issues
from newsletter.app.archive.past_issues import Hit
from newsletter.model import Published
from newsletter.text.search_terms import LONGEST
from newsletter.web.public.archive_cache import Stand
from newsletter.web.public.page import common, home, shown, template

IN_A_PAGE = 40  # issues of the front
FOUND_IN_A_PAGE = 20
_NUMBER = re.compile("[1-9][0-9]{0,3}", re.ASCII)


def number_of(asked: str | None) -> int | None:
    """The number of a page; None for what is none."""
    if asked is None:
        return 1
    return int(asked) if _NUMBER.fullmatch(asked) else None


def front(stand: Stand, number: int) -> str | None:
    """The page of that number, the newest issue in the first; None where there are not so many."""
    desk, start = stand.desk, IN_A_PAGE * (number - 1)
    issues = [_shown(desk, issue) for issue in stand.issues[start : start + IN_A_PAGE]]
    if number > 1 and not issues:
        return None
    newest, rest = (issues[0], issues[1:]) if issues and number == 1 else (None, issues)
    base = desk.config.newsletter.base_url
    here = f"{home(desk)}/"
    return template("archive.html.j2").render(
        common(desk)
        | {
            "number": number,
            "newest": newest,
            "years": [(year, list(each)) for year, each in groupby(rest, lambda i: i["name"][:4])],
            "feeds": past_issues.FEEDS if base else (),
            "address": base and (f"{base}/" if number == 1 else f"{base}/?page={number}"),
            "description": newest["preheader"] or newest["subject"] if newest else "",
            "picture": newest["picture"] if newest else None,
            "newer": _turned(here, "", number - 1),
            "older": _turned(here, "", number + 1)
            if start + IN_A_PAGE < len(stand.issues)
            else None,
        }
    )


def found(stand: Stand, asked: str, number: int, network: str) -> HTMLResponse | None:
    """The page of that number of what is found; None where there are not so many. ``network``: who
    asks, which is told so where it has asked too often.

    It is never kept, as it says what somebody looks for.
    """
    desk, words = stand.desk, stand.desk.language.words
    asked = " ".join(asked[:LONGEST].replace("\0", " ").split())
    if asked and not past_issues.may_search(desk, network):
        return _too_often(desk, asked)
    issues = past_issues.search(desk, asked, stand.issues) if asked else []
    start = FOUND_IN_A_PAGE * (number - 1)
    some = issues[start : start + FOUND_IN_A_PAGE]
    if number > 1 and not some:
        return None
    here, query = f"{home(desk)}/search", asked
    heading = words["archive_search"]
    if asked:
        key = "archive_found" if issues else "archive_found_none"
        heading = desk.language.say(key, words=asked, count=str(len(issues)))
    return shown(
        desk,
        "search.html.j2",
        asked=asked,
        heading=heading,
        text=words["archive_found_hint"] if asked and not issues else "",
        hits=[_hit(desk, past_issues.hit(issue, asked)) for issue in some],
        newer=_turned(here, query, number - 1),
        older=_turned(here, query, number + 1) if start + FOUND_IN_A_PAGE < len(issues) else None,
    )


def _too_often(desk: Desk, asked: str) -> HTMLResponse:
    words = desk.language.words
    nothing: dict[str, Any] = {"hits": (), "newer": None, "older": None}
    heading, text = words["archive_search"], words["archive_search_many"]
    page = shown(desk, "search.html.j2", 429, asked=asked, heading=heading, text=text, **nothing)
    page.headers["Retry-After"] = "3600"
    return page


def _turned(here: str, asked: str, number: int) -> str | None:
    if number < 1:
        return None
    values = ({"q": asked} if asked else {}) | ({"page": str(number)} if number > 1 else {})
    return f"{here}?{urlencode(values)}" if values else here


def _shown(desk: Desk, issue: Published) -> dict[str, Any]:
    text = past_issues.now_said(issue)
    return _named(desk, issue) | {
        "subject": text.subject,
        "preheader": text.preheader,
        "picture": text.picture,
        "corrected": any(each.note for each in issue.corrections),
    }


def _hit(desk: Desk, hit: Hit) -> dict[str, Any]:
    return _named(desk, hit.issue) | {"subject": hit.subject, "excerpt": hit.excerpt}


def _named(desk: Desk, issue: Published) -> dict[str, Any]:
    return {
        "name": str(issue.issue),
        "path": f"{home(desk)}/issues/{issue.issue}",
        "date": desk.language.long_date(issue.issue.date),
    }
