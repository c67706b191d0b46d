"""What stands in the place of SendGrid; previews to look at, and the browser that does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import launched
from tests.e2e.preview_process import Preview, newsroom, previewing
from tests.e2e.servers import SendgridServer, sendgrid_server
from tests.patient import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def server() -> Iterator[SendgridServer]:
    """It takes every mail, until a test says otherwise."""
    with sendgrid_server() as opened:
        yield opened


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """For one test after the other: elsewhere an event loop may run, which playwright forbids."""
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preview]:
    """A preview whose files no test changes."""
    with previewing(newsroom(tmp_path_factory.mktemp("calm"))) as preview:
        yield preview


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Preview]:
    """A preview of a newsroom of one's own."""
    with previewing(newsroom(tmp_path)) as preview:
        yield preview
