"""JSON values as JavaScript sees them: what is absent, what counts as true, how a value becomes a text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from peertape.proxy.engine.twin.jsontext import number_text


class _Absent:
    """A member that is not there: JavaScript's `undefined`, which is not `null`."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()
DEEPEST = 200  # levels of a JSON value: what looks at every level does so by recursion
MOST_DIGITS = 400  # of a number: more than any number of JavaScript's has


def exists(value: Any) -> bool:
    """Neither absent nor null."""
    return value is not None and value is not ABSENT


def truthy(value: Any) -> bool:
    """JavaScript's idea of true: empty lists and objects are."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return isinstance(value, (list, Mapping)) or bool(value)


def text_of(value: Any) -> str:
    """As in a template or behind `'' +`."""
    match value:
        case None:
            return "null"
        case True | False:
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return number_text(value)
        case list():
            return ",".join("" if not exists(item) else text_of(item) for item in value)
        case _ if value is ABSENT:
            return "undefined"
        case _:
            return "[object Object]"


def checked_text(value: Any) -> str:
    """As express-validator hands a value to a check of texts: nothing is the empty text."""
    if not exists(value) or (isinstance(value, float) and math.isnan(value)):
        return ""
    return text_of(value)


def without_absent(value: Any) -> Any:
    """As JSON.stringify sees it: absent members are not there."""
    if isinstance(value, list):
        return [None if item is ABSENT else without_absent(item) for item in value]
    if isinstance(value, Mapping):
        return {name: without_absent(item) for name, item in value.items() if item is not ABSENT}
    return value


def type_name(value: Any) -> str:
    """As the messages of the `validator` package call it: typeof, and the constructor of objects."""
    match value:
        case None:
            return "null"
        case True | False:
            return "boolean"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "Array"
        case _ if value is ABSENT:
            return "undefined"
        case _:
            return "Object"


def parsed(text: str) -> Any:
    """A JSON text's value; raises ValueError, also for what is nested more than DEEPEST levels."""
    try:
        value = json.loads(text, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if text.count("[") + text.count("{") > DEEPEST and _depth(value) > DEEPEST:
        raise ValueError("nested too deeply")
    return value


def _whole(digits: str) -> float:
    """As JavaScript reads a whole number: one of very many digits is infinite."""
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (list, dict))]:
        level = [below for item in level for below in (item.values() if isinstance(item, dict) else item)]
        depth += 1
    return depth
