"""The lines of the editor's files that name something, for findings to point to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

_TOML = ".toml"


def named_in(files: Iterable[Path], wanted: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """For each key, where the first of its names is: "issue.toml, line 12".

    The files are searched in order. A key that none of them names is left out.
    """
    lines = [
        (f"{file.name}, line {number}", line)
        for file in files
        if file.is_file()
        for number, line in enumerate(_text(file).splitlines(), 1)
        if not (file.suffix == _TOML and line.lstrip().startswith("#"))
    ]
    places = {}
    for key, names in wanted.items():
        for name in names:
            pattern = re.compile(rf"(?<![^\s\"'(<\[,=]){re.escape(name)}(?![^\s\"')>\],])")
            if place := next((place for place, line in lines if pattern.search(line)), None):
                places[key] = place
                break
    return places


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
