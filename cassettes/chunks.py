"""Bodies in the database: in chunks, content-addressed, compressed where that helps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import Connection, Engine, Select, bindparam, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from peertape.cassettes.errors import CassetteCorrupted
from peertape.cassettes.schema import bodies, chunks

CHUNK = 256 * 1024  # octets of a body per row: what a Range near the end has to read at most
WORTH_IT = 0.95  # a chunk that stays above this share of its size is stored as it is
LEVEL = 6
AT_ONCE = 8  # chunks that one statement reads

_ADD_BODY = insert(bodies)
_ADD_CHUNK = insert(chunks)
_FIND = select(bodies.c.id).where(bodies.c.sha256 == bindparam("wanted"))
_FIRST = select(chunks.c.position).where(chunks.c.body_id == bindparam("body")).limit(1)
_FINISH = (
    update(bodies).where(bodies.c.id == bindparam("body")).values(sha256=bindparam("digest"), size=bindparam("octets"))
)
_COLUMNS = select(chunks.c.position, chunks.c.size, chunks.c.coding, chunks.c.data).where(
    chunks.c.body_id == bindparam("body")
)
_AROUND = _COLUMNS.where(chunks.c.position <= bindparam("at")).order_by(chunks.c.position.desc()).limit(1)
_FROM = (
    _COLUMNS.where(chunks.c.position >= bindparam("at"), chunks.c.position < bindparam("end"))
    .order_by(chunks.c.position)
    .limit(AT_ONCE)
)


class BodyWriter:
    """Takes one body piece by piece. Every chunk is in the database as soon as it is full.

    Of a body with more octets than `largest` none are kept: only what they are, and how many.
    """

    def __init__(self, connection: Connection, largest: int | None = None) -> None:
        self._largest = largest
        self._forgone = 0
        self._connection = connection
        self._digest = hashlib.sha256()
        self._pending = bytearray()
        self._stored = 0
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self.id: int | None = None

    @property
    def size(self) -> int:
        return self._stored + len(self._pending) + self._forgone

    @property
    def is_kept(self) -> bool:
        return not self._forgone

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        if self._largest is not None and self.size + len(data) > self._largest:
            self._forgo(len(data))
            return
        self._pending += data
        while len(self._pending) >= CHUNK:
            self._store(bytes(self._pending[:CHUNK]))
            del self._pending[:CHUNK]

    def finish(self) -> int:
        """The body's id: an equal one's, if the cassette has it already."""
        digest = self._digest.digest()
        known = self._connection.execute(_FIND, {"wanted": digest}).scalar()
        if known is not None:
            return self._instead(int(known))
        self._flush()
        self._connection.execute(_FINISH, {"body": self.id, "digest": digest, "octets": self.size})
        assert self.id is not None
        return self.id

    def keep_nothing(self, size: int, digest: bytes) -> int:
        """Of a body that was not kept where it comes from."""
        known = self._connection.execute(_FIND, {"wanted": digest}).scalar()
        if known is not None:
            return int(known)
        self._begin()
        assert self.id is not None
        self._connection.execute(_FINISH, {"body": self.id, "digest": digest, "octets": size})
        return self.id

    def cut(self) -> int:
        """Keeps what there is of a body that did not end; it has no address, since more of it is unknown."""
        self._flush()
        self._connection.execute(_FINISH, {"body": self.id, "digest": None, "octets": self.size})
        assert self.id is not None
        return self.id

    def discard(self) -> None:
        if self.id is not None:
            self._connection.execute(delete(chunks).where(chunks.c.body_id == self.id))
            self._connection.execute(delete(bodies).where(bodies.c.id == self.id))
            self.id = None

    def _instead(self, known: int) -> int:
        """The body that the cassette has already; if none of its octets were kept, those of this one are."""
        if self.is_kept and self.size and self._connection.execute(_FIRST, {"body": known}).first() is None:
            self._flush()
            self._connection.execute(update(chunks).where(chunks.c.body_id == self.id).values(body_id=known))
        self.discard()
        self.id = known
        return known

    def _forgo(self, octets: int) -> None:
        self._forgone += self._stored + len(self._pending) + octets
        self._pending.clear()
        self._stored = 0
        self.discard()

    def _flush(self) -> None:
        self._begin()
        if self._pending:
            self._store(bytes(self._pending))
            self._pending.clear()

    def _begin(self) -> None:
        if self.id is None:
            (self.id,) = self._connection.execute(_ADD_BODY, {"size": 0}).inserted_primary_key or (None,)

    def _store(self, data: bytes) -> None:
        self._begin()
        packed = self._compressor.compress(data)
        smaller = len(packed) < WORTH_IT * len(data)
        self._connection.execute(
            _ADD_CHUNK,
            {
                "body_id": self.id,
                "position": self._stored,
                "size": len(data),
                "coding": "zstd" if smaller else "identity",
                "data": packed if smaller else data,
            },
        )
        self._stored += len(data)


def unpacked(data: bytes, coding: str, size: int) -> bytes:
    """The octets of a chunk, as its row holds them."""
    return zstandard.decompress(data, max_output_size=size) if coding == "zstd" else data


@dataclass(frozen=True, slots=True)
class StoredBody:
    """A body in the database; reads the chunks that are asked for, a few at a time."""

    engine: Engine
    id: int
    size: int
    sha256: bytes | None = None  # of all its octets; None where it was cut

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        end = self.size if stop is None else min(stop, self.size)
        at = start
        while at < end:
            for piece in self._read(_AROUND if at == start else _FROM, at, end):
                yield piece
                at += len(piece)

    def _read(self, query: Select[Any], at: int, end: int) -> list[bytes]:
        """The octets from `at` on, as far as the statement's chunks go, but no further than `end`."""
        try:
            with self.engine.connect() as connection:
                rows = connection.execute(query, {"body": self.id, "at": at, "end": end}).all()
            found = [(row.position, unpacked(row.data, row.coding, row.size)) for row in rows]
        except (DBAPIError, zstandard.ZstdError) as error:
            raise CassetteCorrupted(f"The cassette is damaged: body {self.id} cannot be read at octet {at}.") from error
        pieces = []
        for position, data in found:
            piece = data[at - position : end - position] if position <= at else b""
            if not piece:
                break
            pieces.append(piece)
            at += len(piece)
        if not pieces:
            raise CassetteCorrupted(f"The cassette is damaged: body {self.id} has no octet {at} of {self.size}.")
        return pieces
