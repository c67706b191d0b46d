from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.providers import _message
from newsletter.tokens import fill
from tests.letters import a_recipient, a_send

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
    content = _message.mail(send, recipient, AT)
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


@given(html=ANY_TEXT)
def test_any_html_survives(html: str) -> None:
    message = parsed(_message.mail(a_send(html=html), a_recipient(), AT))
    assert part(message, "html") == html.encode()


@given(name=ONE_LINE, subject=ONE_LINE)
def test_any_name_and_subject_survive(name: str, subject: str) -> None:
    send = a_send(subject=subject, newsletter=name)
    content = _message.mail(send, a_recipient(name=name), AT)
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
    message = parsed(_message.mail(send, a_recipient(name=name), AT))
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
    message = parsed(_message.mail(a_send(), a_recipient(unsubscribe_url=link), AT))
    assert message["List-Unsubscribe"] == (
        f"<{link}>, <mailto:desk@example.com?subject=unsubscribe>"
    )
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "Katchup Briefing <weekly.example.com>"
    assert message["Date"] == "Mon, 07 Jul 2025 14:00:00 +0000"
    assert message["Message-ID"] == "<0123456789abcdef.1@example.com>"
    assert "Precedence" not in message


def test_one_click_is_promised_only_for_https() -> None:
    http = a_recipient(unsubscribe_url="http://127.0.0.1:8000/u/1")
    headers = _message.list_headers(a_send(reply_to=None), http)
    assert headers == {
        "List-Unsubscribe": "<http://127.0.0.1:8000/u/1>, "
        "<mailto:briefing@example.com?subject=unsubscribe>"
    }
    mailto = a_recipient(unsubscribe_url="mailto:desk@example.com?subject=unsubscribe")
    assert _message.list_headers(a_send(), mailto) == {
        "List-Unsubscribe": "<mailto:desk@example.com?subject=unsubscribe>"
    }


def test_the_same_delivery_has_the_same_bytes_and_id() -> None:
    assert _message.mail(a_send(), a_recipient(), AT) == _message.mail(a_send(), a_recipient(), AT)
    first, second = (
        parsed(_message.mail(a_send(test=True), a_recipient(), moment))["Message-ID"]
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
            _message.mail(a_send(subject="Hello ndx-greeting-text-xdn"), changed, AT)
    for field in ("subject", "newsletter", "sender", "reply_to"):
        with pytest.raises(ValueError, match=r"control character"):
            _message.check(a_send(**{field: bad}))


@pytest.mark.parametrize(
    "email",
    ["", "a", "@b.test", "a@", "a b@c.test", "a@b,c@d.test", "<a@b.test>", "a@b..test", "a@b＠c"],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(ValueError, match="address"):
        _message.wire_address(email)


def test_addresses_beyond_ascii() -> None:
    assert _message.wire_address("kim@한국.test") == "kim@xn--3e0b707e.test"
    content = _message.mail(a_send(), a_recipient(email="철수@한국.test"), AT)
    assert "To: Reader 1 <철수@xn--3e0b707e.test>\r\n".encode() in content


def test_slugs_are_ascii_and_never_empty() -> None:
    assert _message.slug("Katchup Briefing — L.A.") == "katchup-briefing-l-a"
    assert _message.slug("주간 소식").startswith("n-")
    assert _message.slug("주간 소식") != _message.slug("주간 뉴스")
