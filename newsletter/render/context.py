"""The data that a template may use, as plain values. docs/templates.md lists it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any
from urllib.parse import quote

from newsletter import colours
from newsletter.config import Config
from newsletter.imaging import display_size
from newsletter.language import Language
from newsletter.links import tokens
from newsletter.model import Choice, Hosted, Issue, IssueText, Poll, Sponsor, Story, StoryText
from newsletter.render.template_folder import TemplateSettings, template_settings
from newsletter.text import markdown

_WITHOUT_PICTURES = frozenset({"text", "brief"})  # layouts


def context(issue: Issue, config: Config, settings: TemplateSettings) -> dict[str, Any]:
    """Every name that the issue's template may use, with its value."""
    from markupsafe import Markup

    language = Language(config.newsletter.language)
    places = settings.places
    views = _Views(issue, config, language, settings)
    newsletter = config.newsletter
    return {
        "newsletter": {
            "name": newsletter.name,
            "address": newsletter.address,
            "sender": newsletter.sender,
            "reply_to": newsletter.reply_to,
            "url": newsletter.base_url,
        },
        "template": newsletter.template,
        "look": newsletter.template,  # the name in copies of older templates
        "accent": newsletter.accent,
        "language": newsletter.language,
        "direction": language.direction,
        "words": views.words(),
        "say": language.say,
        "readable": colours.readable,
        "on": colours.on,
        "issue": {
            "name": str(issue.name),
            "date": language.long_date(issue.name.date),
            "subject": issue.subject,
            "preheader": issue.preheader,
            "url": views.page(),
        },
        "dateline": views.dateline(),
        "editor": views.editor(),
        "note": {
            "html": Markup(markdown.to_html(issue.note, views.in_note)),  # noqa: S704 - cleaned by nh3
            "text": markdown.to_text(issue.note),
        },
        "lead": views.story(issue.lead, places.lead) if issue.lead else None,
        "sections": [
            {
                "title": section.title,
                "layout": section.layout,
                "form": section.layout,  # the name in copies of older templates
                "stories": [
                    views.story(story, settings.story_width(section.layout))
                    for story in section.stories
                ],
                "sponsors": views.sponsors(section.title),
            }
            for section in issue.sections
        ],
        "missed": [views.story(story, places.story) for story in issue.missed],
        "sponsors": views.sponsors(None),
        "poll": views.poll(issue.poll) if issue.poll else None,
        "tokens": {
            "greeting_html": tokens.GREETING_HTML,
            "greeting_text": tokens.GREETING_TEXT,
            "unsubscribe_html": tokens.UNSUBSCRIBE_HTML,
            "unsubscribe_text": tokens.UNSUBSCRIBE_TEXT,
            "preferences_html": tokens.PREFERENCES_HTML if newsletter.base_url else None,
            "preferences_text": tokens.PREFERENCES_TEXT if newsletter.base_url else None,
        },
    }


def issue_text(issue: Issue, config: Config) -> IssueText:
    """The issue's texts as plain text, with the address of the lead story's picture."""
    settings = template_settings(config)
    views = _Views(issue, config, Language(config.newsletter.language), settings)
    lead = views.picture(issue.lead.image, settings.places.lead) if issue.lead else None
    return IssueText(
        subject=issue.subject,
        preheader=issue.preheader,
        note=markdown.to_text(issue.note),
        picture=lead["src"] if lead and "://" in lead["src"] else None,
        stories=tuple(
            StoryText(story.headline, story.blurb, story.article.url) for story in issue.stories
        ),
    )


def placed_pictures(issue: Issue, config: Config) -> Iterator[tuple[str, int]]:
    """Every picture in the mail, with the width of its place in CSS pixels, without duplicates."""
    settings = template_settings(config)
    places = settings.places
    placed: list[tuple[str | None, int]] = [(config.editor.picture, places.portrait)]
    if issue.lead:
        placed.append((issue.lead.image, places.lead))
    for section in issue.sections:
        if section.layout not in _WITHOUT_PICTURES:
            width = settings.story_width(section.layout)
            placed += [(story.image, width) for story in section.stories]
    placed += [(sponsor.image, places.sponsor) for sponsor in issue.running]
    placed += [(image, places.note) for image in markdown.pictures(issue.note)]
    return ((image, width) for image, width in dict.fromkeys(placed) if image)


class _Views:
    """The parts of an issue, in the form that templates use."""

    def __init__(
        self, issue: Issue, config: Config, language: Language, settings: TemplateSettings
    ) -> None:
        self.issue = issue
        self.config = config
        self.language = language
        self.places = settings.places
        self.folder = f"{config.newsletter.base_url or ''}/issues/{issue.name}"

    def words(self) -> dict[str, str]:
        """The fixed words. In a correction mail the note has the heading of a correction."""
        texts = self.language.words
        return texts | {"note": texts["correction"]} if self.issue.corrects else texts

    def page(self) -> str | None:
        """The address of the issue's page. A correction mail has that of the corrected issue."""
        base = self.config.newsletter.base_url
        return f"{base}/issues/{self.issue.corrects or self.issue.name}" if base else None

    def dateline(self) -> dict[str, str | None]:
        """The dateline. A correction mail goes out on another day, so it has only the date."""
        date = self.language.issue_date(self.issue.name)
        if self.issue.corrects:
            return {"temperature": None, "city": None, "date": date}
        dateline = self.issue.dateline
        city = (dateline and dateline.city) or (self.config.dateline and self.config.dateline.city)
        temperature = None
        if dateline and dateline.temperature is not None:
            temperature = self.language.temperature(dateline.temperature, dateline.unit or "F")
        return {"temperature": temperature, "city": city or None, "date": date}

    def editor(self) -> dict[str, Any] | None:
        editor, box = self.config.editor, self.issue.editor
        name = editor.name or (box.name if box else "")
        bio = editor.bio or (box.bio if box and box.name == name else "")
        if not name:
            return None
        portrait = self.picture(editor.picture, self.places.portrait)
        return {"name": name, "bio": bio, "email": editor.email, "picture": portrait}

    def story(self, story: Story, place: int) -> dict[str, Any]:
        article, language = story.article, self.language
        published = article.published and article.published.astimezone(self.config.zone)
        authors = language.joined(article.authors)
        return {
            "id": article.id,
            "lang": self._other_language(article.language),
            "dir": self._direction(story.headline),
            "headline": story.headline,
            "url": article.url,
            "blurb": story.blurb,
            "byline": language.say("by", names=authors) if authors else None,
            "email": article.byline_email,
            "date": language.short_date(published.date()) if published else None,
            "picture": self.picture(story.image, place),
            "alt": story.alt,
            "caption": story.caption,
            "credit": story.credit,
        }

    def sponsors(self, after: str | None) -> list[dict[str, Any]]:
        """The sponsors after that section, or below the lead story, unless they have no content."""
        views = (self.sponsor(sponsor) for sponsor in self.issue.running if sponsor.after == after)
        return [view for view in views if view["picture"] or view["text"] or view["alt"]]

    def sponsor(self, sponsor: Sponsor) -> dict[str, Any]:
        return {
            "label": sponsor.label or self.language.words["advertisement"],
            "text": sponsor.text,
            "link": sponsor.link,
            "picture": self.picture(sponsor.image, self.places.sponsor),
            "alt": sponsor.alt,
        }

    def poll(self, poll: Poll) -> dict[str, Any]:
        def answer(choice: Choice) -> dict[str, str]:
            return {"text": choice.text, "link": choice.link or self._by_mail(poll, choice)}

        return {"question": poll.question, "answers": [answer(choice) for choice in poll.choices]}

    def picture(self, image: str | None, place: int) -> dict[str, Any] | None:
        """The picture's address for readers and its size in CSS pixels; the height may be None.

        ``place`` is the width of its place. Returns None if readers cannot get the picture.
        """
        if not image or image in self.issue.pictures.lost:
            return None
        if hosted := self.issue.pictures.find(image, place):
            return self._hosted(hosted)
        if "://" in image:
            return {"src": image, "width": place, "height": None}
        if image == self.config.editor.picture:
            return None  # it is not in the issue's folder, which is what the web server publishes
        return {"src": f"{self.folder}/{image}", "width": place, "height": None}

    def in_note(self, image: str) -> dict[str, Any] | None:
        return self.picture(image, self.places.note)

    def _other_language(self, tag: str | None) -> str | None:
        """The language of a story, if it is not the newsletter's."""
        newsletter = self.config.newsletter.language.partition("-")[0].lower()
        return tag if tag and tag.partition("-")[0].lower() != newsletter else None

    def _direction(self, headline: str) -> str | None:
        """The writing direction of a headline, by its first letter, if it is not the mail's."""
        classes = (unicodedata.bidirectional(letter) for letter in headline)
        first = next((class_ for class_ in classes if class_ in ("L", "R", "AL")), None)
        direction = {"L": "ltr", "R": "rtl", "AL": "rtl", None: self.language.direction}[first]
        return direction if direction != self.language.direction else None

    def _hosted(self, hosted: Hosted) -> dict[str, Any]:
        width, height = display_size(hosted.place, hosted.width, hosted.height)
        src = f"{self.folder}/pictures/{hosted.file}"
        return {"src": src, "width": width, "height": height}

    def _by_mail(self, poll: Poll, choice: Choice) -> str:
        newsletter = self.config.newsletter
        address = parseaddr(newsletter.reply_to or newsletter.sender)[1]
        return f"mailto:{address}?subject={quote(f'{poll.question} {choice.text}')}"
