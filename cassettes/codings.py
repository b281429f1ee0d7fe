"""Content codings (RFC 9110 section 8.4.1): an instance's web server may compress what PeerTube itself never does."""

from __future__ import annotations

import gzip
import zlib

import brotli  # type: ignore[import-untyped]
import zstandard


class UnknownCoding(ValueError):
    """A content coding that we cannot undo, or octets that are not what the header says."""


def decode(data: bytes, content_encoding: str | None, limit: int | None = None) -> bytes:
    """`data` without its content codings; no step makes more than about `limit` octets, or it is UnknownCoding."""
    for coding in reversed(codings_of(content_encoding)):
        try:
            data = _decode(data, coding, limit)
        except (OSError, EOFError, zlib.error, brotli.error, zstandard.ZstdError) as error:
            raise UnknownCoding(f"the body is not {coding}: {error}") from error
        if limit is not None and len(data) > limit:
            raise UnknownCoding(f"the body has more than {limit} octets once {coding} is undone")
    return data


def encode(data: bytes, content_encoding: str | None) -> bytes:
    """The reverse of `decode`; the same octets for the same input, but not those that the instance would make."""
    for coding in codings_of(content_encoding):
        match coding:
            case "gzip" | "x-gzip":
                data = gzip.compress(data, mtime=0)
            case "deflate":
                data = zlib.compress(data)
            case "br":
                data = brotli.compress(data, quality=5)
            case "zstd":
                data = zstandard.ZstdCompressor().compress(data)
            case _:
                raise UnknownCoding(f"the content coding {coding} is not known")
    return data


def codings_of(content_encoding: str | None) -> tuple[str, ...]:
    """The codings in the order in which they were applied, `identity` left out."""
    names = (name.strip().lower() for name in (content_encoding or "").split(","))
    return tuple(name for name in names if name and name != "identity")


def _decode(data: bytes, coding: str, limit: int | None) -> bytes:
    most = 0 if limit is None else limit + 1
    match coding:
        case "gzip" | "x-gzip":
            return _inflate(data, zlib.MAX_WBITS | 16, most)
        case "deflate":
            try:
                return _inflate(data, zlib.MAX_WBITS, most)
            except zlib.error:
                return _inflate(data, -zlib.MAX_WBITS, most)  # without zlib's frame, as some servers send it
        case "br":
            return _unbrotli(data, most)
        case "zstd":
            return _unzstd(data, most)
        case _:
            raise UnknownCoding(f"the content coding {coding} is not known")


def _inflate(data: bytes, wbits: int, most: int) -> bytes:
    out = b""
    while data:
        inflater = zlib.decompressobj(wbits)
        out += inflater.decompress(data, max(most - len(out), 1) if most else 0)
        if most and len(out) >= most:
            break
        if not inflater.eof:
            raise EOFError("it is cut")
        data = inflater.unused_data  # gzip members may follow one another (RFC 1952 section 2.2)
    return out


def _unbrotli(data: bytes, most: int) -> bytes:
    if not most:
        return bytes(brotli.decompress(data))
    decompressor = brotli.Decompressor()
    out: bytes = decompressor.process(data, output_buffer_limit=most)
    while len(out) < most and not decompressor.is_finished():
        more: bytes = decompressor.process(b"", output_buffer_limit=most)
        if not more:
            raise EOFError("it is cut")
        out += more
    return out


def _unzstd(data: bytes, most: int) -> bytes:
    out = b""
    while data and not (most and len(out) >= most):
        frame = zstandard.ZstdDecompressor().decompressobj()
        step = 256 if most else len(data)  # a few octets may stand for very many
        for at in range(0, len(data), step):
            out += frame.decompress(data[at : at + step])
            if frame.eof or (most and len(out) >= most):
                data = frame.unused_data + data[at + step :]
                break
        else:
            raise EOFError("it is cut")
    return out
