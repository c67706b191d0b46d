"""The temperature under the masthead, from Open-Meteo or a service with the same API."""

from __future__ import annotations

import json
from datetime import date
from urllib.parse import urlencode

from newsletter.config import Dateline as Place
from newsletter.errors import FetchError
from newsletter.http import Fetcher
from newsletter.model import Dateline

_UNITS = {"F": "fahrenheit", "C": "celsius"}
_ON_EARTH = 150  # the limit in either unit; anything beyond it is an error of the service


def fetch(place: Place, fetcher: Fetcher, day: date) -> Dateline:
    """City, date and the current temperature; without coordinates, no temperature.

    Raises FetchError if the service cannot be reached or its answer has no temperature.
    """
    if place.latitude is None or place.longitude is None:
        return Dateline(place.city, date=day)
    query = urlencode(
        {
            "latitude": place.latitude,
            "longitude": place.longitude,
            "current": "temperature_2m",
            "temperature_unit": _UNITS[place.unit],
        }
    )
    answer = fetcher.get(f"{place.url}{'&' if '?' in place.url else '?'}{query}")
    return Dateline(place.city, _temperature(answer.body, place.url), place.unit, day)


def _temperature(body: bytes, url: str) -> float:
    try:
        temperature = json.loads(body)["current"]["temperature_2m"]
    except (ValueError, KeyError, TypeError, RecursionError):
        temperature = None
    is_number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if not (is_number and abs(temperature) <= _ON_EARTH):
        raise FetchError(
            f"{url} does not say the temperature (current.temperature_2m); look at url in "
            f"[dateline]."
        )
    return float(temperature)
