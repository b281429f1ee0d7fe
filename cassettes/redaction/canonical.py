"""Canonical forms: bodies that mean the same have the same digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

EMPTY_DIGEST = hashlib.sha256(b"").digest()

_EXACT = 2**53  # JavaScript tells integers apart below it


def digest_of(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def json_digest(text: str) -> bytes | None:
    """By meaning: no matter the spaces, escapes, order of members, spelling of numbers. None if it is no JSON."""
    try:
        value = json.loads(text, parse_float=_number, parse_constant=_refuse)
        meaning = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None
    return digest_of(b"json\0" + meaning.encode("ascii"))


def form_digest(text: str) -> bytes:
    """By fields: without regard to the order of different names and to the way of encoding."""
    fields = []
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            fields.append((_plain(name), _plain(value)))
    return fields_digest(b"form", fields)


def fields_digest(kind: bytes, fields: Iterable[tuple[bytes, ...]]) -> bytes:
    """Of tuples that begin with a name; those of one name keep their order."""
    digest = hashlib.sha256(kind)
    for field in sorted(fields, key=lambda field: field[0]):
        for item in field:
            digest.update(b"%d:" % len(item) + item)
        digest.update(b";")
    return digest.digest()


def _plain(text: str) -> bytes:
    return unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogateescape"))


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if abs(number) < _EXACT and number.is_integer() else number


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


class BoundaryBlindDigest:
    """SHA-256 of a stream with every occurrence of a multipart boundary replaced by a constant."""

    def __init__(self, boundary: bytes) -> None:
        self._boundary = boundary
        self._digest = hashlib.sha256()
        self._tail = b""

    def update(self, octets: bytes) -> None:
        if not self._boundary:
            self._digest.update(octets)
            return
        *whole, rest = (self._tail + octets).split(self._boundary)
        for piece in whole:
            self._digest.update(piece)
            self._digest.update(b"\0boundary\0")
        kept = min(len(self._boundary) - 1, len(rest))
        self._digest.update(rest[: len(rest) - kept])
        self._tail = rest[len(rest) - kept :]

    def digest(self) -> bytes:
        self._digest.update(self._tail)
        self._tail = b""
        return self._digest.digest()
