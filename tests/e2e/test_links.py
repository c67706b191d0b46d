"""``check --links`` against a server on loopback: pages that are there, gone, shy or astray."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from newsletter.render import packaged_templates
from tests.e2e.publisher import Publisher, publisher
from tests.newsroom import Newsroom
from tests.patient import PATIENCE

ISSUE = "2030-01-07"


@pytest.fixture
def site() -> Iterator[Publisher]:
    with publisher() as site:
        yield site


@pytest.fixture
def room(newsroom: Newsroom, site: Publisher) -> Newsroom:
    newsroom.configure(f'\n[gather]\nallow_hosts = ["{site.host}"]\n')
    newsroom.run("gather", ISSUE)
    return newsroom


def findings(room: Newsroom, *addresses: str, status: int = 0) -> list[dict[str, str]]:
    """What is said of a note with these links."""
    note = "\n\n".join(f"[Page {n}]({address})" for n, address in enumerate(addresses))
    room.write(f"issues/{ISSUE}/note.md", note)
    found = room.json("check", ISSUE, "--links", status=status)["findings"]
    return [finding for finding in found if finding["check"] == "links"]


def test_a_redirect_is_followed_to_a_page(room: Newsroom, site: Publisher) -> None:
    site.pages |= {"/old": 301, "/new": "<h1>Here</h1>"}
    site.headers["/old"] = {"Location": "/new"}
    assert findings(room, f"https://{site.host}/old") == []


def test_a_redirect_to_a_page_that_is_gone_is_an_error(room: Newsroom, site: Publisher) -> None:
    site.pages["/old"] = 302
    site.headers["/old"] = {"Location": "/nowhere"}
    (said,) = findings(room, f"https://{site.host}/old", status=1)
    assert (said["level"], said["place"]) == ("error", f"https://{site.host}/old")
    assert "is gone (404)" in said["message"]


def test_a_circle_of_redirects_is_said_to_be_one(room: Newsroom, site: Publisher) -> None:
    site.pages |= {"/a": 302, "/b": 302}
    site.headers |= {"/a": {"Location": "/b"}, "/b": {"Location": "/a"}}
    (said,) = findings(room, f"https://{site.host}/a")
    assert said["level"] == "warning"
    assert "redirects in a circle" in said["message"]
    assert "newsletter.toml" not in said["message"]


def test_a_redirect_into_ones_own_network_is_not_followed(room: Newsroom, site: Publisher) -> None:
    with publisher({"/secret": "<h1>Inside</h1>"}) as inside:
        site.pages["/way"] = 302
        site.headers["/way"] = {"Location": f"{inside.url}/secret"}
        (said,) = findings(room, f"https://{site.host}/way")
        assert "not on the public internet" in said["message"]
        assert inside.asked == []


@pytest.mark.parametrize("status", [401, 403, 405, 429])
def test_a_page_that_keeps_programs_out_is_passed_over(
    room: Newsroom, site: Publisher, status: int
) -> None:
    site.pages["/shut"] = status
    assert findings(room, f"https://{site.host}/shut") == []


def test_a_server_that_fails_is_said_with_its_status(room: Newsroom, site: Publisher) -> None:
    site.pages["/ill"] = 500
    (said,) = findings(room, f"https://{site.host}/ill")
    assert "answered with status 500" in said["message"]
    assert site.methods[-2:] == ["HEAD", "GET"]


def test_a_server_that_says_nothing_to_the_question_is_asked_for_the_page(
    room: Newsroom, site: Publisher
) -> None:
    site.pages |= {"/deaf": "<h1>Here</h1>", "/rude": "<h1>Here</h1>", "/ill": 500}
    site.deaf, site.rude = {"/deaf", "/ill", "/gone"}, {"/rude"}
    pages = [f"https://{site.host}/{name}" for name in ("deaf", "rude", "ill", "gone")]
    started = time.monotonic()
    gone, ill = findings(room, *pages, status=1)
    assert time.monotonic() - started < PATIENCE
    assert "is gone (404)" in gone["message"]
    assert "answered with status 500" in ill["message"]


def test_where_nothing_can_be_seen_only_the_first_few_are_named(room: Newsroom) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = findings(room, *(f"https://127.0.0.1:{port}/{n}" for n in range(9)))
    assert len(said) == 6
    assert "4 more pages could not be reached" in said[-1]["message"]


def test_no_personal_link_and_no_page_of_ones_own_is_asked_for(
    room: Newsroom, site: Publisher
) -> None:
    room.configure(
        f'\n[gather]\nallow_hosts = ["{site.host}"]\n',
        **{"https://news.example.com": f"https://{site.host}/letter"},
    )
    template = (packaged_templates() / "weekly" / "email.html.j2").read_text(encoding="utf-8")
    leave = (
        f'<p><a href="https://{site.host}/leave/{{{{ tokens.unsubscribe_html }}}}">Leave</a></p>'
    )
    changed = template.replace("{{ footer() }}", f"{{{{ footer() }}}}{leave}")
    assert changed != template
    room.write("templates/weekly/email.html.j2", changed)
    found = findings(room, f"https://{site.host}/letter", f"https://{site.host}/letter/a")
    assert found == []
    assert site.asked == []


def test_an_address_that_cannot_be_read_is_a_finding_and_no_crash(room: Newsroom) -> None:
    path = room.folder / "issues" / ISSUE / "issue.toml"
    path.write_text(
        f'{path.read_text()}\n[[sponsors]]\ntext = "Buy this"\nlink = "https://[x/"\n',
        encoding="utf-8",
    )
    said = findings(room, status=1)
    assert any("leads to 'https://[x/', which is not a web address" in f["message"] for f in said)


def test_a_picture_whose_address_cannot_be_read_is_a_finding(room: Newsroom) -> None:
    path = room.folder / "issues" / ISSUE / "issue.toml"
    slot = '[[sponsors]]\nimage = "https://[x/a.jpg"\nalt = "A loaf"\n'
    path.write_text(f"{path.read_text()}\n{slot}", encoding="utf-8")
    found = room.json("build", ISSUE)["findings"]
    assert any("A picture is missing" in finding["message"] for finding in found)
