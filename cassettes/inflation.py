"""Content codings undone piece by piece: what goes in and what comes out are never held whole.

Each of them gives small pieces for as long as it can read, and DamagedError if that is not to the end.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from itertools import chain

import brotli  # type: ignore[import-untyped]
import zstandard

from peertape.cassettes.bodies import PIECE

_FEW = 256  # octets of zstd that are decoded at once: a few may stand for very many
_RAW = -zlib.MAX_WBITS
_FRAMED = zlib.MAX_WBITS


class DamagedError(Exception):
    """It is damaged here, or was never coded so."""


class CutError(DamagedError):
    """It ends before its end."""


def name_of(coding: str, head: bytes) -> str:
    """Some senders leave the frame of `deflate` out, and all browsers accept it: then it is `raw-deflate`.

    `head`: the first octets. A frame begins with a method, a window and a check of both (RFC 1950 section 2.2).
    """
    if coding != "deflate" or len(head) < 2:
        return coding
    framed = head[0] & 0x0F == zlib.DEFLATED and head[0] >> 4 <= 7 and int.from_bytes(head[:2]) % 31 == 0
    return "deflate" if framed else "raw-deflate"


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    return _inflated(pieces, 16 + zlib.MAX_WBITS)


def _undeflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    while len(head) < 2 and (piece := next(pieces, b"")):
        head += piece
    wbits = _FRAMED if name_of("deflate", head) == "deflate" else _RAW
    return _inflated(chain([head], pieces), wbits)


def _inflated(pieces: Iterator[bytes], wbits: int) -> Iterator[bytes]:
    engine = zlib.decompressobj(wbits)
    begun = False
    for piece in _cut(pieces, PIECE):
        left = piece
        while left:
            if engine.eof:  # a further member (RFC 1952 section 2.2)
                engine = zlib.decompressobj(wbits)
            begun = True
            if out := _more(engine, left):
                yield out
            left = engine.unused_data if engine.eof else engine.unconsumed_tail
    while begun and not engine.eof and (out := _more(engine, b"")):  # what zlib itself still holds
        yield out
    if begun and not engine.eof:
        raise CutError


def _more(engine: zlib._Decompress, octets: bytes) -> bytes:
    try:
        return engine.decompress(octets, PIECE)
    except zlib.error as error:
        raise DamagedError(str(error)) from error


def _unbrotlied(pieces: Iterator[bytes]) -> Iterator[bytes]:
    engine = brotli.Decompressor()
    begun = False
    for piece in pieces:
        left, may_have_more = piece, True
        while may_have_more and not engine.is_finished():
            begun = True
            try:
                out = engine.process(left, output_buffer_limit=PIECE)
            except brotli.error as error:
                raise DamagedError(str(error)) from error
            left, may_have_more = b"", bool(out)
            if out:
                yield out
    if begun and not engine.is_finished():
        raise CutError


def _unzstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    frame = None
    held = bytearray()
    for few in _cut(pieces, _FEW):
        left = few
        while left:
            if frame is None or frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                held += frame.decompress(left)
            except zstandard.ZstdError as error:
                yield bytes(held)
                raise DamagedError(str(error)) from error
            left = frame.unused_data if frame.eof else b""
            if len(held) >= PIECE:
                yield bytes(held)
                held.clear()
    if held:
        yield bytes(held)
    if frame is not None and not frame.eof:
        raise CutError


def _cut(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        yield from (piece[at : at + size] for at in range(0, len(piece), size))


UNDOING: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "gzip": _gunzipped,
    "deflate": _undeflated,
    "raw-deflate": lambda pieces: _inflated(pieces, _RAW),
    "br": _unbrotlied,
    "zstd": _unzstd,
}
