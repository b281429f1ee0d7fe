"""Content codings: bodies are decoded to be read, and encoded again if something in them was changed."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]
import zstandard

from peertape.cassettes.headers import Headers

_PIECE = 4096


class TooBigError(Exception):
    """What comes out is over the limit."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """`codings` as they have to be applied again: `deflate` may turn out to be `raw-deflate`."""

    octets: bytes
    codings: tuple[str, ...]


def codings_of(headers: Headers) -> tuple[str, ...]:
    """In the order in which they were applied."""
    named = ",".join(headers.get_all("content-encoding")).lower().split(",")
    return tuple(coding for name in named if (coding := name.strip()) not in ("", "identity"))


def decode(octets: bytes, codings: Sequence[str], limit: int) -> Decoded | None:
    """None if it cannot be decoded at all; of what is cut, as much as can be."""
    undone: list[str] = []
    for coding in reversed(codings):
        result = _decode_one(octets, coding.removeprefix("x-"), limit)
        if result is None:
            return None
        octets, name = result
        undone.append(name)
    return Decoded(octets, tuple(reversed(undone)))


def encode(octets: bytes, codings: Sequence[str]) -> bytes:
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


def _decode_one(octets: bytes, coding: str, limit: int) -> tuple[bytes, str] | None:
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
    return None if out is None else (out, coding)


def _inflated(octets: bytes, wbits: int, limit: int) -> bytes | None:
    out = bytearray()
    while octets:
        engine = zlib.decompressobj(wbits)
        try:
            out += engine.decompress(octets, limit + 1 - len(out))
        except zlib.error:
            return bytes(out) if out else None
        if len(out) > limit:
            raise TooBigError
        octets = engine.unused_data  # a further member
    return bytes(out)


def _unbrotlied(octets: bytes, limit: int) -> bytes | None:
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
        return bytes(out) if out else None
    if len(out) > limit:
        raise TooBigError
    return bytes(out)


def _unzstd(octets: bytes, limit: int) -> bytes | None:
    out = bytearray()
    try:
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(octets), read_across_frames=True) as reader:
            while piece := reader.read(_PIECE):
                out += piece
                if len(out) > limit:
                    raise TooBigError
    except zstandard.ZstdError:
        return bytes(out) if out else None
    return bytes(out)
