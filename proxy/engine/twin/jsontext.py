"""JSON as JavaScript's `JSON.stringify` spells it (ECMA-262, sections 6.1.6.1.20 and 25.5.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring

_LARGEST_INDEX = 2**32 - 2  # of an array: members with such names come first, in the order of their numbers
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE = re.compile("[\ud800-\udfff]")
_SAFE = 2**53  # whole numbers up to here are exact in JavaScript


def stringify(value: object) -> str:
    """No spaces, other alphabets as they are, lone surrogates escaped; what JSON has no form for is `null`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value)
        case int() | float():
            return _number(value)
        case Mapping():
            members = _in_order({str(name): member for name, member in value.items()})
            return "{" + ",".join(f"{_quoted(name)}:{stringify(member)}" for name, member in members) + "}"
        case Sequence():
            return "[" + ",".join(map(stringify, value)) + "]"
        case _:
            raise TypeError(f"no JSON value: {value!r}")


def in_units(text: str) -> str:
    """The text as JavaScript has it, in UTF-16 units: what lies beyond the first plane as two surrogates."""
    if text.isascii():
        return text
    octets = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(octets[i] | octets[i + 1] << 8) for i in range(0, len(octets), 2))


def number_text(value: float) -> str:
    """A number as JavaScript prints it: `1`, `0.5`, `1e+21`, `-1.5e-7`, `Infinity`, `NaN`."""
    if isinstance(value, int) and abs(value) <= _SAFE:
        return str(int(value))
    number = _double(value)
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign, figures, exponent = Decimal(repr(number)).normalize().as_tuple()
    digits = "".join(map(str, figures))
    assert isinstance(exponent, int)
    return ("-" if sign else "") + _placed(digits, len(digits) + exponent)


def _placed(digits: str, point: int) -> str:
    """The digits with the decimal point behind the `point`-th of them."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    power = point - 1
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{'+' if power > 0 else '-'}{abs(power)}"


def _number(value: float) -> str:
    text = number_text(value)
    return "null" if text.lstrip("-") in ("Infinity", "NaN") else text


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _quoted(text: str) -> str:
    quoted = encode_basestring(text)
    if quoted.isascii():
        return quoted
    whole = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), quoted)
    return _LONE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", whole)


def _in_order(members: Mapping[str, object]) -> list[tuple[str, object]]:
    """Members named like an array's index first (ECMA-262, section 10.1.11.1)."""
    indexes = [name for name in members if _INDEX.fullmatch(name) and int(name) <= _LARGEST_INDEX]
    if not indexes:
        return list(members.items())
    first = sorted(indexes, key=int)
    return [(name, members[name]) for name in first] + [pair for pair in members.items() if pair[0] not in indexes]
