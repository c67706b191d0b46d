"""The glossary and the code agree, and names in the code say what the thing is."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (?!Word|---)([^|]+) \| [^|]+ \| ([^|]+) \|$", GLOSSARY, re.MULTILINE)
VAGUE = frozenset(
    {
        *("found", "said", "each", "words", "known", "told", "made", "mine", "wanted"),
        *("whole", "given", "asked", "shown", "before", "some", "done"),
    }
)
# Words that once meant several things, and what says it now.
RETIRED = {
    "look": "tick, recheck, template or read",
    "looking": "tick",
    "telling": "wording",
    "keeping": "housekeeping",
    "answering": "the thing that answers",
    "foreign": "sanitize",
    "watched": "the thing that is watched",
}


@pytest.mark.parametrize(("word", "places"), ROWS)
def test_every_word_of_the_glossary_stands_in_the_code(word: str, places: str) -> None:
    names = re.findall(r"`([^`]+)`", places)
    assert names, word
    for name in names:
        module, _, attribute = name.partition(":")
        imported = importlib.import_module(f"newsletter.{module}")
        assert not attribute or hasattr(imported, attribute), f"{word}: {name}"


def test_no_word_stands_twice() -> None:
    words = [word for words, _ in ROWS for word in words.split(", ")]
    assert len(words) == len(set(words))


def test_variables_say_what_they_hold() -> None:
    total, vague = 0, []
    for path in (ROOT / "newsletter").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                total += 1
                if node.id in VAGUE:
                    vague.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.id}")
    assert len(vague) < 0.005 * total, "\n".join(vague)


def test_modules_bear_no_retired_word() -> None:
    for path in (ROOT / "newsletter").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        assert not RETIRED.keys() & {*parts}, f"{path}: say {RETIRED.get(path.stem)}"
