"""Subscribers as CSV files: what people bring in, line by line, and what they take out.

``decoding`` finds the letters, ``records`` the cells, ``columns`` and ``states`` what they mean,
``addresses`` the normal forms; ``reading`` puts them together. ``writing`` is the way back.
"""

from newsletter.subscriber_csv.addresses import clean_name, normalised
from newsletter.subscriber_csv.reading import Row, SubscriberFile, opened
from newsletter.subscriber_csv.writing import HEADER, write

__all__ = ["HEADER", "Row", "SubscriberFile", "clean_name", "normalised", "opened", "write"]
