"""What the cassettes hold of an upload: which answers its pieces got, and what it led to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qs, urlsplit

from peertape.cassettes.bodies import Body
from peertape.cassettes.candidates import Candidate
from peertape.cassettes.chunks import StoredBody
from peertape.cassettes.model import NotKept
from peertape.cassettes.paths import fold, spellings
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.uploads.spans import Spans
from peertape.proxy.engine.uploads.upload import piece_of

RESUME, DONE = 308, 200


def upload_id(query: str) -> str | None:
    """PeerTube reads `upload_id`, or `prefix`."""
    given = parse_qs(query, keep_blank_values=True)
    found = given.get("upload_id") or given.get("prefix")
    return found[0] if found else None


def begun_by(answer: Answer) -> str | None:
    """The id of the upload that an answer says it has begun."""
    location = answer.headers.get("location")
    return upload_id(urlsplit(location).query) if location and answer.status in (200, 201) else None


@dataclass(frozen=True)
class RecordedUpload:
    """The upload `id` of a cassette, begun by exchange `first`; `until` hides what was answered after that moment."""

    cassette: Cassette
    path: str
    id: str
    first: int
    until: float | None = None

    def __reduce__(self) -> tuple[type[RecordedUpload], tuple[Cassette, str, str, int, float | None]]:
        """Without what was looked up in the cassette."""
        return RecordedUpload, (self.cassette, self.path, self.id, self.first, self.until)

    def after(self, number: int) -> Candidate | None:
        """The recording of it that comes next."""
        return next((found for found in self._recorded if found.id > number), None)

    @cached_property
    def outcome(self) -> Candidate | None:
        """What its last piece led to."""
        return next((found for found in self._pieces if found.status == DONE), None)

    @cached_property
    def resumed(self) -> Candidate | None:
        """One that asks for more."""
        return next((found for found in self._pieces if found.status == RESUME), None)

    def is_same(self, start: int, stop: int, sha256: bytes) -> bool | None:
        """Whether the octets [start, stop) have that digest; None where the cassette does not hold them."""
        spans = self._file.within(start, stop)
        if spans is None:
            return None
        if len(spans) == 1 and (known := _digest_of(*spans[0].value, start, stop)):
            return known == sha256
        digest = hashlib.sha256()
        for span in spans:
            body, at = span.value
            if isinstance(body, NotKept):
                return None
            for octets in body.pieces(span.start - at, span.stop - at):
                digest.update(octets)
        return digest.digest() == sha256

    @cached_property
    def _file(self) -> Spans[tuple[Body | NotKept, int]]:
        """Bodies of pieces, and where each begins in the file."""
        file: Spans[tuple[Body | NotKept, int]] = Spans()
        for candidate in self._pieces:
            recorded = self.cassette.exchange(candidate.id).request
            body = recorded.not_kept or recorded.body
            piece = piece_of(Request(recorded.method, recorded.target, recorded.headers))
            if piece.start is not None and candidate.status in (RESUME, DONE) and body.size == piece.announced:
                file = file.laid(piece.start, piece.start + body.size, (body, piece.start))
            if candidate.status == DONE:
                break
        return file

    @property
    def _pieces(self) -> Iterator[Candidate]:
        return (found for found in self._recorded if found.method == "PUT")

    @cached_property
    def _recorded(self) -> tuple[Candidate, ...]:
        paths = spellings(fold(self.path), self.cassette.numbers, self.cassette.uuid)
        return tuple(found for found in self.cassette.by_path(paths) if self._is_of_it(found))

    def _is_of_it(self, candidate: Candidate) -> bool:
        is_later = candidate.id > self.first and candidate.replayable
        return is_later and upload_id(candidate.query) == self.id and self._is_known(candidate)

    def _is_known(self, candidate: Candidate) -> bool:
        return self.until is None or (candidate.answered_at is not None and candidate.answered_at <= self.until)


def _digest_of(body: Body | NotKept, at: int, start: int, stop: int) -> bytes | None:
    """That of the whole body, if it is just that stretch."""
    is_whole = (at, body.size) == (start, stop - start)
    return body.sha256 if is_whole and isinstance(body, (StoredBody, NotKept)) else None
