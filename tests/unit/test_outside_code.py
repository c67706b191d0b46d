"""Sources and checks of one's own: what is wrong with them is said, and costs no week."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter import config, providers, sources
from newsletter.errors import ConfigError

_NUMBERS = itertools.count(1)
SOURCE = """
from newsletter.config import SourceOptions

class Source:
    class Options(SourceOptions):
        url: str
    def __init__(self, options, around):
        pass
    def fetch(self, window):
        return []
"""
NEWSLETTER = """
[newsletter]
name = "Weekly"
from = "desk@example.com"
address = "1 Example Street"

[[sources]]
type = "{type}"
url = "https://www.example.com/"
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Path]:
    """A Python file beside newsletter.toml, under a name that no other test uses."""
    before = list(sys.path)
    yield tmp_path / f"our_house_{next(_NUMBERS)}.py"
    sys.path[:] = before


def load(module: Path, attribute: str = "Source") -> config.Config:
    text = NEWSLETTER.format(type=f"{module.stem}:{attribute}")
    (module.parent / "newsletter.toml").write_text(text)
    return config.load(module.parent, sources.options, providers.options)


def test_a_class_beside_newsletter_toml_is_a_source(module: Path) -> None:
    module.write_text(SOURCE)
    assert load(module).sources[0].name == "https://www.example.com/"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise ValueError('no key')", "cannot be loaded: ValueError: no key ({file}, line 1)"),
        ("import sys\nsys.exit(3)", "cannot be loaded: SystemExit: 3 ({file}, line 2)"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError: division by zero ({file}, line 1)"),
        ("def broken(:", "cannot be loaded: SyntaxError: invalid syntax ({file}, line 1)"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("x = 1", "{file} has no 'Source'"),
        ("Source = 3", "cannot be used: it is 3, not a class"),
        ("class Source: pass", "it needs a class Options that derives from SourceOptions"),
        ("class Source:\n  class Options: pass", "needs a class Options that derives from Source"),
        (SOURCE.replace("def fetch", "def fetches"), "cannot be used: it needs a method fetch"),
    ],
)
def test_what_is_wrong_with_a_class_is_one_clear_error(
    module: Path, code: str, expected: str
) -> None:
    module.write_text(code)
    with pytest.raises(ConfigError) as caught:
        load(module)
    said = str(caught.value)
    assert f"sources[1].type: {module.stem}:Source " in said
    assert expected.format(file=module.name) in said
    assert said.count("\n") == 1


def test_options_that_raise_are_one_clear_error(module: Path) -> None:
    validator = (
        "        url: str\n        @pydantic.model_validator(mode='after')\n"
        "        def _check(self): return 1 / 0\n"
    )
    module.write_text("import pydantic\n" + SOURCE.replace("        url: str\n", validator))
    with pytest.raises(ConfigError) as caught:
        load(module)
    expected = f"the Options of {module.stem}:Source failed: ZeroDivisionError: division by zero"
    assert f"sources[1]: {expected} ({module.name}, line " in str(caught.value)


def test_a_module_that_is_nowhere(module: Path) -> None:
    with pytest.raises(ConfigError, match=f"No module named '{module.stem}'"):
        load(module)


@pytest.mark.parametrize("name", ["json", "sys", "html"])
def test_a_file_never_stands_before_an_installed_module(module: Path, name: str) -> None:
    file = module.with_stem(name)
    file.write_text(SOURCE)
    with pytest.raises(ConfigError, match=rf"{name}\.py has the name of .*give it another name"):
        load(file)


def test_two_newsletters_with_a_module_of_the_same_name(module: Path, tmp_path: Path) -> None:
    module.write_text(SOURCE)
    load(module)
    other = tmp_path / "other" / module.name
    other.parent.mkdir()
    other.write_text(SOURCE)
    with pytest.raises(ConfigError, match=r"has the name of .*give it another name"):
        load(other)
