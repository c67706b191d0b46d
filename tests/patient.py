"""Waiting for what should happen soon, until it is plain that something hangs.

No test is about speed, which ``make bench`` measures: a busy machine may take its time.
"""

from functools import partial

import httpx

PATIENCE = 300.0  # seconds

get = partial(httpx.get, timeout=PATIENCE)
post = partial(httpx.post, timeout=PATIENCE)
