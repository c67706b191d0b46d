"""The readers' pages through their front fetcher: a real server, and a real mail server."""

from __future__ import annotations

import base64
import hmac
import re
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from newsletter.links.keyring import parse
from newsletter.links.signed_links import reader_keys
from tests import patient
from tests.e2e.approval_pages import part
from tests.e2e.reader_pages import HOST, SECRET, Site, link_in, serving
from tests.e2e.send_processes import until

ONE_CLICK = "List-Unsubscribe=One-Click"
MULTIPART = (
    '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site")) as site:
        yield site


def one_click(site: Site, key: str, body: str = ONE_CLICK, kind: str = "") -> httpx.Response:
    """As mail programs do it: no cookie, no page seen before."""
    kind = kind or "application/x-www-form-urlencoded"
    headers = {"Host": HOST, "Content-Type": kind}
    return patient.post(f"{site.url}/unsubscribe/{key}", content=body, headers=headers)


def title(answer: httpx.Response) -> str:
    found = re.search(r"<h1>(.*?)</h1>", answer.text)
    assert found, answer.text
    return found[1]


def test_a_reader_signs_up_and_confirms(site: Site) -> None:
    mail = site.signs_up("Ada@Example.com".lower())
    assert mail["To"] == "ada@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in mail
    assert "The Weekly Test" in mail["Subject"]
    link = link_in(mail)
    assert "ada" not in link
    assert site.status("ada@example.com") == "pending"
    for _ in range(2):
        assert site.get(link).status_code == 200
        assert site.client.head(f"{site.url}{link}", headers={"Host": HOST}).status_code == 200
        assert title(site.post(link)) == title(site.get(link))  # no press of the button
    assert site.status("ada@example.com") == "pending"
    assert "Welcome" in title(site.post(link, act="confirm"))
    assert site.status("ada@example.com") == "active"
    again = site.post(link, act="confirm")
    assert (again.status_code, "already" in title(again)) == (410, True)


def test_the_answer_is_the_same_whoever_the_address_belongs_to(site: Site) -> None:
    kinds = ["active", "unsubscribed", "bounced", "complained", "blocked", "pending"]
    rows = "".join(f"same-{kind}@example.com,{kind}\n" for kind in kinds)
    path = site.room.write("same.csv", f"email,status\n{rows}")
    site.room.run("subscribers", "import", str(path))
    site.add("same-erased@example.com")
    site.room.run("subscribers", "erase", "same-erased@example.com", "--yes")
    answers = []
    for kind in [*kinds, "erased", "new", "new"]:
        answer = site.post("/subscribe", email=f"same-{kind}@example.com")
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        answers.append((answer.status_code, answer.content, headers))
    assert answers == answers[:1] * len(answers)
    site.settled()
    got = Counter(m.recipient for m in site.mails.mails if m.recipient.startswith("same-"))
    mailed = ("active", "unsubscribed", "pending", "new")
    assert got == Counter(f"same-{kind}@example.com" for kind in mailed)
    assert "preferences" in link_in(site.mail_to("same-active@example.com"))
    assert "confirm" in link_in(site.mail_to("same-unsubscribed@example.com"))
    assert site.status("same-unsubscribed@example.com") == "unsubscribed"


def test_a_thousand_scanners_unsubscribe_nobody_and_confirm_nobody(site: Site) -> None:
    leave, choose = site.add("scanned@example.com")
    confirm = link_in(site.signs_up("scanned-too@example.com"))
    paths = (f"/unsubscribe/{leave}", f"/preferences/{choose}", confirm)
    for number in range(334):
        for path in paths:
            method = ("GET", "HEAD")[number % 2]
            answer = site.client.request(method, site.url + path, headers={"Host": HOST})
            assert answer.status_code == 200
    assert site.status("scanned@example.com") == "active"
    assert site.status("scanned-too@example.com") == "pending"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ONE_CLICK, ""),
        (ONE_CLICK, "application/x-www-form-urlencoded; charset=UTF-8"),
        (MULTIPART, "multipart/form-data; boundary=b"),
        (MULTIPART, 'Multipart/Form-Data; boundary="b"'),
    ],
)
def test_one_click_unsubscribes_and_may_be_repeated(site: Site, body: str, kind: str) -> None:
    leave, _ = site.add("clicks@example.com")
    assert site.status("clicks@example.com") == "active"
    for _ in range(3):
        answer = one_click(site, leave, body, kind)
        assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
        assert site.status("clicks@example.com") == "unsubscribed"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", ""),
        ("List-Unsubscribe=Two-Clicks", ""),
        ("act=again&act=leave", ""),
        ('{"List-Unsubscribe": "One-Click"}', "application/json"),
        ("--b\r\n\r\ngarbage", "multipart/form-data; boundary=b"),
        (MULTIPART, "multipart/form-data"),
        (MULTIPART.replace('"List', "(" * 5000 + '"List'), "multipart/form-data; boundary=b"),
        (
            MULTIPART.replace("form-data", "form-data; \u00ff*\r\n@x<"),
            "multipart/form-data; boundary=b",
        ),
        ("&" * 5000, ""),
        ("a=" + "x" * 20_000, ""),
        (f"{'x' * 20_000}&{ONE_CLICK}", ""),
    ],
)
def test_no_other_post_unsubscribes(site: Site, body: str, kind: str) -> None:
    leave, _ = site.add("stays@example.com")
    answer = one_click(site, leave, body, kind)
    assert answer.status_code in (200, 400)
    assert site.status("stays@example.com") == "active"


def test_the_page_unsubscribes_and_takes_it_back(site: Site) -> None:
    leave, _ = site.add("page@example.com")
    path = f"/unsubscribe/{leave}"
    assert title(site.get(path)) == "Unsubscribe from The Weekly Test?"
    assert title(site.post(path, act="leave")) == "You are unsubscribed"
    assert site.status("page@example.com") == "unsubscribed"
    assert title(site.get(path)) == "You are unsubscribed"
    assert title(site.post(path, act="again")) == "You are subscribed again"
    assert site.status("page@example.com") == "active"


def test_coming_back_lifts_no_suppression(site: Site) -> None:
    path = site.room.write("b.csv", "email,status\nback@example.com,complained\n")
    site.room.run("subscribers", "import", str(path))
    leave, choose = site.keys("back@example.com")
    before = site.status("back@example.com")
    assert site.post(f"/unsubscribe/{leave}", act="again").status_code == 409
    assert "came back to us" in site.get(f"/preferences/{choose}").text
    site.post(f"/preferences/{choose}", act="save", newsletter="The Weekly Test", name="")
    assert site.status("back@example.com") == before
    assert one_click(site, leave).status_code == 200


def test_preferences_are_kept_for_every_newsletter_of_the_server(site: Site) -> None:
    _, choose = site.add("chooses@example.com")
    path = f"/preferences/{choose}"
    page = site.get(path).text
    boxes = re.findall(r'value="([^"]+)"( checked)?><span>', page)
    assert boxes == [("The Weekly Test", " checked"), ("주간 시험", ""), ("The Other", "")]
    fields = {"act": "save", "name": "  Ada <b>&{{7*7}}\u202e ", "newsletter": "주간 시험"}
    answer = site.post(path, **fields)
    assert (answer.status_code, "Saved." in answer.text) == (200, True)
    assert site.statuses("chooses@example.com") == {"weekly": "unsubscribed", "korean": "active"}
    found = site.ask("select name from subscribers where email = 'chooses@example.com'")
    assert found == [("Ada <b>&{{7*7}}",)]
    assert "Ada &lt;b&gt;&amp;{{7*7}}" in site.get(path).text
    site.post(path, act="save", name="", newsletter="The Other")
    assert site.statuses("chooses@example.com")["korean"] == "unsubscribed"
    (other,) = site.rooms[2].json("subscribers", "show")
    assert (other["email"], other["status"]) == ("chooses@example.com", "active")


def test_a_reader_is_erased_after_a_second_question_and_stands_nowhere(site: Site) -> None:
    leave, choose = site.add("forgetme@example.com")
    path = f"/preferences/{choose}"
    site.post(path, act="save", name="Very Unlikely", newsletter="The Other")
    site.settled()
    assert title(site.post(path, act="erase")) == "Erase your data for good?"
    assert site.get(path).status_code == 200
    assert title(site.post(path, act="erase for good")) == "Your data is erased"
    for room in site.rooms:
        for file in room.folder.glob("newsletter.db*"):
            content = file.read_bytes()
            assert b"Very Unlikely" not in content or file.suffix == ".db-wal"
    assert (
        site.ask("select 1 from subscribers where email like 'forgetme%' or name like 'Ver%'") == []
    )
    for kept in (path, f"/unsubscribe/{leave}"):
        assert (site.get(kept).status_code, site.post(kept, act="again").status_code) == (410, 410)
    assert one_click(site, leave).status_code == 200
    site.post("/subscribe", email="forgetme@example.com")
    site.settled()
    assert all(mail.recipient != "forgetme@example.com" for mail in site.mails.mails)


GARBAGE = [
    "garbage", "1-1-1-AAAAAAAAAAAAAAAAAAAA", "1-1-1-", "%00", "%ff%fe", "%2e%2e", "' or '1'='1",
    "{{7*7}}", "<script>alert(1)</script>", "１-１-１-AAAAAAAAAAAAAAAAAAAA", "\u202e1-1-1-x",
    "x" * 4000,
    "1.1.1.9999999999.AAAAAAAAAAAAAAAA." + "A" * 43, "preview", "v2-1-1-1-AAAAAAAAAAAAAAAAAAAA",
    "v2.1.1.1.9999999999.AAAAAAAAAAAAAAAA." + "A" * 43, "v3-1-1-1-AAAAAAAAAAAAAAAAAAAA",
]  # fmt: skip


@pytest.mark.parametrize("key", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("page", ["unsubscribe", "preferences", "confirm"])
def test_a_key_that_is_none_is_said_to_be_none_and_shows_the_way_out(
    site: Site, page: str, key: str
) -> None:
    for answer in (site.get(f"/{page}/{key}"), site.post(f"/{page}/{key}", act="leave")):
        assert answer.status_code == 404
        assert "This link does not work" in answer.text or "Page not found" in answer.text
        assert "<script" not in answer.text
    assert one_click(site, key).status_code == 404
    if page == "unsubscribe" and "%2e" not in key:
        assert "desk@example.com" in site.get(f"/{page}/{key}").text


def test_links_that_an_earlier_version_signed_still_lead_out(site: Site) -> None:
    leave, choose = site.add("older@example.com")
    claim = leave.removeprefix("v2-")[:-21]
    key = parse(SECRET, "here").key
    digest = hmac.digest(key, f"reader:{claim}".encode(), "sha256")
    leave, choose = (
        f"{claim}-{base64.urlsafe_b64encode(half[:15]).decode()}"
        for half in (digest[:16], digest[16:])
    )
    assert site.get(f"/preferences/{choose}").status_code == 200
    assert site.get(f"/unsubscribe/{choose}").status_code == 404
    assert one_click(site, leave).status_code == 200
    assert site.status("older@example.com") == "unsubscribed"


def test_a_link_of_a_test_says_that_it_is_one(site: Site) -> None:
    ((leave, choose),) = reader_keys(parse(SECRET, "here"))([0], 0)
    assert "stood in a test" in title(site.get(f"/unsubscribe/{leave}"))
    assert "stood in a test" in title(site.get(f"/preferences/{choose}"))
    assert one_click(site, leave).status_code == 200


ADDRESSES = [
    "", "plain", "a@b", "@example.com", "a b@example.com", "a@example.com\r\nBcc: b@example.com",
    "a\x00b@example.com", "a@exa\u202emple.com", "a\u202eb@example.com", "a@example..com",
    "<script>@example.com", "a@example.com,b@example.com", "a@localhost", "a@127.0.0.1",
    '"a b"@example.com', "a@" + "b" * 300 + ".com", "x" * 9_000,
    "'; drop table subscribers; --", "\ud7ff\ufffe@example.com",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES, ids=range(len(ADDRESSES)))
def test_what_is_no_address_is_told_so_and_nothing_is_kept(site: Site, address: str) -> None:
    site.settled()
    before = site.ask("select count(*) from signups")
    answer = site.post("/subscribe", email=address)
    assert answer.status_code == 422
    assert "not look like an email address" in answer.text
    assert "<script" not in answer.text
    assert site.ask("select count(*) from signups") == before


def test_letters_that_look_alike_are_another_persons_address(site: Site) -> None:
    site.add("bob@example.com")
    assert site.post("/subscribe", email="bоb@example.com").status_code == 200  # Cyrillic о
    site.settled()
    assert site.status("bob@example.com") == "active"
    assert all(mail.recipient != "bob@example.com" for mail in site.mails.mails)
    assert site.post("/subscribe", email="ada@bücher.example").status_code == 200
    site.settled()
    assert [r for r in site.mails.mails if r.recipient == "ada@xn--bcher-kva.example"]


def test_a_program_that_fills_in_every_field_is_thanked_and_not_heard(site: Site) -> None:
    site.settled()
    before = site.ask("select count(*) from signups")
    trapped = site.post("/subscribe", email="robot@example.com", website="http://x.example")
    assert trapped.content == site.post("/subscribe", email="human@example.com").content
    assert site.ask("select count(*) from signups") == [(before[0][0] + 1,)]  # type: ignore[operator]
    site.settled()
    assert all(mail.recipient != "robot@example.com" for mail in site.mails.mails)


def test_a_form_of_a_foreign_site_signs_nobody_up(site: Site) -> None:
    answer = site.client.post(
        f"{site.url}/subscribe",
        data={"email": "victim@example.com"},
        headers={"Host": HOST, "Sec-Fetch-Site": "cross-site"},
    )
    assert (answer.status_code, 'value="victim@example.com"' in answer.text) == (403, True)
    assert site.ask("select 1 from signups where email = 'victim@example.com'") == []


def test_a_name_that_cannot_be_one_is_refused_and_the_rest_stays(site: Site) -> None:
    _, choose = site.add("named@example.com")
    for name in ("a\x00b", "x\r\nBcc: y@example.com", "\x1b[2J"):
        answer = site.post(f"/preferences/{choose}", act="save", name=name, newsletter="The Other")
        assert (answer.status_code, "cannot be used" in answer.text) == (422, True)
    assert site.status("named@example.com") == "active"
    site.post(
        f"/preferences/{choose}", act="save", name="ndx-greeting-html-xdn" + "가" * 900,
        newsletter="The Weekly Test",
    )  # fmt: skip
    ((name,),) = site.ask("select name from subscribers where email = 'named@example.com'")
    assert (str(name)[:4], len(str(name))) == ("ndx ", 200)


@pytest.mark.parametrize("path", ["/subscribe", "/unsubscribe/x", "/preferences/x", "/nowhere"])
def test_thirty_megabytes_are_refused_and_the_server_goes_on(site: Site, path: str) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(300):
            yield b"x" * 100_000

    for body in (b"x" * 30_000_000, endless()):
        try:
            answer = site.client.post(site.url + path, content=body, headers={"Host": HOST})
        except httpx.WriteError:
            continue
        assert answer.status_code in (400, 404, 413, 422)
    assert site.get("/subscribe").status_code == 200


def test_each_newsletter_answers_below_its_own_address_in_its_own_language(site: Site) -> None:
    assert "The Weekly Test" in site.get("/subscribe").text
    korean = site.get("/ko/subscribe").text
    assert '<html lang="ko"' in korean
    assert 'action="/ko/subscribe"' in korean
    assert "The Other" in site.get("/subscribe", Host="other.example.com").text
    assert "The Other" in site.get("/subscribe", Host="OTHER.example.com:443").text
    assert site.get("/subscribe", Host="evil.example.net").status_code == 421
    assert site.get("/subscribe", Host="").status_code == 421
    assert site.get("/kosubscribe").status_code == 404
    assert site.post("/ko/subscribe", email="korean@example.com").status_code == 200
    mail = site.mail_to("korean@example.com")
    assert mail["From"].addresses[0].display_name == "The Weekly Test"
    assert "구독" in part(mail, "plain")
    assert site.post(link_in(mail), act="confirm").status_code == 200
    assert site.statuses("korean@example.com") == {"korean": "active"}
    assert site.client.get(f"{site.url}/healthz").json() == {"status": "ok"}


def test_every_answer_has_the_guarding_headers(site: Site) -> None:
    leave, _ = site.add("headers@example.com")
    answers = [
        site.get("/subscribe"), site.get("/public.css"), site.get("/nowhere"),
        site.get(f"/unsubscribe/{leave}"), site.client.put(f"{site.url}/subscribe"),
        site.post("/subscribe", email="x"), site.get("/healthz"), site.get("/", Host="x.example"),
        site.post("/events/sendgrid", a="b"), site.get("/approve/garbage"),
        site.client.post(f"{site.url}/subscribe", content=b"x" * 5_000_000),
    ]  # fmt: skip
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'"), answer.url
        assert "script-src" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers
        assert "set-cookie" not in answer.headers
    assert answers[0].headers["strict-transport-security"].startswith("max-age=")
    assert answers[3].headers["cache-control"] == "no-store"
    assert "img-src 'self';" in answers[3].headers["content-security-policy"]
    assert "noindex" in answers[3].headers["x-robots-tag"]
    assert "noindex" not in answers[0].headers.get("x-robots-tag", "")


def test_no_log_holds_a_key_an_address_or_a_secret(site: Site) -> None:
    leave, choose = site.add("secret@example.com")
    site.get(f"/unsubscribe/{leave}")
    site.post(f"/preferences/{choose}", act="save", name="a\x00")
    site.mails.script[("RCPT", "unlucky@example.com")] = "550 5.7.1 unlucky@example.com refused"
    site.mails.script[("RCPT", "later@example.com")] = "451 4.7.1 later@example.com later"
    site.post("/subscribe", email="unlucky@example.com")
    site.post("/subscribe", email="later@example.com")
    until(lambda: "will be retried" in site.log.read_text())
    said = site.log.read_text()
    for word in (leave, choose, SECRET, "@example.com", "unlucky", "/unsubscribe/"):
        assert word not in said.replace("Listening on", "")


def test_who_asks_for_another_protocol_gets_the_page_and_fills_no_log(site: Site) -> None:
    before = site.log.read_text()
    for protocol in ("websocket", "h2c"):
        answer = site.get("/subscribe", Connection="Upgrade", Upgrade=protocol)
        assert answer.status_code == 200
    assert site.log.read_text() == before


def test_what_is_broken_inside_is_said_without_a_word_of_why(site: Site) -> None:
    toml = site.rooms[2].folder / "newsletter.toml"
    before = toml.read_text()
    address = "postgresql+psycopg://desk:hush@127.0.0.1:9/none"
    toml.write_text(f'{before}\n[database]\nurl = "{address}"\n')
    try:
        answer = site.post("/subscribe", host="other.example.com", email="a@example.com")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "hush" not in answer.text
        assert "127.0.0.1" not in answer.text
        health = site.client.get(f"{site.url}/healthz")
        assert health.status_code == 503
        assert "hush" not in health.text + site.log.read_text()
    finally:
        toml.write_text(before)
    assert site.client.get(f"{site.url}/healthz").status_code == 200
