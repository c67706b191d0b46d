"""The sample issue looks as it did, in every view.

``make golden`` writes the pictures anew, and the sheet in docs/; look at them before committing.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import sync_playwright

from tests.browser import launched
from tests.golden.views import SHEET, VIEWS, Sample, small, write_sheet

pytestmark = [pytest.mark.browser, pytest.mark.long]

HERE = Path(__file__).parent / "views"
TALLER = 0.01  # of the height: a browser's version may break a line elsewhere
APART = 2.5  # of 255, on average
FAR = 60  # of 255
FAR_APART = 0.01  # of all pixels


def drawn(folder: Path) -> dict[str, Image.Image]:
    """Every view, from a browser that is started once."""
    templates = {view.template for view in VIEWS.values()}
    samples = {}
    for template in templates:
        (folder / template).mkdir()
        samples[template] = Sample.built(folder / template, template)
    with sync_playwright() as playwright, launched(playwright) as browser:
        return {
            name: Image.open(io.BytesIO(samples[view.template].drawn(browser, view)))
            for name, view in VIEWS.items()
        }


def test_the_sample_issue_looks_as_it_did(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    views = drawn(tmp_path)
    write = request.config.getoption("write_golden", default=False)
    said = {}
    for name, view in views.items():
        path, now = HERE / f"{name}.png", small(view)
        if write:
            path.parent.mkdir(exist_ok=True)
            now.save(path, optimize=True)
        with Image.open(path) as golden:
            said[name] = differs(golden.convert("RGB"), now)
    assert said == dict.fromkeys(VIEWS)
    if write:
        write_sheet(views)
    assert SHEET.is_file()


def test_a_difference_is_seen() -> None:
    with Image.open(HERE / "phone.png") as kept:
        now = kept.convert("RGB")
    assert differs(now, now) is None
    moved = ImageChops.offset(now, 0, 12)
    assert differs(now, moved) is not None
    assert differs(now, now.crop((0, 0, now.width, now.height * 9 // 10))) is not None
    tinted = Image.blend(now, Image.new("RGB", now.size, "green"), 0.05)
    assert differs(now, tinted) is not None


def differs(golden: Image.Image, now: Image.Image) -> str | None:
    """How the two differ by more than another version of the browser explains; or None."""
    if golden.width != now.width or abs(golden.height - now.height) > TALLER * golden.height:
        return f"{now.size} instead of {golden.size}"
    height = min(golden.height, now.height)
    box = (0, 0, golden.width, height)
    apart = ImageChops.difference(golden.crop(box), now.crop(box)).convert("L")
    mean = ImageStat.Stat(apart).mean[0]
    far = sum(apart.histogram()[FAR:]) / (golden.width * height)
    if mean > APART or far > FAR_APART:
        return f"{mean:.2f} of 255 apart on average, {far:.2%} of it far apart"
    return None
