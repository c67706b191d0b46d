"""Fixtures for every kind of test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.newsroom import Newsroom, make

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The test data made by others, which does not belong to the project."""
    folder = Path(os.environ.get("NEWSLETTER_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the shared test data is not on this machine")
    return folder


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    """A newsroom with one feed of three headlines, three minutes from its first issue."""
    return make(tmp_path)
