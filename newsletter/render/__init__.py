"""Issue → Rendered: one HTML mail with inlined CSS, and one text part, each from its template.

Knows no network, no clock and no database: the same issue, configuration and templates give the
same bytes. Readers' personal parts stay tokens here.
"""

from __future__ import annotations

import hashlib
import json

from newsletter.config import Config
from newsletter.links import tokens
from newsletter.model import Issue, Rendered
from newsletter.render.alert import Button, alert, word
from newsletter.render.charset import guarded
from newsletter.render.filling import filled
from newsletter.render.inlining import inlined
from newsletter.render.template_folder import (
    PARTS,
    TemplateSettings,
    folders,
    layouts,
    packaged_templates,
    template_settings,
)
from newsletter.render.views import context, said, wanted_pictures


def render(issue: Issue, config: Config) -> Rendered:
    """The whole mail. Raises ContentError where a template is missing or wrong."""
    values = context(issue, config, template_settings(config))
    searched = tuple(
        folder / name for folder in folders(config) for name in (config.newsletter.template, PARTS)
    )
    html = guarded(inlined(filled(config, "email.html.j2", values), searched), "</body>")
    text = guarded(filled(config, "email.txt.j2", values).strip() + "\n", None)
    sender, reply_to = config.newsletter.sender, config.newsletter.reply_to
    frozen = json.dumps([issue.subject, html, text, sender, reply_to], ensure_ascii=False)
    used = tokens.find_all(html) | tokens.find_all(text) | tokens.find_all(issue.subject)
    return Rendered(
        subject=issue.subject,
        preheader=issue.preheader,
        html=html,
        text=text,
        hash=hashlib.sha256(frozen.encode()).hexdigest(),
        tokens={token: tokens.MEANING.get(token, "unknown") for token in sorted(used)},
    )


__all__ = [
    "PARTS",
    "Button",
    "TemplateSettings",
    "alert",
    "layouts",
    "packaged_templates",
    "render",
    "said",
    "template_settings",
    "wanted_pictures",
    "word",
]
