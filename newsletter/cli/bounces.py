"""bounces: read returned mail and complaints."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.output import AsJson, context, counted, emit


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
    """Read returned mail and complaints, and suppress readers who cannot be reached."""
    from newsletter.app.feedback import bounced_mail
    from newsletter.bounces import Fate

    bounced = bounced_mail.read_mailbox(context.desk(), place)
    if as_json:
        emit(
            {
                "mails": bounced.mails,
                **{fate.value: bounced.fates[fate] for fate in Fate},
                "new": bounced.new,
                "known": bounced.duplicates,
                "about_nobody_here": bounced.unidentified,
                "no_bounces": bounced.unrelated,
            }
        )
        return
    labels = {
        Fate.BOUNCED: "hard",
        Fate.BLOCKED: "soft",
        Fate.DELAYED: "delayed",
        Fate.COMPLAINED: "complained",
        Fate.LEAVES: "unsubscribe requests",
    }
    parts = [
        f"{bounced.fates[fate]:,} {label}" for fate, label in labels.items() if bounced.fates[fate]
    ]
    print(f"Read {counted(bounced.mails, 'mail')}: {', '.join(parts) or 'no bounces'}.")
    if bounced.duplicates:
        print(f"{counted(bounced.duplicates, 'notice')} had been read before.")
    if bounced.unidentified:
        mails = counted(bounced.unidentified, "mail")
        print(f"Ignored: {mails} that do not clearly identify one of your readers.")
    if bounced.unrelated:
        print(f"Ignored: {counted(bounced.unrelated, 'mail')} of other kinds.")
