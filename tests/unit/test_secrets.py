"""Passwords and addresses of readers stand in no error, and in no log."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from newsletter.app import logs
from newsletter.errors import NewsletterError
from newsletter.store import Database, open_database


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://desk:hush@127.0.0.1:9/x",
        "postgresql+psycopg://desk:hush@127.0.0.1:port/x",
        "postgresql+psycopg://desk:an@hush@127.0.0.1:9/x",
        "postgresql+psycopg://desk:hush",
        "postgresql+psycopg:/desk:hush@127.0.0.1/x",
        "postgresql+psycopg://127.0.0.1:9/x?password=hush",
        "postgresql+nodriver://desk:hush@127.0.0.1/x",
        "postgres://desk:hush@127.0.0.1/x",
        "desk:hush@127.0.0.1/x",
        "sqlite:///a.db?timeout=hush",
        "hush",
    ],
)
def test_no_password_stands_in_an_error(tmp_path: Path, address: str) -> None:
    with pytest.raises(NewsletterError) as error:
        open_database(address, tmp_path)
    assert "hush" not in "".join(traceback.format_exception(error.value, chain=True)).replace(
        f'open_database("{address}"', ""
    )


@pytest.mark.parametrize("style", ["text", "json"])
def test_no_address_stands_in_the_log_of_a_fault_of_ours(
    database: Database, style: logs.Style, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.start(style)
    statement = text("insert into subscribers (id, email) values (1, :email)")
    try:
        with database.begin() as connection:
            connection.execute(statement, {"email": "ada.lovelace@example.com"})
    except IntegrityError:
        logging.getLogger("newsletter").exception("It failed")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    said = capsys.readouterr().err
    assert "IntegrityError" in said
    assert "lovelace" not in said
