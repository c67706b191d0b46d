"""The sample issue in all its views, drawn by a real browser; and a sheet of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Route

from newsletter import issues
from newsletter.app import open_desk, recipients
from newsletter.app.issue import build
from newsletter.app.setup.demo import ISSUE, NOW
from newsletter.config import Database
from newsletter.links import tokens
from newsletter.web.preview import mail_views

ROOT = Path(__file__).parents[2]
SHEET = ROOT / "docs" / "images" / "views.jpg"
SCALE = 3  # a golden picture is so many times smaller than the view


@dataclass(frozen=True)
class View:
    """One way in which readers see the mail."""

    width: int
    theme: mail_views.Theme = "light"
    styles: bool = True
    images: bool = True
    template: str = "weekly"


VIEWS: Mapping[str, View] = {
    "desktop": View(700),
    "phone": View(375),
    "dark": View(700, "dark"),
    "phone-dark": View(375, "dark"),
    "no-styles": View(320, styles=False),
    "images-off": View(700, images=False),
    "plain": View(700, template="plain"),
}


@dataclass(frozen=True)
class Sample:
    """The sample issue, built in a folder of its own in one of the looks."""

    html: str
    folder: Path

    @classmethod
    def built(cls, folder: Path, template: str) -> Sample:
        """Build it there."""
        shutil.copytree(ROOT / "sample", folder / "sample")
        shutil.copytree(
            ROOT / "issues" / str(ISSUE),
            folder / "issues" / str(ISSUE),
            ignore=shutil.ignore_patterns("build", "pictures"),
        )
        settings = (ROOT / "newsletter.toml").read_text(encoding="utf-8")
        settings = settings.replace('template = "weekly"', f'template = "{template}"')
        (folder / "newsletter.toml").write_text(settings, encoding="utf-8")
        desk = open_desk(folder, lambda: NOW, database=Database(url="sqlite:///golden.db"))
        built = build.build(desk, ISSUE)
        html = tokens.fill(built.rendered.html, recipients.sample_tokens(desk))
        return cls(html, issues.folder_of(folder, ISSUE))

    def drawn(self, browser: Browser, view: View) -> bytes:
        """The whole mail as a PNG."""
        page = browser.new_page(viewport={"width": view.width, "height": 800})

        def picture(route: Route) -> None:
            path = self.folder / "pictures" / route.request.url.rpartition("/")[2]
            if view.images and path.is_file():
                route.fulfill(path=path)
            else:
                route.abort()

        try:
            page.route(re.compile("^https:"), picture)
            html = mail_views.mail(self.html, view.theme, "-", styles=view.styles)
            page.set_content(html, wait_until="load")
            return page.screenshot(full_page=True)
        finally:
            page.close()


def small(image: Image.Image) -> Image.Image:
    """As a golden picture is kept: small, so that single pixels of letters do not count."""
    size = round(image.width / SCALE), round(image.height / SCALE)
    return image.convert("RGB").resize(size, Image.Resampling.BOX)


def write_sheet(drawn: Mapping[str, Image.Image]) -> None:
    """The beginnings of the views side by side, for README and docs."""
    names = ("desktop", "dark", "phone", "phone-dark", "no-styles", "images-off", "plain")
    height, gap = 1500, 40
    width = sum(drawn[name].width + gap for name in names) + gap
    sheet = Image.new("RGB", (width, height + 2 * gap + 60), "#8d8a84")
    pen = ImageDraw.Draw(sheet)
    left = gap
    for name in names:
        view = drawn[name].convert("RGB").crop((0, 0, drawn[name].width, height))
        sheet.paste(view, (left, gap + 60))
        pen.text((left, gap), name.replace("-", " "), fill="white", font_size=40)
        left += view.width + gap
    sheet.resize((1800, round(1800 * sheet.height / sheet.width)), Image.Resampling.LANCZOS).save(
        SHEET, quality=82, optimize=True
    )
