"""Issue → Rendered: an HTML mail with inlined CSS, and a text part, each from its template.

Rendering uses no network, no clock and no database: the same issue, configuration and templates
give the same bytes. What differs by reader stays a token.
"""

from __future__ import annotations

import hashlib
import json

from newsletter.config import Config
from newsletter.links import tokens
from newsletter.model import Issue, Rendered
from newsletter.render.charset import keep_utf8
from newsletter.render.context import context, issue_text, placed_pictures
from newsletter.render.css_inliner import inline_styles
from newsletter.render.jinja import render_template
from newsletter.render.service_mail import Button, alert_mail, service_mail
from newsletter.render.template_folder import (
    PARTS,
    TemplateSettings,
    folders,
    layouts,
    packaged_templates,
    template_settings,
)


def render(issue: Issue, config: Config) -> Rendered:
    """The whole mail. Raises ContentError if a template is missing or faulty."""
    values = context(issue, config, template_settings(config))
    searched = tuple(
        folder / name for folder in folders(config) for name in (config.newsletter.template, PARTS)
    )
    html = inline_styles(render_template(config, "email.html.j2", values), searched)
    html = keep_utf8(html, "</body>")
    text = keep_utf8(render_template(config, "email.txt.j2", values).strip() + "\n", None)
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
    "alert_mail",
    "issue_text",
    "layouts",
    "packaged_templates",
    "placed_pictures",
    "render",
    "service_mail",
    "template_settings",
]
