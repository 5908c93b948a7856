"""Values of columns as they go into a document. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from loader.errors import PoisonError

# A double holds every decimal of 15 significant digits exactly (IEEE 754).
_EXACT_DIGITS = 15


def read_json(text: str | bytes) -> Any:
    """Read JSON without losing a digit: a number that a double cannot hold becomes a text.

    Elasticsearch's numeric types read texts as well, and `_source` keeps them as they were.

    :raises ValueError: it is no JSON.
    """
    return json.loads(text, parse_float=_exact, parse_constant=_refuse)


def _exact(text: str) -> float | str:
    number = float(text)
    if len(text) <= _EXACT_DIGITS or Decimal(text) == Decimal(repr(number)):
        return number
    return text


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _json(value: Any) -> Any:
    return read_json(value) if isinstance(value, str | bytes) else value


def _boolean(value: Any) -> bool:
    if value in (0, 1, "0", "1", True, False):
        return bool(int(value))
    raise ValueError("it is neither 0 nor 1")


def _number(value: Any) -> int | float | str:
    if isinstance(value, bool):
        raise ValueError("it is no number")
    if isinstance(value, str):
        found = read_json(value)
        if isinstance(found, bool) or not isinstance(found, int | float | str):
            raise ValueError("it is no number")
        return found
    if isinstance(value, int | float):
        return value
    raise ValueError("it is no number")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _date(value: Any) -> str:
    # MySQL prints a space between day and time, which Elasticsearch's default date format refuses.
    return str(value).replace(" ", "T", 1)


CONVERSIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "json": _json,
    "boolean": _boolean,
    "number": _number,
    "text": _text,
    "date": _date,
    "omit": lambda value: value,
}
"""What `documents.fields` may name. `omit` leaves the column out."""


def convert(row: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """A row as the source of a document.

    :param fields: column to name of its conversion; NULL stays null.
    :raises PoisonError: a value cannot be converted; names column and conversion, not the value.
    """
    document: dict[str, Any] = dict(row)
    for column, conversion in fields.items():
        if conversion == "omit":
            document.pop(column, None)
        elif document.get(column) is not None:
            try:
                document[column] = CONVERSIONS[conversion](document[column])
            except (ValueError, TypeError, ArithmeticError) as error:
                raise PoisonError(f"column {column} cannot be read as {conversion}: {error}", "conversion") from error
    return document
