"""A mail for one recipient, as bytes or as the pieces that a service's own format needs."""

from newsletter.message.delivery_ids import Ids, ids, read_ids, shared_ids
from newsletter.message.headers import link, list_headers, one_line, slug, wire_address
from newsletter.message.mime import PreparedSend, check, mail, prepare

__all__ = [
    "Ids",
    "PreparedSend",
    "check",
    "ids",
    "link",
    "list_headers",
    "mail",
    "one_line",
    "prepare",
    "read_ids",
    "shared_ids",
    "slug",
    "wire_address",
]
