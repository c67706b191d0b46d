"""Pages that list issues: the front page of the archive, and search results."""

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
from newsletter.text.search_terms import MAX_LENGTH
from newsletter.web.public.archive_cache import Snapshot
from newsletter.web.public.page import common_values, home_path, render_page, template

ISSUES_PER_PAGE = 40
HITS_PER_PAGE = 20
_NUMBER = re.compile("[1-9][0-9]{0,3}", re.ASCII)


def page_number(text: str | None) -> int | None:
    """The number in ``?page=``, 1 without one; None if it is not a number."""
    if text is None:
        return 1
    return int(text) if _NUMBER.fullmatch(text) else None


def front_page(snapshot: Snapshot, number: int) -> str | None:
    """Page ``number`` of all issues, newest first; None beyond the last page."""
    desk, start = snapshot.desk, ISSUES_PER_PAGE * (number - 1)
    end = start + ISSUES_PER_PAGE
    issues = [_issue_values(desk, issue) for issue in snapshot.issues[start:end]]
    if number > 1 and not issues:
        return None
    newest, rest = (issues[0], issues[1:]) if issues and number == 1 else (None, issues)
    base = desk.config.newsletter.base_url
    path = f"{home_path(desk)}/"
    by_year = groupby(rest, lambda issue: issue["name"][:4])
    return template("archive.html.j2").render(
        common_values(desk)
        | {
            "number": number,
            "newest": newest,
            "years": [(year, list(issues_of_year)) for year, issues_of_year in by_year],
            "feeds": past_issues.FEEDS if base else (),
            "address": base and (f"{base}/" if number == 1 else f"{base}/?page={number}"),
            "description": newest["preheader"] or newest["subject"] if newest else "",
            "picture": newest["picture"] if newest else None,
            "newer": _page_url(path, "", number - 1),
            "older": _page_url(path, "", number + 1) if end < len(snapshot.issues) else None,
        }
    )


def search_results(
    snapshot: Snapshot, query: str, number: int, network: str
) -> HTMLResponse | None:
    """Page ``number`` of the issues that match; None beyond the last page.

    ``network`` is the client's; it gets 429 after too many searches. The page is never cached,
    because it tells what somebody searched for.
    """
    desk, texts = snapshot.desk, snapshot.desk.language.words
    query = " ".join(query[:MAX_LENGTH].replace("\0", " ").split())
    if query and not past_issues.may_search(desk, network):
        return _too_many_searches(desk, query)
    issues = past_issues.search(desk, query, snapshot.issues) if query else []
    start = HITS_PER_PAGE * (number - 1)
    end = start + HITS_PER_PAGE
    if number > 1 and not issues[start:end]:
        return None
    path = f"{home_path(desk)}/search"
    heading = texts["archive_search"]
    if query:
        key = "archive_found" if issues else "archive_found_none"
        heading = desk.language.say(key, words=query, count=str(len(issues)))
    return render_page(
        desk,
        "search.html.j2",
        query=query,
        heading=heading,
        text=texts["archive_found_hint"] if query and not issues else "",
        hits=[_hit_values(desk, past_issues.hit(issue, query)) for issue in issues[start:end]],
        newer=_page_url(path, query, number - 1),
        older=_page_url(path, query, number + 1) if end < len(issues) else None,
    )


def _too_many_searches(desk: Desk, query: str) -> HTMLResponse:
    texts = desk.language.words
    empty: dict[str, Any] = {"hits": (), "newer": None, "older": None}
    heading, text = texts["archive_search"], texts["archive_search_many"]
    page = render_page(
        desk, "search.html.j2", 429, query=query, heading=heading, text=text, **empty
    )
    page.headers["Retry-After"] = "3600"
    return page


def _page_url(path: str, query: str, number: int) -> str | None:
    if number < 1:
        return None
    values = ({"q": query} if query else {}) | ({"page": str(number)} if number > 1 else {})
    return f"{path}?{urlencode(values)}" if values else path


def _issue_values(desk: Desk, issue: Published) -> dict[str, Any]:
    text = past_issues.corrected_text(issue)
    return _link_values(desk, issue) | {
        "subject": text.subject,
        "preheader": text.preheader,
        "picture": text.picture,
        "corrected": any(correction.note for correction in issue.corrections),
    }


def _hit_values(desk: Desk, hit: Hit) -> dict[str, Any]:
    return _link_values(desk, hit.issue) | {"subject": hit.subject, "excerpt": hit.excerpt}


def _link_values(desk: Desk, issue: Published) -> dict[str, Any]:
    return {
        "name": str(issue.issue),
        "path": f"{home_path(desk)}/issues/{issue.issue}",
        "date": desk.language.long_date(issue.issue.date),
    }
