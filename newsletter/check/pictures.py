"""A picture without words is nothing to those who cannot see it, and to closed images."""

from collections.abc import Iterator

from newsletter.check import Mail, error
from newsletter.model import Finding


def check(mail: Mail) -> Iterator[Finding]:
    """Every picture has an alternative text, and comes over https."""
    for image in mail.elements("//img"):
        address = image.get("src") or ""
        if not (image.get("alt") or "").strip() and image.get("role") != "presentation":
            yield error(
                "pictures",
                "A picture has no alternative text.",
                "Say in alt = … of the story or sponsor what it shows; in the note: ![words](…).",
                address,
            )
        if not address.startswith("https://"):
            yield error(
                "pictures",
                "A picture's address does not start with https://, so readers will not see it.",
                "Give an https address; for pictures in images/, set base_url in [newsletter].",
                address,
            )
