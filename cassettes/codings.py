"""Content codings (RFC 9110 section 8.4.1): an instance's web server may compress what PeerTube itself never does.

Bodies are decoded to be read, and encoded again if something in them was changed.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]
import zstandard

from peertape.cassettes.bodies import Body, BytesBody, read
from peertape.cassettes.headers import Headers
from peertape.cassettes.inflation import UNDOING, CutError, DamagedError, name_of

ENCODINGS = ("gzip", "br", "zstd", "deflate")  # that `encode` knows by their registered names


class TooBigError(Exception):
    """What comes out is over the limit."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """`codings` as they have to be applied again: `deflate` may turn out to be `raw-deflate`.

    `whole` is False if the coded octets were cut or damaged: then this is as much as could be read.
    """

    octets: bytes
    codings: tuple[str, ...]
    whole: bool


def codings_of(headers: Headers) -> tuple[str, ...]:
    """In the order in which they were applied."""
    if "content-encoding" not in headers:
        return ()
    named = ",".join(headers.get_all("content-encoding")).lower().split(",")
    return tuple(coding for name in named if (coding := name.strip()) not in ("", "identity"))


def registered(coding: str) -> str:
    """Without the `x-` of old (RFC 9110 sections 8.4.1.1 and 8.4.1.3)."""
    return coding.removeprefix("x-")


def decode(octets: bytes, codings: Sequence[str], limit: int) -> Decoded | None:
    """None if it cannot be decoded at all; no step makes more than about `limit` octets, or it is TooBigError."""
    undone: list[str] = []
    all_whole = True
    for coding in reversed(codings):
        if (name := registered(coding)) not in UNDOING:
            return None
        name = name_of(name, octets)
        collected = _collected(_limited(UNDOING[name](iter([octets])), limit))
        if collected is None:
            return None
        octets, whole = collected
        all_whole = all_whole and whole
        undone.append(name)
    return Decoded(octets, tuple(reversed(undone)), all_whole)


def whole_text(headers: Headers, body: Body, limit: int) -> bytes | None:
    """The octets of a body without its codings; None if it is too big, or cannot be decoded to its end."""
    if body.size > limit:
        return None
    try:
        undone = decode(read(body), codings_of(headers), limit)
    except TooBigError:
        return None
    return undone.octets if undone is not None and undone.whole else None


def encode(octets: bytes, codings: Sequence[str]) -> bytes:
    """The reverse of `decode`: the same octets for the same input, but not those that the instance would make."""
    for coding in codings:
        match coding:
            case "gzip":
                octets = gzip.compress(octets, mtime=0)
            case "deflate":
                octets = zlib.compress(octets)
            case "raw-deflate":
                packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
                octets = packer.compress(octets) + packer.flush()
            case "br":
                octets = bytes(brotli.compress(octets, quality=5))
            case _:
                octets = zstandard.ZstdCompressor().compress(octets)
    return octets


@dataclass(frozen=True, slots=True)
class DecodedBody:
    """A coded body as it is without its codings, decoded anew by whoever reads it."""

    coded: Body
    codings: tuple[str, ...]
    size: int

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        end = self.size if stop is None else min(stop, self.size)
        at = 0
        for piece in _undone(self.coded, self.codings):
            if at >= end:
                return
            if wanted := piece[max(start - at, 0) : end - at]:
                yield wanted
            at += len(piece)


def decoded_body(coded: Body, codings: Sequence[str], held: int, limit: int) -> Body | None:
    """The body without its codings: in memory up to `held` octets, else decoded as it is read.

    None if it cannot be decoded to its end, or is over `limit`.
    """
    if any(registered(coding) not in UNDOING for coding in codings):
        return None
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in _undone(coded, codings, limit):
            size += len(piece)
            if size <= held:
                pieces.append(piece)
            else:
                pieces.clear()
    except (DamagedError, TooBigError):
        return None
    return BytesBody(b"".join(pieces)) if size <= held else DecodedBody(coded, tuple(codings), size)


def _undone(coded: Body, codings: Sequence[str], limit: int = sys.maxsize) -> Iterator[bytes]:
    """Piece by piece; DamagedError at the place from which it cannot be read."""
    pieces = coded.pieces()
    for coding in reversed(codings):
        pieces = _limited(UNDOING[registered(coding)](pieces), limit)
    return pieces


def _collected(pieces: Iterator[bytes]) -> tuple[bytes, bool] | None:
    """The octets, and whether they are all; None if it was never coded so."""
    out = bytearray()
    try:
        for piece in pieces:
            out += piece
    except CutError:
        return bytes(out), False
    except DamagedError:
        return (bytes(out), False) if out else None
    return bytes(out), True


def _limited(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise TooBigError
        yield piece
