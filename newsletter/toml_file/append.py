"""Append a table to a TOML file, and keep its comments, order, spacing and line ends."""

from __future__ import annotations

from collections.abc import Mapping

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Comment, Item, Table, Whitespace


def append_table(text: str, key: str, values: Mapping[str, str]) -> str:
    """``text``, which is valid TOML, with one more table after the last one of the list ``key``.

    The list must have a table already: ``[[key]]``, or an array of inline tables.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text if text.endswith("\n") else text + newline
    block = format_table(key, values).replace("\n", newline)
    try:
        document = tomlkit.parse(text)
        tables = document[key] if document.as_string() == text else None
    except TOMLKitError:
        tables = None
    if isinstance(tables, Array):
        inline = tomlkit.inline_table()
        inline.update(values)
        tables.append(inline)
    elif isinstance(tables, AoT):
        table = tomlkit.parse(block)[key][0]
        table.trivia.indent = newline
        for item in _cut_trailing(tables[-1]):
            table.value.append(None, item)
        tables.append(table)
    else:  # the tables are in several places, which tomlkit would join
        return f"{text}{newline}{block}"
    return document.as_string()


def format_table(key: str, values: Mapping[str, str]) -> str:
    """The table as a block ``[[key]]``, ending with a line break."""
    return tomlkit.dumps({key: [dict(values)]})


def _cut_trailing(table: Table) -> list[Item]:
    """Remove and return the comments and blank lines that belong to the next table.

    That is everything from the first blank line after the last value, or all comments there if
    there is no blank line.
    """
    body = table.value.body
    while body and isinstance(body[-1][1], Table):
        body = body[-1][1].value.body
    start = len(body)
    while start and isinstance(body[start - 1][1], Whitespace | Comment):
        start -= 1
    blank_lines = (i for i in range(start, len(body)) if isinstance(body[i][1], Whitespace))
    start = next(blank_lines, start)
    trailing = [item for _, item in body[start:]]
    del body[start:]
    return trailing
