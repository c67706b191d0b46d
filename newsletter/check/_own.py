"""Checks of the newsroom's own. A failure in one is a finding, not an exception."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from newsletter import registry
from newsletter.model import Finding, Level

if TYPE_CHECKING:
    from newsletter.check import Mail


def findings(name: str, mail: Mail) -> Iterator[Finding]:
    """The findings of the check ``package.module:function``, or an error finding if it fails."""
    try:
        registry.make_importable(mail.config.folder, name)
        check = registry.load_function(name)
    except LookupError as error:
        yield _broken(name, f"{error}.")
        return
    try:
        for finding in check(mail):
            if fault := _fault(finding):
                yield _broken(name, f"The check {name} gave {fault}.")
            else:
                yield finding
    except (Exception, SystemExit) as error:  # noqa: BLE001 - code from outside
        yield _broken(name, f"The check {name} failed: {registry.describe(error, name)}.")


def _fault(finding: object) -> str | None:
    if not isinstance(finding, Finding):
        return f"a {type(finding).__name__} instead of a Finding"
    if field := registry.mistyped_field(finding):
        return f"a Finding with {field} = {getattr(finding, field)!r}"
    return None


def _broken(name: str, message: str) -> Finding:
    remedy = "Correct it, or remove it from own under [checks] in newsletter.toml."
    return Finding(Level.ERROR, "own", message, remedy, place=name)
