"""Filters that bodies go through on their way to the disk, chosen by what their headers declare."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache, partial

from peertape.cassettes.codings import TooBigError, codings_of, decode, encode
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.redaction.bodyfilter import BodyFilter, PassingFilter, SniffingFilter, looks_like_text
from peertape.cassettes.redaction.bodytext import Kind, kind_of, request_text, response_text
from peertape.cassettes.redaction.canonical import EMPTY_DIGEST, digest_of
from peertape.cassettes.redaction.multipart import MultipartFilter, boundary_of
from peertape.cassettes.redaction.redactor import Redactor, etag_after
from peertape.cassettes.redaction.spelling import decoded, encoded

LIMIT = 16 * 1024 * 1024

# From octets to redacted octets, and the digest of their canonical form, if one is wanted.
type Redact = Callable[[bytes], tuple[bytes, bytes]]

__all__ = ["LIMIT", "BodyFilter", "etag_after", "request_body_filter", "response_body_filter"]


def request_body_filter(headers: Headers, redactor: Redactor, limit: int = LIMIT) -> BodyFilter:
    """For the body of a request; a text body over the limit is given up."""
    kind, codings = kind_of(media_type(headers)), codings_of(headers)
    if kind is Kind.PASSING:
        return PassingFilter()
    if kind is Kind.MULTIPART:
        boundary = boundary_of(headers.get("content-type") or "")
        if not codings:
            return MultipartFilter(boundary, redactor)
        return BufferedFilter(partial(_whole_multipart, boundary, redactor), codings, limit)
    buffered = partial(BufferedFilter, partial(_request, kind, _charset(headers), redactor), codings, limit)
    if kind is not Kind.UNKNOWN or codings:
        return buffered()
    return SniffingFilter(lambda head: buffered() if looks_like_text(head) else PassingFilter())


def response_body_filter(headers: Headers, redactor: Redactor, limit: int = LIMIT) -> BodyFilter:
    """For the body of a response."""
    kind, codings = kind_of(media_type(headers)), codings_of(headers)
    if kind in (Kind.PASSING, Kind.MULTIPART):
        return PassingFilter(digested=False)
    buffered = partial(BufferedFilter, partial(_response, kind, _charset(headers), redactor), codings, limit)
    if kind is not Kind.UNKNOWN or codings:
        return buffered()
    return SniffingFilter(lambda head: buffered() if looks_like_text(head) else PassingFilter(digested=False))


class BufferedFilter(BodyFilter):
    """A text body: held whole, since a secret may be torn between pieces."""

    def __init__(self, redact: Redact, codings: tuple[str, ...], limit: int) -> None:
        self._redact = redact
        self._codings = codings
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        self._size += len(data)
        if self.oversize:
            self._raw.update(data)
        else:
            self._pieces.append(data)
            if self._size > self._limit:
                self._give_up()
        return b""

    def finish(self) -> bytes:
        if self.oversize:
            self.digest = self._raw.digest()
            return b""
        self.original = b"".join(self._pieces)
        self._pieces.clear()
        if not self.original:
            self.text = self.plain = self.stored = b""
            self.digest = EMPTY_DIGEST
            return b""
        try:
            undone = decode(self.original, self._codings, self._limit)
        except TooBigError:
            self._pieces, self.original = [self.original], None
            self._give_up()
            self.digest = self._raw.digest()
            return b""
        # What cannot be decoded may have been declared wrongly: it is read as it stands.
        self.plain, codings = (undone.octets, undone.codings) if undone else (self.original, ())
        self.text, self.digest = self._redact(self.plain)
        self.changed = self.text != self.plain
        self.stored = encode(self.text, codings) if self.changed else self.original
        return self.stored

    def _give_up(self) -> None:
        self.oversize = True
        self._raw = hashlib.sha256()
        for piece in self._pieces:
            self._raw.update(piece)
        self._pieces.clear()


def _request(kind: Kind, charset: str, redactor: Redactor, octets: bytes) -> tuple[bytes, bytes]:
    text, codec = decoded(octets, charset)
    redacted, digest = request_text(text, kind, redactor)
    new = octets if redacted == text else encoded(redacted, codec)
    return new, digest or digest_of(new)


def _response(kind: Kind, charset: str, redactor: Redactor, octets: bytes) -> tuple[bytes, bytes]:
    text, codec = decoded(octets, charset)
    redacted = response_text(text, kind, redactor)
    new = octets if redacted == text else encoded(redacted, codec)
    return new, b""


def _whole_multipart(boundary: bytes, redactor: Redactor, octets: bytes) -> tuple[bytes, bytes]:
    parts = MultipartFilter(boundary, redactor)
    redacted = parts.feed(octets) + parts.finish()
    return redacted, parts.digest


def _charset(headers: Headers) -> str:
    return _charset_of(headers.get("content-type") or "")


@lru_cache(maxsize=512)
def _charset_of(content_type: str) -> str:
    found = re.search(r";\s*charset\s*=\s*[\"']?([\w.:-]+)", content_type.lower())
    return found[1] if found else ""
