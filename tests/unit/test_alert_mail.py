"""The mail of an alert: what it says, and what the newsletter's own rules say of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from newsletter import check, providers, sources
from newsletter.config import Config, load
from newsletter.language import Language
from newsletter.model import Issue, IssueName, Rendered
from newsletter.render import Button, alert_mail, template_settings

LINK = "https://news.example.com/approve/1.2025-07-07." + "0123456789abcdef" * 8
# Not what asks for stories, a postal address, or the way to leave a list.
RULES = {
    "charset", "clients", "contrast", "dark", "document", "headings", "languages", "nesting",
    "outlook", "phones", "pictures", "roles", "size", "spam", "styles", "subject", "textpart",
}  # fmt: skip


def config(folder: Path, language: str, accent: str = "#9b1c2e") -> Config:
    (folder / "newsletter.toml").write_text(
        f'[newsletter]\nname = "The Weekly & Co"\nfrom = "n@example.com"\naddress = "1"\n'
        f'language = "{language}"\naccent = "{accent}"\n'
        f'[[sources]]\ntype = "folder"\npath = "a"\n',
        encoding="utf-8",
    )
    return load(folder, sources.options, providers.options)


def made(settings: Config, *, button: bool = True) -> Rendered:
    language = Language(settings.newsletter.language)
    say, parts = language.say, {"date": "Jul 7", "issue": "2025-07-07", "deadline": "Sunday"}
    paragraphs = [
        say("alert_draft_text", subject="Lanterns <b>", count="12", moment="Monday", **parts),
        say("alert_approve_command", **parts),
    ]
    note = say("alert_approve_link", expires="Monday")
    chosen = Button(say("alert_approve"), LINK, note) if button else None
    return alert_mail(settings, say("alert_draft", **parts), paragraphs, chosen)


@pytest.mark.parametrize("accent", ["#9b1c2e", "#ffe600", "#101010"])
@pytest.mark.parametrize("button", [True, False])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_rules_for_mails_hold(tmp_path: Path, language: str, button: bool, accent: str) -> None:
    settings = config(tmp_path, language, accent)
    rendered = made(settings, button=button)
    issue = Issue(IssueName(date(2025, 7, 7)), rendered.subject, rendered.preheader, "", None, ())
    accepted = dict(template_settings(settings).accepted)
    found = check.run(check.Mail(issue, rendered, settings, accepted))
    assert [f"{f.check}: {f.message} {f.place}" for f in found if f.check in RULES] == []


def test_it_says_what_happened_and_what_to_do_in_both_parts(tmp_path: Path) -> None:
    rendered = made(config(tmp_path, "en"))
    assert rendered.subject == "The draft for Jul 7 is ready"
    assert "“Lanterns &lt;b&gt;”" in rendered.html
    assert ">newsletter approve 2025-07-07</span>" in rendered.html
    assert f'href="{LINK}"' in rendered.html
    assert "“Lanterns <b>”" in rendered.text
    assert "newsletter approve 2025-07-07\n" in rendered.text  # on one line, without marks
    assert f"Review and approve:\n{LINK}\n" in rendered.text
    assert "The Weekly & Co" in rendered.text
    assert len(rendered.html) < 12_000
    assert max(len(line) for line in rendered.text.splitlines() if "://" not in line) <= 72


def test_the_same_words_are_known_in_every_language() -> None:
    words = [Language(tag).words for tag in ("en", "ko")]
    assert words[0].keys() == words[1].keys()
