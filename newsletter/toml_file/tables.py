"""Read TOML files that people write, and report all their errors at once in plain words."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from newsletter.errors import NewsletterError


class Table(BaseModel):
    """A table of such a file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        populate_by_name=True,
        coerce_numbers_to_str=False,
    )


_Model = TypeVar("_Model", bound=Table)


def read(path: Path, error: type[NewsletterError]) -> dict[str, Any]:
    """The tables of a file. Raises ``error`` when it is not valid TOML."""
    return parse(path, read_text(path, error), error)


def read_text(path: Path, error: type[NewsletterError]) -> str:
    """The text of a file. Raises ``error`` when it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        line = fault.object.count(b"\n", 0, fault.start) + 1
        raise error(f"{path}, line {line}, is not UTF-8 text. Save the file as UTF-8.") from None
    except OSError as fault:
        raise error(f"{path} cannot be read: {fault.strerror}. Check its permissions.") from None


def parse(path: Path, text: str, error: type[NewsletterError]) -> dict[str, Any]:
    """The tables in the text of a file. Raises ``error`` when it is not valid TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise error(f"{path} is not valid TOML: {fault}. Correct that line.") from None


def error_message(path: Path, faults: list[str]) -> str:
    """One message for all errors of a file."""
    count = "1 error" if len(faults) == 1 else f"{len(faults)} errors"
    return "\n".join([f"{path} has {count}:", *(f"  {fault}" for fault in faults)])


def validate(
    model: type[_Model],
    raw: dict[str, Any],
    place: str,
    faults: list[str],
    other_keys: Collection[str] = (),
) -> _Model | None:
    """``raw`` as a model; None if it has errors, which are added to ``faults``.

    ``place`` precedes the key in messages, such as ``sections[2]``. ``other_keys`` are keys of
    the file that the model lacks, such as ``alerts.provider``; suggestions include them.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        for fault in error.errors():
            key = _key(place, fault["loc"])
            message = _message(fault, model, other_keys)
            faults.append(f"{key}: {message}" if key else message)
        return None


def _key(place: str, path: tuple[str | int, ...]) -> str:
    """The key in full, such as ``sections[2].title``; lists count from 1."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    return (place + "".join(parts)).removeprefix(".")


_INTEGER = "expected a whole number, such as 3"
_PLAIN = {  # where pydantic's message names Python types
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_from_float": _INTEGER,
    "float_type": "expected a number, such as 34.05",
    "float_parsing": "expected a number, such as 34.05",
    "string_type": 'expected text in quotation marks, such as "…"',
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
}


def _message(fault: Any, model: type[BaseModel], other_keys: Collection[str]) -> str:
    """One error in plain words."""
    if fault["type"] == "missing":
        return "is missing; it is required"
    if fault["type"] == "extra_forbidden":
        *table, key = map(str, fault["loc"])
        keys = _keys(model, fault["loc"][:-1])
        keys += [name for *path, name in (full.split(".") for full in other_keys) if path == table]
        matches = difflib.get_close_matches(key, keys, n=1)
        hint = f'did you mean "{matches[0]}"?' if matches else f"known keys are {', '.join(keys)}"
        return f"unknown key; {hint}"
    if fault["type"] == "tuple_type":
        return 'expected a list, such as ["…"]'
    if fault["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        return "expected a table"
    message = str(fault["msg"]).removeprefix("Value error, ")
    message = _PLAIN.get(fault["type"]) or message.replace("Input should be", "expected")
    value = fault.get("input")
    return f"{message}; it is {value!r}" if isinstance(value, str | int | float | bool) else message


def _keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The keys of the table at ``path``."""
    for part in path:
        field = model.model_fields.get(part)
        annotation = field.annotation if field else None
        types = [
            a for a in (annotation, *getattr(annotation, "__args__", ())) if isinstance(a, type)
        ]
        model = next((a for a in types if issubclass(a, BaseModel)), model)
    return [field.alias or name for name, field in model.model_fields.items()]
