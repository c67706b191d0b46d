"""A picture without words is nothing to those who cannot see it, and to closed images."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from newsletter.check import Mail, error, warning
from newsletter.check._styles import declared, pixels
from newsletter.model import Finding
from newsletter.pictures import MOST_BYTES

MOST_IN_ALL = 1024 * 1024  # bytes
_ODD = (".webp", ".avif", ".svg", ".svgz", ".tif", ".tiff", ".bmp", ".heic")


def check(mail: Mail) -> Iterator[Finding]:
    """Alternative text, https, a size that every client knows, a kind and weight that all show."""
    for image in mail.elements("//body//img"):
        yield from _words(mail, image)
        yield from _size(mail, image)
    yield from _described_by_headline(mail)
    yield from _weights(mail)
    for of, why in mail.issue.pictures.lost.items():
        yield warning(
            "pictures",
            f"A picture is missing: {why}",
            "Give another one with image = … in issue.toml, or go without it.",
            ", ".join(_shown_with(mail, of)) or of,
        )


def _words(mail: Mail, image: Any) -> Iterator[Finding]:
    address = image.get("src") or ""
    where = mail.where(image)
    where["place"] = address
    if not (image.get("alt") or "").strip() and image.get("role") != "presentation":
        yield error(
            "pictures",
            "A picture has no alternative text.",
            "Say in alt = … of the story or sponsor what it shows; in the note: ![words](…).",
            **where,
        )
    if not address.startswith("https://"):
        yield error(
            "pictures",
            "A picture's address does not start with https://, so readers will not see it.",
            "Give an https address; for pictures in images/, set base_url in [newsletter].",
            **where,
        )
    if urlsplit(address).path.lower().endswith(_ODD):
        yield warning(
            "pictures",
            "A picture is of a kind that Gmail or Outlook does not show.",
            'Give a JPEG or PNG, or set images = "host" and base_url, which converts it.',
            **where,
        )


def _size(mail: Mail, image: Any) -> Iterator[Finding]:
    if not (image.get("width") or "").isdecimal():
        yield warning(
            "pictures",
            "A picture does not say its width in whole pixels, so Outlook shows all of it.",
            'Give it width="…" in the template.',
            **mail.where(image),
        )
    elif int(image.get("width")) > 320:
        styles = declared(image.get("style"))
        if styles.get("width") != "100%" or pixels(styles.get("max-width")) is None:
            yield warning(
                "pictures",
                "A wide picture does not get narrower on phones.",
                'Give it style="width:100%;max-width:…px" in the template.',
                **mail.where(image),
            )


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
    if mail.config.editor.picture == of:
        yield "newsletter.toml"
