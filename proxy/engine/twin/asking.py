"""Functions of the rules over the request itself: what it accepts, and what its body is."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

from peertape.proxy.engine.model import Request
from peertape.proxy.engine.twin.expressions import Functions
from peertape.proxy.engine.twin.undecided import Undecided

_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3  # of 64 bits
_BEGINNINGS = (b"\x1aE\xdf\xa3", b"OggS", b"RIFF", b"ID3", b"FLV", b"fLaC", b"\x00\x00\x01", b"\x30\x26\xb2\x75", b"G")
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def of_request(request: Request) -> Functions:
    return {
        "accepts": lambda types: accepts(request.headers.get("accept"), types),
        "fnv1a": fnv1a,
        "join": lambda values, by: by.join(values),
        "body_digest": lambda name: digest(_body(request), name),
        "body_is_no_media": lambda: is_no_media(_body(request)),
        "is_no_media": is_no_media,
    }


def _body(request: Request) -> bytes:
    if request.body_digest is not None:
        raise Undecided("a body that is too big")
    return request.body


def accepts(header: str | None, types: Sequence[str]) -> bool:
    """Whether an Accept takes any of the types (RFC 9110, section 12.5.1); without one all are taken."""
    if header is None:
        return True
    ranges = [_range(item) for item in header.split(",") if item.strip()]
    return any(_quality(kind, ranges) > 0 for kind in types)


def _range(item: str) -> tuple[str, float]:
    kind, *parameters = (part.strip() for part in item.split(";"))
    weight = next((p[2:] for p in parameters if p[:2].lower() == "q="), "1")
    try:
        return kind.lower(), float(weight)
    except ValueError:
        return kind.lower(), 0.0


def _quality(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    """That of the most telling range; 0 where none fits."""
    fitting = {kind: 2, f"{kind.partition('/')[0]}/*": 1, "*/*": 0}
    found = [(fitting[name], weight) for name, weight in ranges if name in fitting]
    return max(found)[1] if found else 0.0


def fnv1a(text: str) -> str:
    """The 64 bit FNV-1a hash in hex, by which uploadx names users."""
    value = _FNV_OFFSET
    for octet in text.encode():
        value = ((value ^ octet) * _FNV_PRIME) % 2**64
    return f"{value:x}"


def digest(body: bytes, name: str) -> str:
    """In base64; `name` is md5, sha1 or sha256."""
    return base64.b64encode(hashlib.new(name, body, usedforsecurity=False).digest()).decode()


def is_no_media(body: bytes) -> bool:
    """Whether a whole file surely is no video or sound that can be read. Raises Undecided where only ffmpeg could tell.

    What is told: printable text, and an MP4 file without its table of contents (`moov`), as a cut one is.
    """
    if body[4:8] in _BOXES:
        return b"moov" not in body
    if not body.startswith(_BEGINNINGS) and re.fullmatch(rb"[\t\r\n\x20-\x7e]+", body):
        return True
    raise Undecided("whether the file is a video")
