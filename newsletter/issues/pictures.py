"""The folder pictures/ of an issue: resized copies of its pictures, and their list."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from newsletter.issues.files import write_atomically
from newsletter.model import Hosted, Pictures

FOLDER = "pictures"
_LIST = "pictures.json"


def read_pictures(folder: Path) -> Pictures:
    """The list of pictures; empty if it is missing or damaged, and then a build rewrites it."""
    try:
        document = json.loads((folder / FOLDER / _LIST).read_text(encoding="utf-8"))
        hosted = tuple(Hosted(**picture) for picture in document["hosted"])
        lost = {str(of): str(why) for of, why in document["lost"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Pictures()
    there = tuple(picture for picture in hosted if (folder / FOLDER / picture.file).is_file())
    return Pictures(there, lost)


def write_picture(folder: Path, name: str, data: bytes) -> None:
    """Write one picture unless it exists; its name is made from its content."""
    path = folder / FOLDER / name
    if not path.is_file():
        write_atomically(path, data)


def write_pictures(folder: Path, pictures: Pictures) -> None:
    """Write the list. Files that it no longer names stay, since sent mails may show them."""
    listed = {
        "hosted": [asdict(picture) for picture in pictures.hosted],
        "lost": dict(sorted(pictures.lost.items())),
    }
    text = json.dumps(listed, ensure_ascii=False, indent=1) + "\n"
    write_atomically(folder / FOLDER / _LIST, text)
