"""Pictures need alternative text for people who cannot see them and for blocked images."""

import re
from collections.abc import Iterator
from typing import Any

from newsletter.check import Mail, error, warning
from newsletter.check._css import Declarations, declarations, pixels
from newsletter.imaging import MAX_BYTES
from newsletter.model import Finding
from newsletter.text.urls import host_of, split

MAX_TOTAL = 1024 * 1024  # bytes of all hosted pictures
_UNSUPPORTED = (
    *(".webp", ".avif", ".svg", ".svgz", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".jxl"),
    *(".ico", ".apng", ".mp4", ".pdf"),
)
_MAX_ADDRESS = 200  # characters of an address in a finding
_NARROW = 240  # CSS pixels; every phone has room for this
_PIXELS = re.compile(r"[1-9][0-9]*")
_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|gif|webp|avif|svg|heic)", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*[\"']?([^\"')]*)", re.IGNORECASE)


def check(mail: Mail) -> Iterator[Finding]:
    """Alternative text, https, and a size, format and weight that suit every mail program."""
    for image in mail.elements("//body//img"):
        yield from _source(mail, image)
        yield from _size(mail, image)
    yield from _backgrounds(mail)
    yield from _described_by_headline(mail)
    yield from _weights(mail)
    for source, reason in mail.issue.pictures.lost.items():
        yield warning(
            "pictures",
            f"A picture is missing: {reason}",
            "Name another one there (of a gathered story: image = …), or do without it.",
            ", ".join((*_users(mail, source), *_location(mail, source))) or source,
        )


def _source(mail: Mail, image: Any) -> Iterator[Finding]:
    address = image.get("src") or ""
    location = mail.where(image)
    location["place"] = address[:_MAX_ADDRESS] or location["place"]
    alt = (image.get("alt") or "").strip()
    if image.get("alt") is None or (not alt and image.get("role") != "presentation"):
        yield error(
            "pictures",
            "A picture has no alternative text.",
            "Describe it in alt = … of the story or sponsor; in the note: ![description](…).",
            **location,
        )
    elif _FILE_NAME.fullmatch(alt):
        yield warning(
            "pictures",
            f"“{alt}” is the name of a file and does not describe the picture.",
            "Describe it in alt = … of the story or sponsor; in the note: ![description](…).",
            **location,
        )
    if split(address).scheme != "https" or not host_of(address):
        yield error(
            "pictures",
            "A picture's address does not start with https://, so readers will not see it.",
            "Give an https address; for pictures in images/, set base_url in [newsletter].",
            **location,
        )
    if split(address).path.lower().endswith(_UNSUPPORTED):
        yield warning(
            "pictures",
            "A picture has a format that Gmail or Outlook does not show.",
            'Give a JPEG or PNG, or set images = "host" and base_url, which converts it.',
            **location,
        )


def _size(mail: Mail, image: Any) -> Iterator[Finding]:
    if not _PIXELS.fullmatch(image.get("width") or ""):
        yield warning(
            "pictures",
            "A picture has no width in whole pixels, so Outlook shows it in full size.",
            'Give it width="…" in the template.',
            **mail.where(image),
        )
    elif not _PIXELS.fullmatch(image.get("height") or "1"):
        yield warning(
            "pictures",
            "A picture does not give its height in whole pixels, so clients guess it.",
            'Give it height="…" in the template, in pixels without a unit, or no height.',
            **mail.where(image),
        )
    elif int(image.get("width")) > _NARROW:
        styles = declarations(image.get("style"))
        if styles.get("width") != "100%" or pixels(styles.get("max-width")) is None:
            yield warning(
                "pictures",
                "A wide picture does not get narrower on phones.",
                'Give it style="width:100%;max-width:…px" in the template.',
                **mail.where(image),
            )


def _backgrounds(mail: Mail) -> Iterator[Finding]:
    """Check pictures behind text."""
    pictures = [(e, address) for e, styles in mail.styled for address in _css_urls(styles)]
    pictures += [(e, e.get("background")) for e in mail.elements("//body//*[@background]")]
    for element, address in pictures:
        if split(address).scheme != "https" or not host_of(address):
            yield error(
                "pictures",
                "The address of a picture behind text does not start with https://, so readers "
                "will not see it.",
                "Give an https address in the template, or use a colour instead.",
                **mail.where(element),
            )


def _css_urls(styles: Declarations) -> Iterator[str]:
    for name, value in styles.items():
        if name.startswith(("background", "list-style", "border-image")):
            yield from _CSS_URL.findall(value)


def _described_by_headline(mail: Mail) -> Iterator[Finding]:
    """Report pictures whose alternative text is only the headline."""
    alts = {str(alt) for alt in mail.elements("//body//td[starts-with(@id,'story-')]//img/@alt")}
    stories = [
        story
        for story in mail.issue.stories
        if story.image and story.alt == story.headline and story.alt in alts
    ]
    if stories:
        headlines = ", ".join(f"“{story.headline}”" for story in stories[:3])
        rest = f" and {len(stories) - 3} more" if len(stories) > 3 else ""
        yield warning(
            "pictures",
            f"The pictures of these stories have no description: {headlines}{rest}.",
            "Describe each in alt = … of the story; until then the headline replaces it.",
            "issue.toml",
            story=stories[0].article.id,
        )


def _weights(mail: Mail) -> Iterator[Finding]:
    files = {str(src).rpartition("/")[2] for src in mail.elements("//body//img/@src")}
    hosted = {image.file: image for image in mail.issue.pictures.hosted if image.file in files}
    for image in hosted.values():
        if image.bytes > MAX_BYTES:
            yield warning(
                "pictures",
                f"A picture has {image.bytes / 1024:.0f} KB; it should not have more than 200.",
                "Give a smaller one.",
                image.of,
            )
    total = sum(image.bytes for image in hosted.values())
    if total > MAX_TOTAL:
        yield warning(
            "pictures",
            f"The pictures have {total / 1024 / 1024:.1f} MB in all; from 1 MB on they load "
            f"slowly on phones.",
            'Show some stories without: form = "text" or "brief" in [[sections]].',
            "issue.toml",
        )


def _users(mail: Mail, source: str) -> Iterator[str]:
    """The stories that use a picture, and the configuration if the editor's portrait is it."""
    for story in mail.issue.stories:
        if story.image == source:
            yield f"“{story.headline}”"
    if mail.config.editor.picture == source and source not in mail.picture_locations:
        yield "newsletter.toml"


def _location(mail: Mail, source: str) -> Iterator[str]:
    if source in mail.picture_locations:
        yield mail.picture_locations[source]
