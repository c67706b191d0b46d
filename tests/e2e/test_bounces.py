"""What comes back by mail is read from files and mailboxes, and acted on once."""

from __future__ import annotations

import mailbox
from pathlib import Path

from tests import returned
from tests.e2e.imap_server import PASSWORD, imap_server
from tests.e2e.sends import ISSUE
from tests.newsroom import Newsroom, addresses


def sent(room: Newsroom, readers: int) -> dict[str, bytes]:
    """Address → the mail that went out to it, from the outbox."""
    room.prepare(ISSUE, readers)
    room.run("send", ISSUE, "--yes")
    mails = (path.read_bytes() for path in (room.folder / "outbox").rglob("*.eml"))
    return {next(a for a in addresses(readers) if f"To: {a}".encode() in m): m for m in mails}


def states(room: Newsroom) -> dict[str, str]:
    rows = room.run("subscribers", "export").stdout.splitlines()[1:]
    return {row.split(",")[0]: row.split(",")[2] for row in rows}


def test_mails_that_came_back_are_told_apart_and_count_once(newsroom: Newsroom) -> None:
    out = sent(newsroom, 10)
    one, two, three, four, five, six, seven, eight, nine, ten = addresses(10)
    back = newsroom.folder / "back"
    back.mkdir()
    mails = {
        "01-gone": returned.dsn(out[one]),
        "02-full": returned.dsn(out[two], status="5.2.2", words="smtp; 552 5.2.2 Mailbox full"),
        "03-delayed": returned.dsn(out[three], action="delayed", status="4.4.1"),
        "04-qmail": returned.qmail(out[four]),
        "05-complaint": returned.complaint(out[five]),
        "06-exchange": returned.exchange(six),
        "07-vacation": returned.vacation(seven),
        # Somebody's own mail with another's number in it, to have that one struck off.
        "08-forged": returned.dsn(
            out[nine]
            .replace(b"Message-ID: <", b"X-Was: <")
            .replace(b"List-Unsubscribe: ", b"X-Left: "),
            to="attacker@example.test",
        ).replace(b"X-Was: <", b"Message-ID: <"),
        "09-exim": returned.exim(out[eight]),
        # Forwarded: the server names an address that nobody here knows; the signed link tells.
        "10-forwarded": returned.dsn(out[ten], to="elsewhere@example.test", headers_only=False),
        "11-garbage": b"\x00\xff" * 1000 + b"Content-Type: multipart/report; boundary=\r\n\r\n--",
        "12-delivered": returned.dsn(out[nine], action="delivered", status="2.0.0"),
    }
    for name, content in mails.items():
        (back / f"{name}.eml").write_bytes(content)
    found = newsroom.json("bounces", str(back))
    assert found == {
        "mails": 12, "bounced": 4, "blocked": 2, "delayed": 1, "complained": 1, "leaves": 0,
        "new": 8, "known": 0, "about_nobody_here": 1, "no_bounces": 3,
    }  # fmt: skip
    assert states(newsroom) == {
        **dict.fromkeys(addresses(10), "active"),
        **dict.fromkeys((one, four, six, ten), "bounced"),
        five: "complained",
    }
    report = newsroom.json("report")
    assert (report["bounced"], report["deferred"]) == ({"hard": 4, "soft": 2}, 1)
    assert report["complained"] == 1
    assert report["opens"] is report["delivered"] is None
    assert "only what came back" in report["notes"][0]
    assert report["rates"]["bounced"]["of"] == "of those accepted"
    again = newsroom.json("bounces", str(back))
    assert (again["new"], again["known"]) == (0, 8)
    said = newsroom.run("bounces", str(back)).stdout
    assert "4 for good, 2 for now, 1 delayed, 1 complained" in said


def test_an_mbox_is_read_and_what_is_no_place_is_said(newsroom: Newsroom, tmp_path: Path) -> None:
    out = sent(newsroom, 3)
    box = mailbox.mbox(tmp_path / "back.mbox")
    for mail in out.values():
        box.add(returned.dsn(mail))
    box.close()
    assert newsroom.json("bounces", str(tmp_path / "back.mbox"))["bounced"] == 3
    assert "There is no nowhere" in newsroom.run("bounces", "nowhere", status=2).stderr


def test_a_mailbox_is_read_and_only_what_was_stored_is_marked_as_seen(newsroom: Newsroom) -> None:
    out = sent(newsroom, 4)
    one, two, three, four = addresses(4)
    mails = [
        returned.dsn(out[one]),
        returned.vacation(two),
        returned.dsn(out[three]),
        returned.complaint(out[four]),
    ]
    with imap_server(mails) as box:
        place = f"imap://news@127.0.0.1:{box.port}"
        assert "IMAP_PASSWORD is not set" in newsroom.run("bounces", place, status=2).stderr
        newsroom.environment["IMAP_PASSWORD"] = "wrong"
        said = newsroom.run("bounces", place, status=1).stderr
        assert "cannot be read" in said
        assert "wrong" not in said.replace("wrong password", "")
        newsroom.environment["IMAP_PASSWORD"] = PASSWORD
        assert "no folder Spam" in newsroom.run("bounces", f"{place}/Spam", status=1).stderr
        box.breaks_at = 103
        assert "cannot be read" in newsroom.run("bounces", place, status=1).stderr
        assert box.seen == set()
        box.breaks_at = None
        found = newsroom.json("bounces", place)
        assert (found["bounced"], found["complained"], found["no_bounces"]) == (2, 1, 1)
        assert box.seen == {101, 103, 104}
        assert newsroom.json("bounces", place)["mails"] == 1
    assert states(newsroom) == {
        one: "bounced", two: "active", three: "bounced", four: "complained"
    }  # fmt: skip
