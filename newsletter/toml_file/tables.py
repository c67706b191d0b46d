"""TOML files that people write: read them, and say every fault at once in plain words."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from newsletter.errors import NewsletterError


class Table(BaseModel):
    """A table of such a file: unknown keys are faults, and nothing changes it afterwards."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        populate_by_name=True,
        coerce_numbers_to_str=False,
    )


_Model = TypeVar("_Model", bound=Table)


def read(path: Path, error: type[NewsletterError]) -> dict[str, Any]:
    """The file's tables; raises ``error`` where it is not valid TOML."""
    return parse(path, read_text(path, error), error)


def read_text(path: Path, error: type[NewsletterError]) -> str:
    """The text of a file that people write; raises ``error`` where it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        line = fault.object.count(b"\n", 0, fault.start) + 1
        raise error(f"{path}, line {line}, is not UTF-8 text. Save the file as UTF-8.") from None
    except OSError as fault:
        raise error(f"{path} cannot be read: {fault.strerror}. Look at its permissions.") from None


def parse(path: Path, text: str, error: type[NewsletterError]) -> dict[str, Any]:
    """The tables of the file's text; raises ``error`` where it is not valid TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise error(f"{path} is not valid TOML: {fault}. Mend that line.") from None


def report(path: Path, faults: list[str]) -> str:
    """The one message for all faults of a file."""
    what = "1 error" if len(faults) == 1 else f"{len(faults)} errors"
    return "\n".join([f"{path} has {what}:", *(f"  {fault}" for fault in faults)])


def validated(
    model: type[_Model],
    raw: dict[str, Any],
    place: str,
    faults: list[str],
    others: Collection[str] = (),
) -> _Model | None:
    """``raw`` as the model, or None with its faults added to the list.

    ``others``: keys that the file may have although the model does not ("alerts.provider"); an
    unknown key may be meant for one of them.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        for fault in error.errors():
            where = _place(place, fault["loc"])
            message = _message(fault, model, others)
            faults.append(f"{where}: {message}" if where else message)
        return None


def _place(beginning: str, path: tuple[str | int, ...]) -> str:
    """``sections[2].title``: tables of a list are counted as people do."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    return (beginning + "".join(parts)).removeprefix(".")


_INTEGER = "expected a whole number, such as 3"
_PLAIN = {  # where pydantic speaks of Python's types
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_from_float": _INTEGER,
    "float_type": "expected a number, such as 34.05",
    "float_parsing": "expected a number, such as 34.05",
    "string_type": 'expected words in quotation marks, such as "…"',
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
}


def _message(fault: Any, model: type[BaseModel], others: Collection[str]) -> str:
    """One fault in plain words."""
    if fault["type"] == "missing":
        return "is missing; it is needed"
    if fault["type"] == "extra_forbidden":
        *table, key = map(str, fault["loc"])
        keys = _keys(model, fault["loc"][:-1])
        keys += [name for *path, name in (other.split(".") for other in others) if path == table]
        close = difflib.get_close_matches(key, keys, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"known keys are {', '.join(keys)}"
        return f"unknown key; {hint}"
    if fault["type"] == "tuple_type":
        return 'expected a list, such as ["…"]'
    if fault["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        return "expected a table"
    message = str(fault["msg"]).removeprefix("Value error, ")
    message = _PLAIN.get(fault["type"]) or message.replace("Input should be", "expected")
    got = fault.get("input")
    return f"{message}; it says {got!r}" if isinstance(got, str | int | float | bool) else message


def _keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    for part in path:
        found = model.model_fields[part].annotation if part in model.model_fields else None
        inner = [a for a in (found, *getattr(found, "__args__", ())) if isinstance(a, type)]
        model = next((a for a in inner if issubclass(a, BaseModel)), model)
    return [field.alias or name for name, field in model.model_fields.items()]
