"""bounces: what came back by mail."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.common import AsJson, context, counted, emit


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bounces)


def bounces(
    place: Annotated[
        str,
        typer.Argument(
            metavar="PLACE", help="A mail, an mbox, a folder, or imaps://USER@HOST/FOLDER."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Read mails that came back, and complaints: who cannot be reached is not mailed again."""
    from newsletter.app.feedback import bounced_mail
    from newsletter.bounces import Fate

    found = bounced_mail.take(context.desk(), place)
    if as_json:
        emit(
            {
                "mails": found.mails,
                **{fate.value: found.fates[fate] for fate in Fate},
                "new": found.new,
                "known": found.known,
                "about_nobody_here": found.strange,
                "no_bounces": found.others,
            }
        )
        return
    words = {
        Fate.BOUNCED: "for good",
        Fate.BLOCKED: "for now",
        Fate.DELAYED: "delayed",
        Fate.COMPLAINED: "complained",
        Fate.LEAVES: "wish to leave",
    }
    parts = [f"{found.fates[fate]:,} {what}" for fate, what in words.items() if found.fates[fate]]
    print(f"Read {counted(found.mails, 'mail')}: {', '.join(parts) or 'nothing came back'}.")
    if found.known:
        print(f"{counted(found.known, 'notice')} of these had been read before.")
    if found.strange:
        mails = counted(found.strange, "mail")
        print(f"Left alone: {mails} without a sure sign of which reader of yours is meant.")
    if found.others:
        print(f"Left alone: {counted(found.others, 'mail')} of another kind.")
