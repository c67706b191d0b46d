"""What SpamAssassin, where it is installed, counts against the mail. It asks nobody else."""

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
WORTH_SAYING = 0.1  # points

_TOTAL = re.compile(
    r"^Content analysis details:\s*\((-?[\d.]+) points, (-?[\d.]+) required", re.MULTILINE
)
_RULE = re.compile(
    r"^\s*(-?\d+(?:\.\d+)?)\s+([A-Z][A-Z0-9_]+)\s+(.*(?:\n {20,}\S.*)*)", re.MULTILINE
)


def findings(desk: Desk, built: Built) -> tuple[Finding, ...]:
    """Each rule that takes points, and an error where the sum makes it junk.

    Raises UsageError where SpamAssassin is not installed, NewsletterError where it fails.
    """
    return tuple(_read(_report(message_bytes(desk, built.issue.name, built.rendered))))


def _report(mail: bytes) -> str:
    program = shutil.which(PROGRAM)
    if program is None:
        raise UsageError(
            "SpamAssassin is not on this machine. Install it (Debian: apt install spamassassin), "
            "or check without --spam."
        )
    try:
        # Local rules only, none of the user's own, and the report behind the mail.
        done = subprocess.run(  # noqa: S603 - a fixed command
            [program, "--local", "--test-mode", f"--prefs-file={os.devnull}"],
            input=mail,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise NewsletterError(
            f"SpamAssassin failed: {fault}. Try it by hand, or check without --spam."
        ) from fault
    return done.stdout.decode("utf-8", "replace")


def _read(report: str) -> Iterator[Finding]:
    total = list(_TOTAL.finditer(report))
    if not total:
        raise NewsletterError(
            "SpamAssassin gave no score. Try it by hand, or check without --spam."
        )
    points, most = map(float, total[-1].groups())
    if points >= most:
        yield error(
            "spam",
            f"SpamAssassin takes the mail for junk: {points:g} points, where {most:g} are enough.",
            "Look at its reasons below, and mend the heaviest first.",
        )
    for taken, name, words in _RULE.findall(report[total[-1].end() :]):
        if float(taken) >= WORTH_SAYING:
            yield warning(
                "spam",
                f"SpamAssassin takes {taken} points for {name}: {' '.join(words.split())}",
                f"The mail has {points:g} of the {most:g} points that make it junk.",
            )
