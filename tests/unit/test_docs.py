"""Nothing that people can use is undocumented."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer.main

from newsletter import config, providers, registry, sources
from newsletter.cli import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def doc(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(typer.main.get_command(app).commands))  # type: ignore[attr-defined]
def test_every_command_is_in_the_readme(name: str) -> None:
    assert re.search(rf"\| `{name}\b", README)


@pytest.mark.parametrize("name", ["import", "export", "add", "remove", "show", "erase"])
def test_every_subscribers_command_is_in_the_readme(name: str) -> None:
    assert name in README


def models() -> dict[str, type]:
    tables = {name: f.annotation for name, f in config.Tables.model_fields.items()}
    tables["dateline"] = config.Dateline
    parts = {f"source {n}": sources.options(n) for n in registry.names("newsletter.sources")}
    parts |= {f"provider {n}": providers.options(n) for n in registry.names("newsletter.providers")}
    return tables | parts  # type: ignore[return-value]


@pytest.mark.parametrize(("name", "model"), models().items())
def test_every_setting_is_documented(name: str, model: type) -> None:
    text = doc("configuration.md")
    for key, field in model.model_fields.items():  # type: ignore[attr-defined]
        assert f"`{field.alias or key}`" in text, f"{key} of {name}"


@pytest.mark.parametrize("name", registry.names("newsletter.check"))
def test_every_check_is_documented(name: str) -> None:
    assert f"| `{name}` |" in doc("checks.md")


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = doc("dependencies.md").lower()
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        name = re.split(r"[<>=[]", requirement)[0].removeprefix("pytest-")
        assert name in text


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
