"""Reading mitmproxy's tagged netstrings (mitmproxy/io/tnetstring.py): length, colon, so many octets, type.

mitmproxy's own reader takes most of the time of an import, so it is done here, with the same result. A flow has a
hundred values: where most of them stand, a call for each would take as long as the rest, so that `_bounds` is spelled
out there.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any, BinaryIO

MOST_DIGITS = 12
_LONGEST = MOST_DIGITS + 1  # a length with its colon
_NEGATIVE = "negative length"
_OCTETS, _TEXT, _INTEGER, _FLOAT, _BOOLEAN, _NULL, _LIST, _DICT = b",;#^!~]}"
_BOOLEANS = {b"true": True, b"false": False}


def _spelled(names: str) -> tuple[tuple[bytes, str], ...]:
    return tuple((f"{len(name)}:{name};".encode(), name) for name in names.split())


# The names in a flow, in the order in which mitmproxy writes them: by the member that holds the dict. To compare the
# octets takes half as long as to read them; names that stand elsewhere are read.
_USUAL: Mapping[str, tuple[tuple[bytes, str], ...]] = {
    "": _spelled(
        "websocket response request backup timestamp_created comment metadata marked is_replay intercepted"
        " server_conn client_conn error id type version"
    ),
    "request": _spelled(
        "path authority scheme method port host timestamp_end timestamp_start trailers content headers http_version"
    ),
    "response": _spelled("reason status_code timestamp_end timestamp_start trailers content headers http_version"),
}
_NOT_USUAL = (b"?", "")


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
    return _dict(data, 0, len(data), "", left_out, kept)


def items(data: bytes) -> list[bytes]:
    """Of what a list is made of, what each of its items is made of."""
    found, at, size, index = [], 0, len(data), data.index
    while at < size:
        start = index(b":", at, at + _LONGEST) + 1
        stop = start + int(data[at : start - 1])
        if stop < start:
            raise ValueError(_NEGATIVE)
        found.append(data[start:stop])
        at = stop + 1
    if at != size:
        raise ValueError("an item goes over the end of its list")
    return found


def _dict(
    data: bytes, at: int, stop: int, holder: str, left_out: Container[str], kept: Container[str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    index = data.index
    usual: Iterator[tuple[bytes, str]] = iter(_USUAL.get(holder, ()))
    while at < stop:
        spelled, name = next(usual, _NOT_USUAL)
        if data.startswith(spelled, at):
            at += len(spelled)
        else:
            name, at = _name(data, at)
        start = index(b":", at, at + _LONGEST) + 1
        end = start + int(data[at : start - 1])
        if end < start:
            raise ValueError(_NEGATIVE)
        at = end + 1
        if name in left_out:
            continue
        kind = data[end]
        if kind == _OCTETS or (name in kept and kind != _NULL):
            found[name] = data[start:end]
        elif kind == _DICT:
            found[name] = _dict(data, start, end, name, (), kept)
        else:
            found[name] = _value(data, start, end, kept)
    if at != stop:
        raise ValueError("a member goes over the end of its dict")
    return found


def _name(data: bytes, at: int) -> tuple[str, int]:
    """Of a member, and where its value begins."""
    start, end = _bounds(data, at)
    if data[end] not in b",;":
        raise ValueError("a name that is no text")
    return data[start:end].decode(), end + 1


def _list(data: bytes, at: int, stop: int, kept: Container[str]) -> list[Any]:
    found = []
    while at < stop:
        start, end = _bounds(data, at)
        found.append(_value(data, start, end, kept))
        at = end + 1
    if at != stop:
        raise ValueError("an item goes over the end of its list")
    return found


def _bounds(data: bytes, at: int) -> tuple[int, int]:
    """Where the octets of the value that begins at `at` start and stop; its type stands behind them."""
    start = data.index(b":", at, at + _LONGEST) + 1
    stop = start + int(data[at : start - 1])
    if stop < start:
        raise ValueError(_NEGATIVE)
    return start, stop


def _value(data: bytes, start: int, stop: int, kept: Container[str]) -> Any:
    kind = data[stop]
    if kind == _DICT:
        return _dict(data, start, stop, "", (), kept)
    if kind == _LIST:
        return _list(data, start, stop, kept)
    found = data[start:stop]
    if kind == _OCTETS:
        return found
    if kind == _NULL and not found:
        return None
    if kind == _TEXT:
        return found.decode()
    if kind == _FLOAT:
        return float(found)
    if kind == _INTEGER:
        return int(found)
    if kind == _BOOLEAN:
        return _BOOLEANS[found]
    raise ValueError(f"unknown type {kind}")
