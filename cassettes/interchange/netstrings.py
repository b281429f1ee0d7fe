"""Reading mitmproxy's tagged netstrings (mitmproxy/io/tnetstring.py): length, colon, so many octets, type.

mitmproxy's own reader takes most of the time of an import, so it is done here, with the same result.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, BinaryIO

MOST_DIGITS = 12
_OCTETS, _TEXT, _INTEGER, _FLOAT, _BOOLEAN, _NULL, _LIST, _DICT = b",;#^!~]}"
_BOOLEANS = {b"true": True, b"false": False}


def read(file: BinaryIO) -> bytes | None:
    """The octets of the next value of a file, which is a dict; None at the end. ValueError if it is damaged."""
    digits = b""
    while (octet := file.read(1)).isdigit():
        digits += octet
        if len(digits) > MOST_DIGITS:
            raise ValueError("absurdly large length prefix")
    if not digits and not octet:
        return None
    if not digits or octet != b":":
        raise ValueError("missing or invalid length prefix")
    data = file.read(int(digits))
    if len(data) != int(digits) or file.read(1) != b"}":
        raise ValueError("cut off, or no dict")
    return data


def parsed(data: bytes, *, left_out: Container[str] = (), kept: Container[str] = ()) -> dict[str, Any]:
    """The members of a dict but those `left_out`; at any depth, those `kept` as the octets that they are made of.

    ValueError or LookupError if they are damaged.
    """
    return _dict(data, 0, len(data), left_out, kept)


def items(data: bytes) -> list[bytes]:
    """Of what a list is made of, what each of its items is made of."""
    found, at, size = [], 0, len(data)
    while at < size:
        start, stop = _bounds(data, at)
        found.append(data[start:stop])
        at = stop + 1
    if at != size:
        raise ValueError("an item goes over the end of its list")
    return found


def _dict(data: bytes, at: int, stop: int, left_out: Container[str], kept: Container[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while at < stop:
        key, at = _value(data, at, kept)
        name = key.decode() if isinstance(key, bytes) else key
        if name in left_out:
            at = _bounds(data, at)[1] + 1
        elif name in kept:
            start, end = _bounds(data, at)
            found[name] = None if data[end] == _NULL else data[start:end]
            at = end + 1
        else:
            found[name], at = _value(data, at, kept)
    if at != stop:
        raise ValueError("a member goes over the end of its dict")
    return found


def _bounds(data: bytes, at: int) -> tuple[int, int]:
    """Where the octets of the value that begins at `at` start and stop; its type stands behind them."""
    colon = data.index(b":", at, at + MOST_DIGITS + 1)
    size = int(data[at:colon])
    if size < 0:
        raise ValueError("negative length")
    return colon + 1, colon + 1 + size


def _value(data: bytes, at: int, kept: Container[str]) -> tuple[Any, int]:
    """The value, and where the next one begins."""
    start, stop = _bounds(data, at)
    kind, found = data[stop], data[start:stop]
    if kind == _OCTETS:
        return found, stop + 1
    if kind == _TEXT:
        return found.decode(), stop + 1
    if kind == _NULL and not found:
        return None, stop + 1
    if kind == _FLOAT:
        return float(found), stop + 1
    if kind == _INTEGER:
        return int(found), stop + 1
    if kind == _BOOLEAN:
        return _BOOLEANS[found], stop + 1
    if kind == _DICT:
        return _dict(data, start, stop, (), kept), stop + 1
    if kind != _LIST:
        raise ValueError(f"unknown type {kind}")
    listed = []
    at = start
    while at < stop:
        item, at = _value(data, at, kept)
        listed.append(item)
    if at != stop:
        raise ValueError("an item goes over the end of its list")
    return listed, stop + 1
