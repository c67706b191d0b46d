"""What SpamAssassin, if it is installed, finds in the mail. It runs with local rules only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator

from newsletter.app.desk import Desk
from newsletter.app.issue.build import Built
from newsletter.app.mail import message_bytes
from newsletter.check import error, warning
from newsletter.errors import NewsletterError, UsageError
from newsletter.model import Finding

PROGRAM = "spamassassin"
SECONDS = 120
MIN_POINTS = 0.1  # rules with less are not listed

_TOTAL = re.compile(
    r"^Content analysis details:\s*\((-?[\d.]+) points, (-?[\d.]+) required", re.MULTILINE
)
_RULE = re.compile(
    r"^\s*(-?\d+(?:\.\d+)?)\s+([A-Z][A-Z0-9_]+)\s+(.*(?:\n {20,}\S.*)*)", re.MULTILINE
)


def findings(desk: Desk, built: Built) -> tuple[Finding, ...]:
    """Each rule that adds points, and an error if the sum makes the mail spam.

    Raises UsageError if SpamAssassin is not installed, NewsletterError if it fails.
    """
    return tuple(_read(_report(message_bytes(desk, built.issue.name, built.rendered))))


def _report(mail: bytes) -> str:
    program = shutil.which(PROGRAM)
    if program is None:
        raise UsageError(
            "SpamAssassin is not installed. Install it (Debian: apt install spamassassin), or "
            "check without --spam."
        )
    try:
        # Local rules only, no user preferences; the report follows the mail.
        completed = subprocess.run(  # noqa: S603 - a fixed command
            [program, "--local", "--test-mode", f"--prefs-file={os.devnull}"],
            input=mail,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise NewsletterError(
            f"SpamAssassin failed: {fault}. Run it by hand, or check without --spam."
        ) from fault
    return completed.stdout.decode("utf-8", "replace")


def _read(report: str) -> Iterator[Finding]:
    total = list(_TOTAL.finditer(report))
    if not total:
        raise NewsletterError(
            "SpamAssassin gave no score. Run it by hand, or check without --spam."
        )
    points, limit = map(float, total[-1].groups())
    if points >= limit:
        yield error(
            "spam",
            f"SpamAssassin calls the mail spam: {points:g} points, and {limit:g} are enough.",
            "See its reasons below, and fix the heaviest first.",
        )
    for rule_points, name, text in _RULE.findall(report[total[-1].end() :]):
        if float(rule_points) >= MIN_POINTS:
            yield warning(
                "spam",
                f"SpamAssassin adds {rule_points} points for {name}: {' '.join(text.split())}",
                f"The mail has {points:g} of the {limit:g} points that make it spam.",
            )
