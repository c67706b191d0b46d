"""A real Chromium for tests: where it is, and the same letters on every machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import font_source_sans_pro
import font_source_serif_pro
import pytest
from playwright.sync_api import Browser, Playwright

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
SAME_DRAWING = ["--font-render-hinting=none", "--disable-lcd-text", "--force-color-profile=srgb"]

_FONTS = """\
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
{folders}<cachedir>{cache}</cachedir>
{aliases}</fontconfig>
"""
_ALIAS = (
    '<alias binding="same"><family>{name}</family>'
    "<prefer><family>{font}</family></prefer></alias>\n"
)
_SERIF, _SANS = "Source Serif Pro", "Source Sans Pro"
_NAMES = {
    "Georgia": _SERIF, "serif": _SERIF, "Helvetica Neue": _SANS, "Arial": _SANS,
    "sans-serif": _SANS, "system-ui": _SANS, "monospace": _SANS,
}  # fmt: skip


def chromium() -> str:
    """The program; skips the test without one, and fails it on CI."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        missing = "There is no Chromium on this machine, so pages and mails were not looked at."
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """A browser that has the same two fonts everywhere, and draws them alike."""
    program = chromium()
    with tempfile.TemporaryDirectory() as name:
        settings = Path(name) / "fonts.conf"
        settings.write_text(_fonts(Path(name) / "cache"), encoding="utf-8")
        browser = playwright.chromium.launch(
            executable_path=program,
            args=[*QUIET, *SAME_DRAWING],
            env={**os.environ, "FONTCONFIG_FILE": str(settings)},
        )
        try:
            yield browser
        finally:
            browser.close()


def _fonts(cache: Path) -> str:
    packages = (font_source_serif_pro, font_source_sans_pro)
    folders = "".join(f"<dir>{Path(p.__file__).parent / 'files'}</dir>\n" for p in packages)
    aliases = "".join(_ALIAS.format(name=name, font=font) for name, font in _NAMES.items())
    return _FONTS.format(folders=folders, cache=cache, aliases=aliases)
