"""Whose request it is: which network, whom to believe about it, and whose page sent a form."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from newsletter.web.public.client_network import client_network, is_cross_site

TRUSTED = (ip_network("127.0.0.0/8"), ip_network("10.1.0.0/16"), ip_network("::1"))
BASE = "https://news.example.com/letter"


def request(peer: str | None, *headers: tuple[str, str]) -> Request:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    client = (peer, 1234) if peer else None
    return Request({"type": "http", "headers": raw, "client": client, "method": "POST"})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", [], "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", [], "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", [], "203.0.113.0/24"),
        # Nobody believes a stranger.
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.0/24"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.0/24"),
        # What stands left of the first stranger was written by the stranger.
        ("127.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.0/24"),
        ("127.0.0.1", ["1.1.1.1, 198.51.100.1, 10.1.2.3"], "198.51.100.0/24"),
        ("127.0.0.1", ["1.1.1.1", "198.51.100.1", "10.1.2.3"], "198.51.100.0/24"),
        ("127.0.0.1", ["10.1.2.3"], "10.1.2.0/24"),
        ("127.0.0.1", ["198.51.100.1:5555"], "198.51.100.0/24"),
        ("127.0.0.1", ["[2001:db8::9]:443"], "2001:db8::/64"),
        ("127.0.0.1", ["fe80::1%eth0"], "fe80::/64"),
        # What is no address ends the search, and gives nobody a client_network of their own.
        ("127.0.0.1", ["198.51.100.1, garbage"], "127.0.0.0/24"),
        ("127.0.0.1", ["' or 1=1 --"], "127.0.0.0/24"),
        ("127.0.0.1", [""], "127.0.0.0/24"),
        ("127.0.0.1", ["1.2.3.4.5.6, ١٢٧.٠.٠.١".encode().decode("latin-1")], "127.0.0.0/24"),
        (None, ["198.51.100.1"], "nowhere"),
        ("a socket", ["198.51.100.1"], "nowhere"),
    ],
)
def test_the_network_is_that_of_whom_a_trusted_proxy_has_seen(
    peer: str | None, forwarded: list[str], expected: str
) -> None:
    headers = [("x-forwarded-for", value) for value in forwarded]
    assert client_network(request(peer, *headers), TRUSTED) == expected


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, False),
        ({"sec-fetch-site": "same-site", "origin": "https://www.example.com"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://news.example.com"}, True),
        ({"origin": "https://news.example.com"}, False),
        ({"origin": "http://127.0.0.1:8080", "host": "127.0.0.1:8080"}, False),
        ({"origin": "https://elsewhere.example"}, True),
        ({"origin": "https://news.example.com.elsewhere.example"}, True),
        ({"origin": "garbage"}, True),
        ({"origin": "http://[broken"}, True),
        ({"origin": "null"}, False),
    ],
)
def test_a_form_of_another_site_is_known_by_what_browsers_say(
    headers: dict[str, str], foreign: bool
) -> None:
    assert is_cross_site(request("127.0.0.1", *headers.items()), BASE) is foreign
