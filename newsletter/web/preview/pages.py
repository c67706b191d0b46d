"""The pages and files of the preview."""

from __future__ import annotations

import asyncio
import logging
import mimetypes
from collections.abc import Callable, Sequence
from dataclasses import asdict
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)

from newsletter import issues
from newsletter.app import Desk, recipients
from newsletter.app.approval import approve, rules, test_mail
from newsletter.check.size import CLIPPED, NEAR
from newsletter.errors import NewsletterError
from newsletter.links import tokens
from newsletter.model import Finding, IssueName, Level
from newsletter.render.jinja import own_template
from newsletter.text.characters import columns
from newsletter.web.preview import mail_views
from newsletter.web.preview.live_issue import GoodBuild, LiveIssue

log = logging.getLogger(__name__)

_TEMPLATES = Path(__file__).parent / "templates"
_ASSETS = {  # media types, because some systems guess others
    "preview.css": "text/css",
    "preview.js": "text/javascript",
    "showing.js": "text/javascript",
    "following.js": "text/javascript",
    "preview.svg": "image/svg+xml",
}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# allow-same-origin lets the page keep the scroll position; without scripts it is harmless.
# allow-modals lets the page print the mail.
_SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-modals"
_MAIL_POLICY = (
    f"sandbox {_SANDBOX}; default-src 'none'; img-src {{images}}; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_NO_BUILD = "There is no mail to show yet: the issue could not be built.\n"


class PreviewPages:
    """The request handlers of one preview."""

    def __init__(self, live: LiveIssue) -> None:
        self.live = live
        self.sending = asyncio.Lock()

    async def page(self, _: Request) -> Response:
        """The editor's page; its script updates it after each build."""
        live, desk = self.live, self.live.desk
        good = live.good
        record = await asyncio.to_thread(self._record) if good else None
        html = own_template(_TEMPLATES / "preview.html.j2").render(
            newsletter=desk.name,
            sender=parseaddr(desk.config.newsletter.sender)[0] or desk.name,
            language=desk.config.newsletter.language,
            direction=desk.language.direction,
            issue=str(live.issue),
            date=desk.language.issue_date(live.issue),
            version=live.version_id,
            error=live.error,
            good=self._facts(good) if good else None,
            sent=bool(record and record.sent),
            approval=record and good and record.approval_of(good.built.rendered.hash),
            sandbox=_SANDBOX,
            clipped=CLIPPED,
            near=NEAR,
            editor=parseaddr(desk.config.editor.email or "")[1],
        )
        return HTMLResponse(html, headers={"Content-Security-Policy": _PAGE_POLICY})

    async def mail(self, request: Request) -> Response:
        """The HTML part as a reader gets it; ``theme=dark``, ``styles=off``, ``images=off``."""
        good = self.live.good
        if good is None:
            return PlainTextResponse(_NO_BUILD, 404)
        query = request.query_params
        theme: mail_views.Theme = "dark" if query.get("theme") == "dark" else "light"
        html = self._filled(mail_views.with_lines(good.built.rendered.html))
        html = mail_views.mail(html, theme, self._published, styles=query.get("styles") != "off")
        images = "'none'" if query.get("images") == "off" else "'self' https:"
        policy = _MAIL_POLICY.format(images=images)
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    async def text(self, _: Request) -> Response:
        """The text part as a reader gets it."""
        good = self.live.good
        if good is None:
            return PlainTextResponse(_NO_BUILD, 404)
        return PlainTextResponse(self._filled(good.built.rendered.text))

    async def source(self, _: Request) -> Response:
        """The HTML part byte for byte, with unfilled tokens."""
        good = self.live.good
        if good is None:
            return PlainTextResponse(_NO_BUILD, 404)
        return PlainTextResponse(good.built.rendered.html)

    async def test(self, _: Request) -> Response:
        """Send the test to the editor and to nobody else; one at a time."""
        async with self.sending:
            try:
                address, _built = await asyncio.to_thread(
                    test_mail.send_test, self.live.desk, self.live.issue
                )
            except NewsletterError as error:
                return JSONResponse({"sent": False, "message": str(error)}, 409)
        return JSONResponse(
            {
                "sent": True,
                "message": f"The test {test_mail.describe_destination(self.live.desk, address)}.",
            }
        )

    async def approve(self, request: Request) -> Response:
        """Approve what the page shows, if the issue still gives the same bytes."""
        seen = (await request.body()).decode("ascii", "replace")
        return await self._act(
            lambda desk, issue: approve.approve(desk, issue, seen=seen or "nothing"),
            "Approved exactly what is shown here. Any change voids the approval.",
        )

    async def unapprove(self, _: Request) -> Response:
        """Withdraw the approval."""
        return await self._act(approve.unapprove, "The approval is withdrawn.")

    async def _act(self, action: Callable[[Desk, IssueName], object], message: str) -> Response:
        try:
            await asyncio.to_thread(action, self.live.desk, self.live.issue)
        except NewsletterError as error:
            return JSONResponse({"done": False, "message": str(error)}, 409)
        return JSONResponse({"done": True, "message": message})

    def _record(self) -> rules.Record | None:
        """What the database holds about the issue; None where it does not answer."""
        try:
            return rules.record(self.live.desk, self.live.issue)
        except NewsletterError as error:
            log.info("%s", error)
            return None

    async def state(self, _: Request) -> Response:
        """The page's facts as JSON."""
        good = self.live.good
        facts = self._facts(good) if good else {}
        keys = ("built_at", "subject", "preheader", "hash", "html_bytes", "stories", "findings")
        return JSONResponse(
            {"version": self.live.version, "error": self.live.error}
            | {key: facts.get(key) for key in keys}
        )

    async def events(self, _: Request) -> Response:
        """A stream with one event for each build."""
        return StreamingResponse(self.live.stream(), media_type="text/event-stream")

    async def picture(self, request: Request) -> Response:
        """A file of the issue's images/ or pictures/ folder, and of no other."""
        issue = issues.folder_of(self.live.desk.folder, self.live.issue)
        folder = issue / request.url.path.split("/")[1]
        name = request.path_params["name"]
        kind = mimetypes.guess_type(name)[0] or ""
        try:
            path = (folder / name).resolve()
            allowed = path.is_relative_to(folder.resolve()) and path.is_file()
        except (OSError, ValueError):
            allowed = False
        if not allowed or not kind.startswith("image/"):
            raise HTTPException(404, f"There is no picture of that name in {folder.name}/.")
        return FileResponse(path, media_type=kind)

    async def asset(self, request: Request) -> Response:
        """The page's style sheet, scripts and icon."""
        name = request.path_params["name"]
        if name not in _ASSETS:
            raise HTTPException(404)
        return FileResponse(_TEMPLATES / name, media_type=_ASSETS[name])

    @property
    def _published(self) -> str:
        """The address below which readers will find the issue's pictures."""
        base = self.live.desk.config.newsletter.base_url or ""
        return f"{base}/issues/{self.live.issue}/"

    def _filled(self, part: str) -> str:
        return tokens.fill(part, recipients.sample_tokens(self.live.desk))

    def _facts(self, good: GoodBuild) -> dict[str, Any]:
        built, rendered = good.built, good.built.rendered
        return {
            "mail": good.number,
            "built_at": good.at.isoformat(timespec="seconds"),
            "clock": f"{good.at:%H:%M:%S}",
            "subject": self._filled(rendered.subject),
            "subject_room": columns(rendered.subject),
            "preheader": self._filled(rendered.preheader),
            "preheader_room": columns(rendered.preheader.strip()),
            "hash": rendered.hash,
            "html_bytes": len(rendered.html.encode()),
            "grown_bytes": good.grown,
            "stories": len(built.issue.stories),
            "findings": [asdict(finding) for finding in built.findings],
            "grouped": _grouped(built.findings, self._published),
            "errors": len(built.errors),
            "warnings": sum(f.level is Level.WARNING for f in built.findings),
            "text": self._filled(rendered.text),
            "dark": mail_views.has_dark_palette(rendered.html),
        }


def _grouped(findings: Sequence[Finding], published: str) -> list[dict[str, Any]]:
    """Findings with the same words as one, with all their places."""
    groups: dict[tuple[Level, str, str], list[dict[str, Any]]] = {}
    for finding in findings:
        places = groups.setdefault((finding.level, finding.message, finding.remedy), [])
        if finding.place:
            label = finding.place.removeprefix(published)
            places.append({"label": label, "line": finding.line, "story": finding.story})
    return [
        {"level": level.value, "message": message, "remedy": remedy, "places": places}
        for (level, message, remedy), places in groups.items()
    ]
