"""Checks on mails that others sent, and on issues made of feeds that others publish."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from newsletter import check
from newsletter.app import open_desk
from newsletter.app.issue import build, gather
from newsletter.check import Mail, clients
from newsletter.errors import NewsletterError
from newsletter.model import Finding
from newsletter.render import render
from tests.newsroom import CONFIG, empty_database
from tests.sample_issues import GOOD

# What a publisher's own words and pictures, or a feed without stories of this week, may bring.
OF_THE_PUBLISHER = {
    ("pictures", "The pictures of these stories have no description"),  # it gave no caption
    ("links", "different places"),  # two stories of one headline
    ("spam", "The subject is written in capitals"),  # as its headline is
    ("subject", "The subject is"),
    ("subject", "The preheader is"),
    ("subject", "There is no preheader"),
    ("stories", "The issue has"),
    ("stories", "has no stories"),
}
NO_FEED = ("bad-", "bomb-", "notfeed-", "expected")  # nothing can be read of these


def test_mails_of_others_are_checked_and_found_wanting(tmp_path: Path, shared_data: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(CONFIG)
    config = open_desk(tmp_path).config
    good = render(GOOD, config)
    folder = shared_data / "emails"
    expected = json.loads((folder / "expected.json").read_text())
    seen = 0
    for path in sorted(folder.glob("*.html")):
        html = path.read_text(encoding="utf-8")
        found = check.run(Mail(GOOD, replace(good, html=html), config))
        facts = expected[path.name]["facts"]
        said = {finding.check for finding in found}
        messages = " ".join(finding.message for finding in found)
        assert "languages" in said, path.name
        assert ("roles" in said) == (facts["tables"] > facts["tables_role_presentation"])
        assert ("which is not https" in messages) == (facts["links_http"] > 0), path.name
        if facts["images_without_alt_attr"]:
            assert "no alternative text" in messages, path.name
        if not facts["color_scheme_meta"]:
            assert "dark" in said, path.name
        seen += 1
    assert seen == 8


@pytest.mark.parametrize("template", ["weekly", "plain"])
def test_every_rule_holds_on_issues_of_real_feeds(
    tmp_path: Path, shared_data: Path, template: str
) -> None:
    feeds = [p for p in sorted((shared_data / "feeds").iterdir()) if p.is_file()]
    with_stories = 0
    for path in feeds:
        folder = tmp_path / path.stem
        folder.mkdir()
        more = f'images = "link"\ntemplate = "{template}"\ntimezone'
        config = CONFIG.replace("feed.xml", path.name).replace("timezone", more, 1)
        (folder / "newsletter.toml").write_text(config)
        (folder / "newsletter.db").write_bytes(empty_database())
        shutil.copyfile(path, folder / path.name)
        desk = open_desk(folder)
        issue = desk.next_issue()
        try:
            gathering = gather.gather(desk, issue, since=date(1995, 1, 1))
            gather.draft(desk, issue, gathering)
        except NewsletterError:
            assert path.name.startswith(NO_FEED), path.name
            desk.close()
            continue
        built = build.compose(desk, issue)
        desk.close()
        with_stories += bool(built.issue.stories)
        blamed = [f for f in built.findings if not _of_the_publisher(f)]
        assert not blamed, (path.name, blamed)
    assert with_stories >= 35


def _of_the_publisher(finding: Finding) -> bool:
    return any(
        finding.check == name and words in finding.message for name, words in OF_THE_PUBLISHER
    )


def test_the_table_of_clients_says_what_its_source_says(shared_data: Path) -> None:
    support = json.loads((shared_data / "caniemail" / "support-only.json").read_text())
    table = clients.table()
    assert list(table.clients) == support["clients"]
    wanted = {k: v.replace("u", "-") for k, v in support["features"].items() if k[0] != "_"}
    assert dict(table.features) == wanted
