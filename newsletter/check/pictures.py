"""A picture without words is nothing to those who cannot see it, and to closed images."""

import re
from collections.abc import Iterator
from typing import Any

from newsletter.check import Mail, error, warning
from newsletter.check._styles import Declared, declared, pixels
from newsletter.imaging import MOST_BYTES
from newsletter.model import Finding
from newsletter.text.urls import host_of, split

MOST_IN_ALL = 1024 * 1024  # bytes
_ODD = (
    *(".webp", ".avif", ".svg", ".svgz", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".jxl"),
    *(".ico", ".apng", ".mp4", ".pdf"),
)
_SHOWN = 200  # characters of an address
_NARROW = 240  # CSS pixels that every phone has beside its margins
_WHOLE = re.compile(r"[1-9][0-9]*")
_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|gif|webp|avif|svg|heic)", re.IGNORECASE)
_GROUND = re.compile(r"url\(\s*[\"']?([^\"')]*)", re.IGNORECASE)


def check(mail: Mail) -> Iterator[Finding]:
    """Alternative text, https, a size that every client knows, a kind and weight that all show."""
    for image in mail.elements("//body//img"):
        yield from _words(mail, image)
        yield from _size(mail, image)
    yield from _grounds(mail)
    yield from _described_by_headline(mail)
    yield from _weights(mail)
    for of, why in mail.issue.pictures.lost.items():
        yield warning(
            "pictures",
            f"A picture is missing: {why}",
            "Name another one there (of a gathered story: image = …), or go without it.",
            ", ".join((*_shown_with(mail, of), *_naming(mail, of))) or of,
        )


def _words(mail: Mail, image: Any) -> Iterator[Finding]:
    address = image.get("src") or ""
    where = mail.where(image)
    where["place"] = address[:_SHOWN] or where["place"]
    words = (image.get("alt") or "").strip()
    if image.get("alt") is None or (not words and image.get("role") != "presentation"):
        yield error(
            "pictures",
            "A picture has no alternative text.",
            "Say in alt = … of the story or sponsor what it shows; in the note: ![words](…).",
            **where,
        )
    elif _FILE_NAME.fullmatch(words):
        yield warning(
            "pictures",
            f"“{words}” is the name of a file, and does not say what the picture shows.",
            "Say it in alt = … of the story or sponsor; in the note: ![words](…).",
            **where,
        )
    if split(address).scheme != "https" or not host_of(address):
        yield error(
            "pictures",
            "A picture's address does not start with https://, so readers will not see it.",
            "Give an https address; for pictures in images/, set base_url in [newsletter].",
            **where,
        )
    if split(address).path.lower().endswith(_ODD):
        yield warning(
            "pictures",
            "A picture is of a kind that Gmail or Outlook does not show.",
            'Give a JPEG or PNG, or set images = "host" and base_url, which converts it.',
            **where,
        )


def _size(mail: Mail, image: Any) -> Iterator[Finding]:
    if not _WHOLE.fullmatch(image.get("width") or ""):
        yield warning(
            "pictures",
            "A picture does not say its width in whole pixels, so Outlook shows all of it.",
            'Give it width="…" in the template.',
            **mail.where(image),
        )
    elif not _WHOLE.fullmatch(image.get("height") or "1"):
        yield warning(
            "pictures",
            "A picture does not say its height in whole pixels, so clients guess it.",
            'Give it height="…" in the template, in pixels and without a unit, or none.',
            **mail.where(image),
        )
    elif int(image.get("width")) > _NARROW:
        styles = declared(image.get("style"))
        if styles.get("width") != "100%" or pixels(styles.get("max-width")) is None:
            yield warning(
                "pictures",
                "A wide picture does not get narrower on phones.",
                'Give it style="width:100%;max-width:…px" in the template.',
                **mail.where(image),
            )


def _grounds(mail: Mail) -> Iterator[Finding]:
    """Pictures behind text."""
    found = [(e, address) for e, styles in mail.styled for address in _addresses(styles)]
    found += [(e, e.get("background")) for e in mail.elements("//body//*[@background]")]
    for element, address in found:
        if split(address).scheme != "https" or not host_of(address):
            yield error(
                "pictures",
                "The address of a picture behind text does not start with https://, so readers "
                "will not see it.",
                "Give an https address in the template, or a colour in its place.",
                **mail.where(element),
            )


def _addresses(styles: Declared) -> Iterator[str]:
    for name, value in styles.items():
        if name.startswith(("background", "list-style", "border-image")):
            yield from _GROUND.findall(value)


def _described_by_headline(mail: Mail) -> Iterator[Finding]:
    """A headline stands in for words about the picture; it does not say what it shows."""
    srcs = {str(each) for each in mail.elements("//body//td[starts-with(@id,'story-')]//img/@alt")}
    bare = [
        story
        for story in mail.issue.stories
        if story.image and story.alt == story.headline and story.alt in srcs
    ]
    if bare:
        named = ", ".join(f"“{story.headline}”" for story in bare[:3])
        more = f" and {len(bare) - 3} more" if len(bare) > 3 else ""
        yield warning(
            "pictures",
            f"No words say what the picture shows of: {named}{more}.",
            "Say it in alt = … of the story; until then the headline stands in.",
            "issue.toml",
            story=bare[0].article.id,
        )


def _weights(mail: Mail) -> Iterator[Finding]:
    shown = {str(src).rpartition("/")[2] for src in mail.elements("//body//img/@src")}
    hosted = {each.file: each for each in mail.issue.pictures.hosted if each.file in shown}
    for each in hosted.values():
        if each.bytes > MOST_BYTES:
            yield warning(
                "pictures",
                f"A picture has {each.bytes / 1024:.0f} KB; it should not have more than 200.",
                "Give a smaller one.",
                each.of,
            )
    whole = sum(each.bytes for each in hosted.values())
    if whole > MOST_IN_ALL:
        yield warning(
            "pictures",
            f"The pictures have {whole / 1024 / 1024:.1f} MB in all; on the way to work that is "
            f"slow from 1 MB on.",
            'Show some stories without: form = "text" or "brief" in [[sections]].',
            "issue.toml",
        )


def _shown_with(mail: Mail, of: str) -> Iterator[str]:
    for story in mail.issue.stories:
        if story.image == of:
            yield f"“{story.headline}”"
    if mail.config.editor.picture == of and of not in mail.named:
        yield "newsletter.toml"


def _naming(mail: Mail, of: str) -> Iterator[str]:
    if of in mail.named:
        yield mail.named[of]
