"""One upload in pieces, octet by octet as uploadx 6.1 counts them.

What it does is seen in user-session.mitm (flows 74 to 86) and errors.mitm (208 to 222); the order of its checks, and
what becomes of a piece that is cut, stand in its source (`storages/disk-storage.js`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum, auto

from peertape.proxy.engine.model import Request

_CUTS = re.compile(r"\s+|/")
_NUMBER = re.compile(r"\s*([+-]?\d{1,15})")  # of a length that anybody could have


@dataclass(frozen=True, slots=True)
class Piece:
    """What came with a PUT. `start` is None where it only asks how far the upload has come.

    `total`: the size of the file as this piece says; `announced`: its Content-Length, 0 if there was none;
    `octets`: that came.
    """

    start: int | None
    total: int | None
    announced: int
    octets: int
    has_checksum: bool = False
    is_cut: bool = False


class After(Enum):
    """What a piece leads to."""

    RESUME = auto()  # 308
    DONE = auto()
    CONFLICT = auto()  # 409
    CUT = auto()  # there is nobody to be answered


@dataclass(frozen=True, slots=True)
class Upload:
    """`arrived`: the octets of the file on PeerTube's disk, gaps included."""

    size: int
    arrived: int = 0

    def put(self, piece: Piece) -> tuple[Upload, After, int]:
        """The upload after the piece, what it leads to, and how far it has come by what 308 says."""
        size = min(self.size, piece.total) if piece.total else self.size
        start = piece.start or 0
        if (piece.total or 0) > size or start + piece.announced > size:
            return self, After.CONFLICT, 0
        if piece.start is None or piece.start < 0:
            return self, After.RESUME, self.arrived
        limit = piece.announced or (piece.total - start if piece.total else 0)
        if piece.octets > limit:
            return replace(self, arrived=start), After.CONFLICT, 0
        if piece.is_cut:
            kept = start if piece.has_checksum else max(self.arrived, start + piece.octets)
            return Upload(size, kept), After.CUT, 0
        end = start + piece.octets
        upload = Upload(size, max(self.arrived, end))
        return upload, After.DONE if end == size else After.RESUME, end


def piece_of(request: Request) -> Piece:
    headers = request.headers
    told = headers.get("content-range")
    start: int | None = 0
    total = None
    if told:
        parts = _CUTS.split(told)
        start = _number(parts[1]) if len(parts) > 1 else None
        total = _number(parts[2]) if len(parts) > 2 else None
    announced = _number(headers.get("content-length") or "") or 0
    has_checksum = "content-md5" in headers or "=" in (headers.get("digest") or "")
    return Piece(start, total, announced, request.body_size, has_checksum, request.is_cut)


def _number(text: str) -> int | None:
    """As JavaScript's parseInt reads it."""
    found = _NUMBER.match(text)
    return int(found[1]) if found else None


def size_of(request: Request) -> int:
    """Of the file that a request begins to upload, in octets."""
    return _number(request.headers.get("x-upload-content-length") or "") or 0
