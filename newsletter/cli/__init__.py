"""The command line: thin, and quick to start. Each command imports what it needs itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from newsletter import __version__
from newsletter.cli import (
    bounces,
    correcting,
    databases,
    editing,
    figures,
    gathering,
    people,
    receipts,
    rehearsing,
    sending,
    service,
    starting,
    timetable,
)
from newsletter.cli.common import context
from newsletter.errors import NewsletterError

app = typer.Typer(
    name="newsletter",
    help="Gather the week's articles, edit the issue, look at it, and send it once to everybody.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (
    starting,
    gathering,
    editing,
    sending,
    receipts,
    correcting,
    figures,
    bounces,
    people,
    timetable,
    service,
    databases,
    rehearsing,
):
    part.register(app)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"newsletter {__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    directory: Annotated[
        Path, typer.Option("-C", metavar="DIR", help="Work on the newsletter in this folder.")
    ] = Path(),
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where in the program an error came from.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    context.folder, context.debug = directory, debug


def main() -> None:
    """Run one command; every failure ends in one message and an exit status, never a traceback."""
    try:
        app()
    except NewsletterError as error:
        _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        _fail("Stopped.", 130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last door: nobody is to see a traceback
        _fail(
            f"Something went wrong inside the program ({type(error).__name__}: {error}). "
            f"Run the same command with `newsletter --debug …` and report what it prints.",
            1,
        )
    finally:
        context.close()


def _fail(message: str, status: int) -> None:
    if context.debug:
        import traceback

        traceback.print_exc()
    print(f"newsletter: {message}", file=sys.stderr)
    sys.exit(status)
