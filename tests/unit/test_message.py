from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.links import tokens
from newsletter.links.tokens import fill
from newsletter.message import check, list_headers, mail, mime, slug, wire_address
from tests.sample_sends import a_recipient, a_send

AT = datetime(2025, 7, 7, 14, 0, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
ONE_LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=SMTPUTF8)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def part(message: EmailMessage, subtype: str) -> bytes:
    found = message.get_body((subtype,))
    assert found is not None
    payload = found.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def test_a_mail_is_ascii_in_short_lines_and_exact_when_decoded() -> None:
    send, recipient = a_send(), a_recipient()
    content = mail(send, recipient, AT)
    assert content.isascii()
    long = [line for line in content.split(b"\r\n") if len(line) > 76]
    assert [line[:18] for line in long] == [b"List-Unsubscribe: "]  # a link is never folded
    assert b"\n" not in content.replace(b"\r\n", b"")
    message = parsed(content)
    assert message.get_content_type() == "multipart/alternative"
    kinds = [(p.get_content_type(), p.get_content_charset()) for p in message.iter_parts()]
    assert kinds == [("text/plain", "us-ascii"), ("text/html", "utf-8")]
    assert part(message, "html") == fill(send.html, recipient.tokens).encode()
    assert part(message, "plain") == fill(send.text, recipient.tokens).encode()
    assert not message.is_attachment()


@settings(deadline=None)
@given(html=ANY_TEXT)
def test_any_html_survives(html: str) -> None:
    message = parsed(mail(a_send(html=html), a_recipient(), AT))
    assert part(message, "html") == html.encode()


TOKENS = st.sampled_from([*tokens.MEANING, "ndx-unknown-xdn", "NDX-A-XDN", "ndx-", "-xdn"])
DENSE = st.text("가나다한국어 é", max_size=200)  # shorter in base64
PLAIN = st.text("ab =.\t\r\n-", max_size=200)  # shorter in quoted-printable
WITH_TOKENS = st.lists(st.one_of(ANY_TEXT, DENSE, PLAIN, TOKENS), max_size=12).map("".join)
VALUES = st.fixed_dictionaries(dict.fromkeys(tokens.MEANING, st.one_of(ANY_TEXT, DENSE, PLAIN)))


@settings(max_examples=300, deadline=None)
@given(html=WITH_TOKENS, text=WITH_TOKENS, values=VALUES)
def test_filled_in_its_encoded_form_it_is_the_filled_text_byte_for_byte(
    html: str, text: str, values: dict[str, str]
) -> None:
    send = a_send(html=html, text=text)
    content = mail(send, a_recipient(tokens=values), AT)
    message = parsed(content)
    for subtype, frozen in (("html", html), ("plain", text)):
        filled = fill(frozen, values)
        assert part(message, subtype) == filled.encode()
        charset = "us-ascii" if filled.isascii() else "utf-8"
        assert message.get_body((subtype,)).get_content_charset() == charset  # type: ignore[union-attr]
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    body = content.partition(b"\r\n\r\n")[2]
    assert all(len(line) <= 76 and not line.endswith((b" ", b"\t")) for line in body.split(b"\r\n"))


@pytest.mark.parametrize(
    ("html", "name"), [("<p>words</p>" * 9, "quoted-printable"), ("소식을 전합니다" * 9, "base64")]
)
def test_each_part_has_the_shorter_encoding(html: str, name: str) -> None:
    content = mail(a_send(html=html + tokens.GREETING_HTML), a_recipient(), AT)
    found = parsed(content).get_body(("html",))
    assert found is not None
    assert found["Content-Transfer-Encoding"] == name


def test_readers_of_one_send_and_two_sends_by_turns_do_not_mix() -> None:
    for number in range(30):
        send, reader = a_send(html=f"{number} {tokens.GREETING_HTML}"), a_recipient(number)
        body = part(parsed(mail(send, reader, AT)), "html").decode()
        assert body == f"{number} Dear Reader {number}"
    assert mime._prepare.cache_info().currsize <= 4


@settings(deadline=None)
@given(name=ONE_LINE, subject=ONE_LINE)
def test_any_name_and_subject_survive(name: str, subject: str) -> None:
    send = a_send(subject=subject, newsletter=name)
    content = mail(send, a_recipient(name=name), AT)
    message = parsed(content)
    (to,) = message["To"].addresses
    assert to.addr_spec == "reader1@example.com"
    # Python's parser puts a space between two encoded words of a name, against RFC 2047.
    assert "".join(to.display_name.split()) == "".join(name.split())
    assert str(message["Subject"]).split() == subject.split()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))


@pytest.mark.parametrize(
    "name",
    [
        "김철수",
        '김, "철수" <k>',
        "José Núñez; et al.",
        'Robert "Bob" O\\Neil, Jr.',
        "=?utf-8?q?x?=",
    ],
)
def test_names_are_encoded_right_in_every_header(name: str) -> None:
    # The headers of the raw bytes are read here, as no parser's kindness counts.
    send = a_send(
        sender=_quoted(name, "briefing@example.com"), reply_to=_quoted(name, "desk@example.com")
    )
    message = parsed(mail(send, a_recipient(name=name), AT))
    for header, address in (
        ("To", "reader1@example.com"),
        ("From", "briefing@example.com"),
        ("Reply-To", "desk@example.com"),
    ):
        (mailbox,) = message[header].addresses
        assert (mailbox.display_name, mailbox.addr_spec) == (name, address)


def _quoted(name: str, address: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'


def test_the_headers_of_a_list() -> None:
    link = "https://briefing.example.com/unsubscribe/" + "t" * 150
    message = parsed(mail(a_send(), a_recipient(unsubscribe_url=link), AT))
    assert message["List-Unsubscribe"] == (
        f"<{link}>, <mailto:desk@example.com?subject=unsubscribe>"
    )
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "Katchup Briefing <weekly.example.com>"
    assert message["Date"] == "Mon, 07 Jul 2025 14:00:00 +0000"
    assert message["Message-ID"] == "<0123456789abcdef.1@example.com>"
    assert "Precedence" not in message


def test_one_click_is_promised_only_for_https() -> None:
    http = list_headers(a_send(reply_to=None))("http://127.0.0.1:8000/u/1")
    assert http == {
        "List-Unsubscribe": "<http://127.0.0.1:8000/u/1>, "
        "<mailto:briefing@example.com?subject=unsubscribe>"
    }
    mailto = "mailto:desk@example.com?subject=unsubscribe"
    assert list_headers(a_send())(mailto) == {"List-Unsubscribe": f"<{mailto}>"}


def test_the_same_delivery_has_the_same_bytes_and_id() -> None:
    assert mail(a_send(), a_recipient(), AT) == mail(a_send(), a_recipient(), AT)
    first, second = (
        parsed(mail(a_send(test=True), a_recipient(), moment))["Message-ID"]
        for moment in (AT, AT.replace(minute=1))
    )
    assert first != second


@pytest.mark.parametrize("bad", ["a\r\nBcc: x@example.com", "a\nb", "a\x00", "a\u2028b", "\ud800"])
def test_control_characters_are_refused_in_every_header(bad: str) -> None:
    recipient = a_recipient()
    for changed in (
        replace(recipient, name=bad),
        replace(recipient, email=f"{bad}@example.com"),
        replace(recipient, email=f"reader@{bad}.example.com"),
        replace(recipient, unsubscribe_url=f"https://example.com/{bad}"),
        replace(recipient, tokens={"ndx-greeting-text-xdn": bad}),
    ):
        with pytest.raises(ValueError, match=r"address|link|character"):
            mail(a_send(subject="Hello ndx-greeting-text-xdn"), changed, AT)
    for field in ("subject", "newsletter", "sender", "reply_to"):
        with pytest.raises(ValueError, match=r"control character"):
            check(a_send(**{field: bad}))


@pytest.mark.parametrize(
    "email",
    ["", "a", "@b.test", "a@", "a b@c.test", "a@b,c@d.test", "<a@b.test>", "a@b..test", "a@b＠c"],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(ValueError, match="address"):
        wire_address(email)


def test_addresses_beyond_ascii() -> None:
    assert wire_address("kim@한국.test") == "kim@xn--3e0b707e.test"
    content = mail(a_send(), a_recipient(email="철수@한국.test"), AT)
    assert "To: Reader 1 <철수@xn--3e0b707e.test>\r\n".encode() in content


def test_slugs_are_ascii_and_never_empty() -> None:
    assert slug("Katchup Briefing — L.A.") == "katchup-briefing-l-a"
    assert slug("주간 소식").startswith("n-")
    assert slug("주간 소식") != slug("주간 뉴스")
