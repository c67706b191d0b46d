"""Subscribers as CSV files: read what other programs export, and write such files.

``encoding`` detects the character encoding, ``records`` splits lines into cells, ``columns`` and
``statuses`` tell what the cells mean, and ``addresses`` gives the form in which addresses and
names are stored. ``subscriber_file`` combines these; ``export`` writes.
"""

from newsletter.subscriber_csv.addresses import clean_name, normalize_address
from newsletter.subscriber_csv.export import HEADER, write
from newsletter.subscriber_csv.subscriber_file import Row, SubscriberFile, open_subscribers

__all__ = [
    "HEADER",
    "Row",
    "SubscriberFile",
    "clean_name",
    "normalize_address",
    "open_subscribers",
    "write",
]
