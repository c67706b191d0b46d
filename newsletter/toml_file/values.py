"""The types of values in newsletter.toml, each with a message that gives an example."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"\s*(\d{1,5})\s*([mhdw])\s*", str(value))
    if not match:
        raise ValueError('expected a duration, such as "30m", "6h" or "2d"')
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[match[2]]
    return timedelta(**{unit: int(match[1])})


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise ValueError('expected a day, such as "2025-12-25"')


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError('expected a time zone, such as "America/Los_Angeles"') from error
    return value


def mailbox(value: str) -> str:
    """The value, if it is one mail address. Raises ValueError otherwise."""
    address = parseaddr(value)[1]
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+", address) or "\n" in value:
        raise ValueError('expected an address, such as "Name <name@example.com>"')
    return value


def _base_url(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError('expected the address of the public pages, such as "https://…"')
    return value.rstrip("/")


def _web_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+\S*", value):
        raise ValueError('expected a web address, such as "https://…"')
    return value


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError('expected a colour of six hexadecimal digits, such as "#9b1c2e"')
    return value.lower()


def _function_name(value: str) -> str:
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", value):
        raise ValueError('expected the name of a function, such as "ourhouse:check"')
    return value


def _network(value: object) -> object:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    with suppress(ValueError):
        return ip_network(str(value))
    raise ValueError('expected an address or a network, such as "10.0.0.0/8"')


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Day = Annotated[date, BeforeValidator(_day)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
ZoneName = Annotated[str, AfterValidator(_zone)]
Mailbox = Annotated[str, AfterValidator(mailbox)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
FunctionName = Annotated[str, AfterValidator(_function_name)]
Colour = Annotated[str, AfterValidator(_colour)]
