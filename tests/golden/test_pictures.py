"""The sample issue looks as it did, in every view.

``make golden`` writes the pictures anew, and the sheet in docs/; look at them before committing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser, sync_playwright

from tests.browser import launched
from tests.golden.views import VIEWS, Sample, small, write_sheet

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]

HERE = Path(__file__).parent / "views"
TALLER = 0.01  # of the height: a browser's version may break a line elsewhere
APART = 2.5  # of 255, on average
FAR = 60  # of 255
FAR_APART = 0.01  # of all pixels


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def drawn(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image.Image]:
    samples = {
        template: Sample.built(tmp_path_factory.mktemp(template), template)
        for template in {view.template for view in VIEWS.values()}
    }
    return {
        name: Image.open(io.BytesIO(samples[view.template].drawn(chromium, view)))
        for name, view in VIEWS.items()
    }


@pytest.mark.parametrize("name", VIEWS)
def test_the_sample_issue_looks_as_it_did(
    drawn: dict[str, Image.Image], request: pytest.FixtureRequest, name: str
) -> None:
    path, now = HERE / f"{name}.png", small(drawn[name])
    if request.config.getoption("write_golden", default=False):
        path.parent.mkdir(exist_ok=True)
        now.save(path, optimize=True)
    with Image.open(path) as golden:
        said = differs(golden.convert("RGB"), now)
    assert said is None, said


def test_a_difference_is_seen(drawn: dict[str, Image.Image]) -> None:
    now = small(drawn["phone"])
    assert differs(now, now) is None
    moved = ImageChops.offset(now, 0, 12)
    assert differs(now, moved) is not None
    assert differs(now, now.crop((0, 0, now.width, now.height * 9 // 10))) is not None
    tinted = Image.blend(now, Image.new("RGB", now.size, "green"), 0.05)
    assert differs(now, tinted) is not None


def test_the_sheet(drawn: dict[str, Image.Image], request: pytest.FixtureRequest) -> None:
    if request.config.getoption("write_golden", default=False):
        write_sheet(drawn)
    assert (Path(__file__).parents[2] / "docs" / "images" / "views.jpg").is_file()


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
