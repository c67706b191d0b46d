"""The command line. Each command imports what it needs when it runs, so that it starts fast."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from newsletter import __version__
from newsletter.cli import (
    bounces,
    correct,
    gather,
    init,
    issue,
    migrate_database,
    receipt,
    rehearse,
    report,
    schedule,
    send,
    service,
    subscribers,
)
from newsletter.cli.output import context
from newsletter.errors import NewsletterError

app = typer.Typer(
    name="newsletter",
    help="Gather the week's articles, edit and preview the issue, and send it once to everyone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    init,
    gather,
    issue,
    send,
    receipt,
    correct,
    report,
    bounces,
    subscribers,
    schedule,
    service,
    migrate_database,
    rehearse,
):
    module.register(app)


def _print_version(requested: bool) -> None:
    if requested:
        print(f"newsletter {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    directory: Annotated[
        Path, typer.Option("-C", metavar="DIR", help="Work on the newsletter in this folder.")
    ] = Path(),
    debug: Annotated[
        bool, typer.Option("--debug", help="Print a traceback with an error.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    context.folder, context.debug = directory, debug


def main() -> None:
    """Run one command. A failure is one message and an exit status, never a traceback."""
    try:
        app()
    except NewsletterError as error:
        _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        _fail("Stopped.", 130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - users never see a traceback
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
