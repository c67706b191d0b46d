"""What comes back by mail is read from files and mailboxes, and acted on once."""

from __future__ import annotations

import mailbox
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from tests import bounce_mails
from tests.e2e.imap_server import PASSWORD, imap_server
from tests.e2e.send_processes import ISSUE
from tests.e2e.servers import closed_port
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
        "01-gone": bounce_mails.dsn(out[one]),
        "02-full": bounce_mails.dsn(out[two], status="5.2.2", words="smtp; 552 5.2.2 Mailbox full"),
        "03-delayed": bounce_mails.dsn(out[three], action="delayed", status="4.4.1"),
        "04-qmail": bounce_mails.qmail(out[four]),
        "05-complaint": bounce_mails.complaint(out[five]),
        "06-exchange": bounce_mails.exchange(six),
        "07-vacation": bounce_mails.vacation(seven),
        # Somebody's own mail with another's number in it, to have that one struck off.
        "08-forged": bounce_mails.dsn(
            out[nine]
            .replace(b"Message-ID: <", b"X-Was: <")
            .replace(b"List-Unsubscribe: ", b"X-Left: "),
            to="attacker@example.test",
        ).replace(b"X-Was: <", b"Message-ID: <"),
        "09-exim": bounce_mails.exim(out[eight]),
        # Forwarded: the server names an address that nobody here knows; the signed link tells.
        "10-forwarded": bounce_mails.dsn(out[ten], to="elsewhere@example.test", headers_only=False),
        "11-garbage": b"\x00\xff" * 1000 + b"Content-Type: multipart/report; boundary=\r\n\r\n--",
        "12-delivered": bounce_mails.dsn(out[nine], action="delivered", status="2.0.0"),
    }
    for name, content in mails.items():
        (back / f"{name}.eml").write_bytes(content)
    found = newsroom.json("bounces", str(back))
    assert found == {
        "mails": 12, "bounced": 3, "blocked": 3, "delayed": 1, "complained": 1, "leaves": 0,
        "new": 8, "known": 0, "about_nobody_here": 1, "no_bounces": 3,
    }  # fmt: skip
    assert states(newsroom) == {
        **dict.fromkeys(addresses(10), "active"),
        **dict.fromkeys((one, four, ten), "bounced"),
        five: "complained",
    }
    report = newsroom.json("report")
    assert (report["bounced"], report["deferred"]) == ({"hard": 3, "soft": 3}, 1)
    assert report["complained"] == 1
    assert report["opens"] is report["delivered"] is None
    assert "only returned mail" in report["notes"][0]
    assert report["rates"]["bounced"]["of"] == "of those accepted"
    again = newsroom.json("bounces", str(back))
    assert (again["new"], again["known"]) == (0, 8)
    said = newsroom.run("bounces", str(back)).stdout
    assert "3 hard, 3 soft, 1 delayed, 1 complained" in said


def test_whoever_knows_but_an_address_strikes_nobody_off(newsroom: Newsroom) -> None:
    out = sent(newsroom, 40)
    one, two, three = addresses(3)
    nothing = b"From: a@example.com\r\nTo: x@example.com\r\n\r\nwords"
    back = newsroom.folder / "back"
    back.mkdir()
    failure = bounce_mails.dsn(nothing, to=one)
    others = "".join(
        f"Final-Recipient: rfc822; {each}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        for each in out
    )
    number = re.findall(rb"Message-ID: <\w+\.(\S+)", out[one])[0]
    weeks = (datetime.now(UTC) - timedelta(weeks=n) for n in range(4))
    mails = {
        "failure": failure,
        **{f"failure of {at:%F}": bounce_mails.dsn(nothing, to=one, at=at) for at in weeks},
        # A number is easily guessed; what stands before it comes out of the mail's bytes.
        **{
            f"guessed {letter}": bounce_mails.dsn(b"Message-ID: <%s.%s" % (letter, number), to=one)
            for letter in b"0 1 2 3 4 5 6 7 8 9 a b c d e f".split()
        },
        "complaint": bounce_mails.complaint(nothing, about=two),
        "wish": bounce_mails.complaint(nothing, "opt-out", about=three),
        "everybody": failure.replace(b"Final-Recipient", others.encode() + b"Final-Recipient"),
    }
    for name, content in mails.items():
        (back / f"{name}.eml").write_bytes(content)
    found = newsroom.json("bounces", str(back))
    assert found["blocked"] == 18
    assert found["bounced"] == found["complained"] == found["leaves"] == 0
    assert found["about_nobody_here"] == 6
    assert set(states(newsroom).values()) == {"active"}
    assert newsroom.json("report")["bounced"] == {"hard": 0, "soft": 1}


def test_a_mail_in_no_letters_at_all_does_not_keep_others_from_being_read(
    newsroom: Newsroom,
) -> None:
    one, two = addresses(2)
    out = sent(newsroom, 2)
    half = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-7\r\n\r\nHi. This"
    broken = bounce_mails.qmail(out[one]).replace(b"MIME-Version: 1.0\r\n\r\nHi. This", half)
    broken = broken.replace(b"Sorry, ", b"Sorry +2AA- \x00 \xff, ")
    (newsroom.folder / "1.eml").write_bytes(broken)
    (newsroom.folder / "2.eml").write_bytes(bounce_mails.dsn(out[two], words="smtp; \xff\x00 gone"))
    for name, address in (("1.eml", one), ("2.eml", two)):
        assert newsroom.json("bounces", str(newsroom.folder / name))["bounced"] == 1
        assert states(newsroom)[address] == "bounced"


def test_an_mbox_and_a_maildir_are_read_and_what_is_no_place_is_said(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    out = sent(newsroom, 3)
    box = mailbox.mbox(tmp_path / "back.mbox")
    for mail in out.values():
        box.add(bounce_mails.dsn(mail))
    box.close()
    assert newsroom.json("bounces", str(tmp_path / "back.mbox"))["bounced"] == 3
    back = mailbox.Maildir(tmp_path / "Mail")
    for mail in out.values():
        back.add(bounce_mails.dsn(mail))
        back.add_folder("Old").add(bounce_mails.dsn(mail))
    for name in ("dovecot-uidlist", "tmp/half"):
        (tmp_path / "Mail" / name).write_bytes(bounce_mails.dsn(mail))
    found = newsroom.json("bounces", str(tmp_path / "Mail"))
    assert (found["mails"], found["bounced"], found["no_bounces"]) == (6, 6, 0)
    assert "There is no nowhere" in newsroom.run("bounces", "nowhere", status=2).stderr


def test_a_mailbox_is_read_and_only_what_was_stored_is_marked_as_seen(newsroom: Newsroom) -> None:
    out = sent(newsroom, 4)
    one, two, three, four = addresses(4)
    mails = [
        bounce_mails.dsn(out[one]),
        bounce_mails.vacation(two),
        bounce_mails.dsn(out[three]),
        bounce_mails.complaint(out[four]),
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
        for odd in ("imap://[::1", "imap://news@127.0.0.1:99999", "imap://127.0.0.1"):
            assert "Write the mailbox as" in newsroom.run("bounces", odd, status=2).stderr
        named = f"imap://n%C3%BC@127.0.0.1:{box.port}"
        assert "only ASCII" in newsroom.run("bounces", named, status=2).stderr
        nobody = f"imap://news@127.0.0.1:{closed_port()}"
        assert "Connection refused" in newsroom.run("bounces", nobody, status=1).stderr
        for box.refuses in ("UID SEARCH", "UID FETCH"):
            assert "not today" in newsroom.run("bounces", place, status=1).stderr
        box.refuses = "nothing"
        box.breaks_at = 103
        assert "cannot be read" in newsroom.run("bounces", place, status=1).stderr
        assert box.seen == set()
        box.breaks_at = None
        found = newsroom.json("bounces", place)
        assert (found["bounced"], found["complained"], found["no_bounces"]) == (2, 1, 1)
        assert box.seen == {101, 103, 104}
        assert newsroom.json("bounces", place)["mails"] == 1
        assert newsroom.json("bounces", f"{place}/{quote('소식 & b')}")["mails"] == 1
    assert states(newsroom) == {
        one: "bounced", two: "active", three: "bounced", four: "complained"
    }  # fmt: skip
