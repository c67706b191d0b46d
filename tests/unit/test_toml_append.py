"""A table added to a TOML file: only added lines appear in a diff."""

from __future__ import annotations

import difflib
import tomllib

import pytest

from newsletter.toml_file.append import append_table

NEW = {"type": "feed", "url": 'https://example.com/"한"', "section": "News"}
BLOCK = '[[sources]]\ntype = "feed"\nurl = "https://example.com/\\"한\\""\nsection = "News"\n'
FIRST = '[newsletter]\nname = "x"   # ours\n\n[[sources]]\ntype = "feed"\nurl = "a"\n'

FILES = {
    "the last table": FIRST,
    "a comment above the next table": f"{FIRST}\n# The dateline.\n[dateline]\ncity = 'Seoul'\n",
    "a comment of its own": f"{FIRST}# limit = 3\n\n\n# Ours.\n[dateline]\ncity = 'Seoul'\n",
    "no blank line": f"{FIRST}# The dateline.\n[dateline]\ncity = 'Seoul'\n",
    "indented": f"{FIRST}\n  # Mine.\n  [dateline]\n  city = 'Seoul'   # or not\n",
    "a table within": f"{FIRST}[sources.more]\na = 1\n\n# Ours.\n[dateline]\ncity = 'Seoul'\n",
    "in two places": f"{FIRST}\n[dateline]\ncity = 'Seoul'\n\n[[sources]]\ntype = 'page'\n\n[a]\n",
    "an array": "sources = [\n    {type = 'feed', url = 'a'},  # one\n    # two\n]\n\n[dateline]\n",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_only_added_lines_appear(text: str, newline: str) -> None:
    text = text.replace("\n", newline)
    longer = append_table(text, "sources", NEW)

    lines = [text.splitlines(keepends=True), longer.splitlines(keepends=True)]
    changes = [line for line in difflib.ndiff(*lines) if line[0] in "+-"]
    assert {line[0] for line in changes} == {"+"}
    assert all(line.endswith(newline) for line in lines[1])
    tables = tomllib.loads(text)
    assert tomllib.loads(longer) == {**tables, "sources": [*tables["sources"], NEW]}


def test_it_stands_between_the_last_of_its_kind_and_the_next_table_with_its_comment() -> None:
    below = "# The dateline.\n[dateline]\ncity = 'Seoul'\n"
    assert append_table(f"{FIRST}\n{below}", "sources", NEW) == f"{FIRST}\n{BLOCK}\n{below}"


def test_a_file_without_a_last_line_end_gets_one() -> None:
    assert append_table(FIRST.rstrip(), "sources", NEW) == f"{FIRST}\n{BLOCK}"


def test_an_array_on_one_line_grows_on_it() -> None:
    text = "sources = [{type = 'feed', url = 'a'}]  # all\n"
    assert tomllib.loads(append_table(text, "sources", NEW))["sources"][1] == NEW
    assert len(append_table(text, "sources", NEW).splitlines()) == 1
