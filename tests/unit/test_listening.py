from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from newsletter.errors import UsageError
from newsletter.web.listening import listen


@contextmanager
def nobody() -> Iterator[None]:
    """Without the rights of root, where the tests have them."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_port_of_roots_is_refused_in_words() -> None:
    with nobody(), pytest.raises(UsageError) as refused:
        listen("127.0.0.1", 1, option="--health").close()
    assert str(refused.value) == (
        "Cannot listen on 127.0.0.1:1: permission denied. Ports below 1024 usually need root; "
        "choose a higher one with --health."
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "no such host"])
def test_an_address_of_elsewhere_is_refused_in_words(host: str) -> None:
    with pytest.raises(UsageError, match=r"no such address\. Choose another --host"):
        listen(host, 0, option="--port").close()
