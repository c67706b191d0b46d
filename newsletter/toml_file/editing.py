"""TOML files that people write, added to: their comments, order, spacing and line ends stay."""

from __future__ import annotations

from collections.abc import Mapping

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Comment, Item, Table, Whitespace


def with_table(text: str, key: str, values: Mapping[str, str]) -> str:
    """``text``, valid TOML, with one more table behind the last one of the list ``key``.

    The list has tables already: ``[[key]]``, or an array of inline tables.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text if text.endswith("\n") else text + newline
    block = table_text(key, values).replace("\n", newline)
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
        added = tomlkit.parse(block)[key][0]
        added.trivia.indent = newline
        following = _cut_following(tables[-1])
        for item in following:
            added.value.append(None, item)
        tables.append(added)
    else:  # `[[key]]` in several places, which tomlkit would put together
        return f"{text}{newline}{block}"
    return document.as_string()


def table_text(key: str, values: Mapping[str, str]) -> str:
    """The table as a block ``[[key]]``, with a line end behind its last line."""
    return tomlkit.dumps({key: [dict(values)]})


def _cut_following(table: Table) -> list[Item]:
    """Take out and return what stands below the table but belongs to the next one.

    That is everything from the first blank line below the last value; without a blank line,
    all comments there.
    """
    body = table.value.body
    while body and isinstance(body[-1][1], Table):
        body = body[-1][1].value.body
    start = len(body)
    while start and isinstance(body[start - 1][1], Whitespace | Comment):
        start -= 1
    blanks = (i for i in range(start, len(body)) if isinstance(body[i][1], Whitespace))
    start = next(blanks, start)
    following = [item for _, item in body[start:]]
    del body[start:]
    return following
