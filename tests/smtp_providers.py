"""SMTP providers for the tests of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from newsletter.providers.smtp import SmtpProvider

Build = Callable[..., SmtpProvider]


@contextlib.contextmanager
def smtp_providers() -> Iterator[Build]:
    """What makes providers for a port of 127.0.0.1; all are closed in the end."""
    with contextlib.ExitStack() as opened:

        def provider_for(port: int, **options: Any) -> SmtpProvider:
            given = {"type": "smtp", "host": "127.0.0.1", "port": port, "security": "none"}
            chosen = SmtpProvider.Options.model_validate({**given, **options})
            provider = SmtpProvider(chosen, Path())
            opened.callback(provider.close)
            return provider

        yield provider_for
