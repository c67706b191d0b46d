"""Providers of one's own: what is wrong with them is said before a mail goes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsletter import config, providers
from newsletter.config import ProviderOptions
from newsletter.errors import ConfigError
from newsletter.model import Answer, Outcome, Recall, Recipient, Send
from newsletter.providers import Interruptible, Parallel, Recalls

HERE = "tests.unit.test_outside_providers"


class Plain:
    """All that a provider needs. ``FAULT`` is what building it raises."""

    class Options(ProviderOptions):
        """No keys of its own."""

    FAULT: BaseException | None = None

    def __init__(self, options: Options, folder: Path) -> None:
        if self.FAULT:
            raise self.FAULT
        self.batch_size: Any = options.batch_size or 10

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        return Outcome.all(batch, Answer.ACCEPTED)


class Able(Plain):
    """Can all that a provider may."""

    workers: Any = 3
    processes: Any = None
    recall_margin: Any = timedelta(minutes=5)
    most_recalls: Any = 2

    def stop_on(self, event: threading.Event) -> None:
        pass

    def open_batch(self, batch: Sequence[Recipient]) -> str | None:
        return None

    def recall(self, recall_id: str) -> Recall:
        return Recall(False)


def build(name: str) -> providers.Provider:
    type_ = f"{HERE}:{name}"
    return providers.build(providers.options(type_)(type=type_), Path())


def test_what_a_provider_can_is_what_it_has() -> None:
    plain, able = build("Plain"), build("Able")
    for capability in (Parallel, Interruptible, Recalls):
        assert not isinstance(plain, capability)
        assert isinstance(able, capability)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (KeyError("key"), r"creating it raised KeyError: 'key' \(test_outside_providers.py, line "),
        (SystemExit(3), "creating it raised SystemExit: 3"),
        (ConfigError("PIGEON_KEY is not set."), "^PIGEON_KEY is not set.$"),
    ],
)
def test_whatever_building_it_raises_is_one_clear_error(
    fault: BaseException, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plain, "FAULT", fault)
    with pytest.raises(ConfigError, match=reason):
        build("Plain")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("workers", 0),
        ("workers", "4"),
        ("workers", True),
        ("processes", 0),
        ("processes", 1.5),
        ("recall_margin", 600),
        ("most_recalls", 0),
    ],
)
def test_a_capability_with_a_value_that_is_none(
    attribute: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Able, attribute, value)
    with pytest.raises(ConfigError, match=f"cannot be used: its {attribute} is {value!r}, not"):
        build("Able")


@pytest.mark.parametrize("value", [0, "10", None, True])
def test_a_provider_needs_a_batch_size(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plain, "__init__", lambda self, *_: setattr(self, "batch_size", value))
    with pytest.raises(ConfigError, match="its batch_size is"):
        build("Plain")


def test_a_name_that_the_database_cannot_hold(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(f'[provider]\ntype = "{"a" * 99}:B"\n')
    with pytest.raises(ConfigError, match=r"provider\.type: String should have at most 100"):
        config.load(tmp_path, lambda _: config.SourceOptions, lambda _: ProviderOptions)
