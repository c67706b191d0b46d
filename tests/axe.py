"""What axe finds wrong with a page for people who see, hear or move in another way."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

# Rules that ask for landmarks, which a page has and a mail has not.
OF_PAGES = ("region", "landmark-one-main")


def violations(page: Page, *, frames: bool = True, without: tuple[str, ...] = ()) -> str:
    """A report of the violations, empty if there are none; ``without`` some rules."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {
        "resultTypes": ["violations"],
        "preload": False,  # that is for rules about films and sounds, and takes long
        "rules": {rule: {"enabled": False} for rule in without},
    }
    context = {} if frames else {"exclude": [["iframe"]]}
    found = page.evaluate(
        "async ([context, options]) =>"
        " (await axe.run({include: [[':root']], ...context}, options)).violations",
        [context, options],
    )
    return AxeResults({"violations": found}).generate_report() if found else ""
