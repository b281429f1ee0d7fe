"""The sanitizers that chains name: each gives the value anew. Sources: the `validator` package and observed answers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from peertape.cassettes.paths import uuid_of
from peertape.proxy.engine.twin.values import ABSENT, MOST_DIGITS, checked_text, exists, text_of

Sanitizer = Callable[[Any], Any]

_LEADING_INTEGER = re.compile(r"\s*([+-]?[0-9]+)")
_LEADING_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")


def integer_of(text: str) -> int | float:
    """The integer that a text begins with, or NaN (ECMA-262 parseInt, base 10)."""
    found = _LEADING_INTEGER.match(text)
    if not found:
        return math.nan
    return int(found[1]) if len(found[1]) <= MOST_DIGITS else float(found[1])


def number_of(text: str) -> float:
    found = _LEADING_NUMBER.match(text)
    if not found:
        return math.nan
    value = float(found[1])
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _null_text(value: Any) -> Any:
    return None if value == "null" else value


def _to_integer(value: Any) -> Any:
    value = _null_text(value)
    if not exists(value) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    return integer_of(text_of(value))


def _is_true(text: str) -> bool:
    return text not in ("0", "false", "")


def _to_boolean(value: Any) -> Any:
    value = _null_text(value)
    if not exists(value) or isinstance(value, bool):
        return value
    return _is_true(text_of(value))


def _to_list(value: Any) -> Any:
    if value is ABSENT:
        return []
    return value if isinstance(value, list) else [value]


def _arrayify(value: Any) -> Any:
    return value if isinstance(value, list) else [None if value is ABSENT else value]


def _to_integers(value: Any) -> Any:
    if not value or value is ABSENT:
        return []
    return [integer_of(checked_text(item)) for item in _arrayify(value)]


def _complete_uuid(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return uuid_of(value) or value


def _complete_uuids(value: Any) -> Any:
    return [_complete_uuid(item) for item in value] if isinstance(value, list) else value


def _of_texts(sanitize: Callable[[str], Any]) -> Sanitizer:
    """For sanitizers of texts: of each element of a list, with nothing as the empty text."""

    def apply(value: Any) -> Any:
        if isinstance(value, list):
            return [sanitize(checked_text(item)) for item in value]
        return sanitize(checked_text(value))

    return apply


SANITIZERS: dict[str, Sanitizer] = {
    "null-text": _null_text,
    "to-integer": _to_integer,
    "to-boolean": _to_boolean,
    "to-list": _to_list,
    "arrayify": _arrayify,
    "to-integers": _to_integers,
    "complete-uuid": _complete_uuid,
    "complete-uuids": _complete_uuids,
    "trim": _of_texts(lambda text: text.strip()),
    "text-to-integer": _of_texts(integer_of),
    "text-to-number": _of_texts(number_of),
    "text-to-boolean": _of_texts(_is_true),
    "lower-case": _of_texts(str.lower),
}
