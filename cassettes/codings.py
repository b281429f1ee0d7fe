"""Content codings (RFC 9110 section 8.4.1): an instance's web server may compress what PeerTube itself never does.

Bodies are decoded to be read, and encoded again if something in them was changed.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]
import zstandard

from peertape.cassettes.headers import Headers

_PIECE = 4096
_FEW = 256  # octets of zstd that are decoded at once: a few may stand for very many


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
    named = ",".join(headers.get_all("content-encoding")).lower().split(",")
    return tuple(coding for name in named if (coding := name.strip()) not in ("", "identity"))


def decode(octets: bytes, codings: Sequence[str], limit: int) -> Decoded | None:
    """None if it cannot be decoded at all; no step makes more than about `limit` octets, or it is TooBigError."""
    undone: list[str] = []
    all_whole = True
    for coding in reversed(codings):
        result = _decode_one(octets, coding.removeprefix("x-"), limit)
        if result is None:
            return None
        octets, name, whole = result
        all_whole = all_whole and whole
        undone.append(name)
    return Decoded(octets, tuple(reversed(undone)), all_whole)


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


def _decode_one(octets: bytes, coding: str, limit: int) -> tuple[bytes, str, bool] | None:
    match coding:
        case "gzip":
            out = _inflated(octets, 16 + zlib.MAX_WBITS, limit)
        case "deflate":
            out = _inflated(octets, zlib.MAX_WBITS, limit)
            if out is None:
                # Some senders leave the zlib wrapper out, and all browsers accept it.
                coding, out = "raw-deflate", _inflated(octets, -zlib.MAX_WBITS, limit)
        case "br":
            out = _unbrotlied(octets, limit)
        case "zstd":
            out = _unzstd(octets, limit)
        case _:
            return None
    return None if out is None else (out[0], coding, out[1])


def _inflated(octets: bytes, wbits: int, limit: int) -> tuple[bytes, bool] | None:
    out = bytearray()
    whole = True
    while octets:
        engine = zlib.decompressobj(wbits)
        try:
            out += engine.decompress(octets, limit + 1 - len(out))
        except zlib.error:
            return (bytes(out), False) if out else None
        if len(out) > limit:
            raise TooBigError
        whole = engine.eof
        octets = engine.unused_data  # a further member (RFC 1952 section 2.2)
    return bytes(out), whole


def _unbrotlied(octets: bytes, limit: int) -> tuple[bytes, bool] | None:
    engine = brotli.Decompressor()
    out = bytearray()
    try:
        out += engine.process(octets, output_buffer_limit=_PIECE)
        while not engine.is_finished() and len(out) <= limit:
            more = engine.process(b"", output_buffer_limit=_PIECE)
            if not more:
                break
            out += more
    except brotli.error:
        return (bytes(out), False) if out else None
    if len(out) > limit:
        raise TooBigError
    return bytes(out), bool(engine.is_finished())


def _unzstd(octets: bytes, limit: int) -> tuple[bytes, bool] | None:
    out = bytearray()
    whole = True
    while octets:
        frame = zstandard.ZstdDecompressor().decompressobj()
        whole = False
        for at in range(0, len(octets), _FEW):
            try:
                out += frame.decompress(octets[at : at + _FEW])
            except zstandard.ZstdError:
                return (bytes(out), False) if out else None
            if len(out) > limit:
                raise TooBigError
            if frame.eof:
                octets, whole = frame.unused_data + octets[at + _FEW :], True
                break
        else:
            break
    return bytes(out), whole
