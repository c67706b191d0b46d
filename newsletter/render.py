"""Issue → Rendered: one HTML mail with inlined CSS, and one text part, each from its template.

Knows no network, no clock and no database: the same issue, configuration and templates give the
same bytes. Readers' personal parts stay tokens here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter import note, tokens
from newsletter.config import Config
from newsletter.errors import ContentError
from newsletter.language import Language
from newsletter.model import Issue, Rendered, Sponsor, Story

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGED = Path(__file__).parent / "templates"
_BESIDE = Path(__file__).parent.parent / "templates"
_INLINER = threading.Lock()  # premailer is not thread-safe to the byte
_GUARD = "\u200c"


def packaged_templates() -> Path:
    """The looks that ship with the program (in a checkout: the folder beside the package)."""
    return _PACKAGED if _PACKAGED.is_dir() else _BESIDE


def render(issue: Issue, config: Config) -> Rendered:
    """The whole mail. Raises ContentError where a template is missing or wrong."""
    look = config.newsletter.template
    environment = _environment((config.folder / "templates", packaged_templates()))
    context = _context(issue, config)
    html = _guarded(_inlined(_filled(environment, f"{look}/email.html.j2", context)), "</body>")
    text = _guarded(_filled(environment, f"{look}/email.txt.j2", context).strip() + "\n", None)
    sender, reply_to = config.newsletter.sender, config.newsletter.reply_to
    frozen = json.dumps([issue.subject, html, text, sender, reply_to], ensure_ascii=False)
    found = tokens.found_in(html) | tokens.found_in(text) | tokens.found_in(issue.subject)
    return Rendered(
        subject=issue.subject,
        preheader=issue.preheader,
        html=html,
        text=text,
        hash=hashlib.sha256(frozen.encode()).hexdigest(),
        tokens={token: tokens.MEANING.get(token, "unknown") for token in sorted(found)},
    )


@lru_cache(maxsize=8)
def _environment(folders: Sequence[Path]) -> Environment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Looks(FileSystemLoader):
        """Notices a newsroom's own file that comes to stand before a packaged one."""

        def get_source(
            self, environment: Environment, template: str
        ) -> tuple[str, str, Callable[[], bool]]:
            source, path, fresh = super().get_source(environment, template)
            first = _first(folders, template)
            return source, path, lambda: fresh() and _first(folders, template) == first

    return ImmutableSandboxedEnvironment(
        loader=Looks([str(folder) for folder in folders]),
        autoescape=lambda name: name is not None and name.endswith((".html.j2", ".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _first(folders: Sequence[Path], template: str) -> Path | None:
    return next((folder for folder in folders if (folder / template).is_file()), None)


def _filled(environment: Environment, name: str, context: dict[str, Any]) -> str:
    import jinja2

    try:
        return environment.get_template(name).render(context)
    except jinja2.TemplateNotFound as error:
        raise ContentError(
            f"There is no template {error.name}. [newsletter] template names a folder in "
            f"templates/; mend the name, or copy a look there with: newsletter init"
        ) from error
    except jinja2.TemplateSyntaxError as error:
        raise ContentError(
            f"The template {error.filename or error.name}, line {error.lineno}, does not compile: "
            f"{error.message}. Mend that line."
        ) from error
    except UnicodeDecodeError as error:
        raise ContentError(
            f"A file of the template {name} is not UTF-8 text: {error}. Save it as UTF-8."
        ) from error
    except Exception as error:  # a template is people's own work: it may fail in any way
        raise ContentError(f"The template {_place(error, name)} failed: {error}.") from error


def _place(error: BaseException, name: str) -> str:
    """File and line of the template where rendering stopped."""
    place, step = name, error.__traceback__
    while step:
        if step.tb_frame.f_code.co_filename.endswith((".j2", ".css", ".html", ".txt")):
            place = f"{step.tb_frame.f_code.co_filename}, line {step.tb_lineno},"
        step = step.tb_next
    return place


def _inlined(html: str) -> str:
    """The styles of every ``<style>`` but those marked ``data-premailer="ignore"``, inlined."""
    import cssutils
    import premailer

    if not html.strip():
        raise ContentError("The template email.html.j2 gives nothing. Restore it, or write it.")

    cssutils.log.setLevel(logging.CRITICAL)
    with _INLINER:
        inlined: str = premailer.Premailer(
            html,
            allow_network=False,
            strip_important=False,
            disable_validation=True,
            align_floating_images=False,
            disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
            keep_style_tags=False,
            remove_classes=False,
        ).transform(pretty_print=False)
    return inlined


def _guarded(part: str, before: str | None) -> str:
    """Keep a provider from choosing Latin-1 for the part: a character that Latin-1 has not.

    SendGrid picks the charset from the characters; Gmail then shows "Message clipped".
    """
    if part.isascii() or max(part) > "\xff":
        return part
    if before is None:
        return part.rstrip("\n") + _GUARD + "\n"
    return part.replace(before, _GUARD + before, 1)


def _context(issue: Issue, config: Config) -> dict[str, Any]:
    """What a template may use, as plain data (docs/templates.md lists it)."""
    from markupsafe import Markup

    language = Language(config.newsletter.language)
    views = _Views(issue, config, language)
    return {
        "newsletter": {
            "name": config.newsletter.name,
            "address": config.newsletter.address,
            "sender": config.newsletter.sender,
            "reply_to": config.newsletter.reply_to,
            "url": config.newsletter.base_url,
        },
        "look": config.newsletter.template,
        "accent": config.newsletter.accent,
        "language": config.newsletter.language,
        "direction": language.direction,
        "words": language.words,
        "say": language.say,
        "issue": {
            "name": issue.name,
            "date": language.long_date(issue.date),
            "subject": issue.subject,
            "preheader": issue.preheader,
        },
        "dateline": views.dateline(),
        "editor": views.editor(),
        "note": {
            "html": Markup(note.to_html(issue.note, views.folder)),  # noqa: S704 - cleaned by nh3
            "text": note.to_text(issue.note),
        },
        "lead": views.story(issue.lead) if issue.lead else None,
        "sections": [
            {
                "title": section.title,
                "stories": [views.story(story) for story in section.stories],
                "sponsors": views.sponsors(section.title),
            }
            for section in issue.sections
        ],
        "sponsors": views.sponsors(None),
        "tokens": {
            "greeting_html": tokens.GREETING_HTML,
            "greeting_text": tokens.GREETING_TEXT,
            "unsubscribe_html": tokens.UNSUBSCRIBE_HTML,
            "unsubscribe_text": tokens.UNSUBSCRIBE_TEXT,
        },
    }


class _Views:
    """The parts of an issue as a template shows them."""

    def __init__(self, issue: Issue, config: Config, language: Language) -> None:
        self.issue = issue
        self.config = config
        self.language = language
        self.folder = f"{config.newsletter.base_url or ''}/issues/{issue.name}"

    def dateline(self) -> dict[str, str | None]:
        found = self.issue.dateline
        city = (found and found.city) or (self.config.dateline and self.config.dateline.city)
        temperature = None
        if found and found.temperature is not None:
            temperature = self.language.temperature(found.temperature, found.unit or "F")
        date = self.language.long_date(self.issue.date)
        return {"temperature": temperature, "city": city or None, "date": date}

    def editor(self) -> dict[str, str | None] | None:
        editor, found = self.config.editor, self.issue.editor
        name = editor.name or (found.name if found else "")
        bio = editor.bio or (found.bio if found and found.name == name else "")
        return {"name": name, "bio": bio, "email": editor.email} if name else None

    def story(self, story: Story) -> dict[str, Any]:
        article, language = story.article, self.language
        published = article.published and article.published.astimezone(self.config.zone)
        authors = language.joined(article.authors)
        return {
            "id": article.id,
            "headline": story.headline,
            "url": article.url,
            "blurb": story.blurb,
            "byline": language.say("by", names=authors) if authors else None,
            "email": article.byline_email,
            "date": language.short_date(published.date()) if published else None,
            "image": self.image(story.image),
            "alt": story.alt,
            "caption": story.caption,
            "credit": story.credit,
        }

    def sponsors(self, after: str | None) -> list[dict[str, str | None]]:
        return [self.sponsor(each) for each in self.issue.sponsors if each.after == after]

    def sponsor(self, sponsor: Sponsor) -> dict[str, str | None]:
        return {
            "label": sponsor.label or self.language.words["advertisement"],
            "text": sponsor.text,
            "link": sponsor.link,
            "image": self.image(sponsor.image),
            "alt": sponsor.alt,
        }

    def image(self, image: str | None) -> str | None:
        """Where readers get the picture: the editor's own lie on the public pages."""
        if not image or "://" in image:
            return image
        return f"{self.folder}/{image}"
