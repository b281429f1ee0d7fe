"""Bodies on their way into the database: in chunks, compressed where that helps, and those that are alike once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import Connection, bindparam, delete, exists, func, select, update

from peertape.cassettes.chunks import CHUNK
from peertape.cassettes.inserting import Insertion
from peertape.cassettes.lookup import Lookup
from peertape.cassettes.schema import bodies, chunks

WORTH_IT = 0.95  # a chunk that stays above this share of its size is stored as it is
LEVEL = 6
MOST_WAITING = 8 * 1024 * 1024  # octets

_IS_KEPT = exists().where(chunks.c.body_id == bodies.c.id).label("is_kept")
_LAST = select(func.max(bodies.c.id))
_COMPLETE = (
    update(bodies).where(bodies.c.id == bindparam("body")).values(sha256=bindparam("digest"), size=bindparam("octets"))
)
_MOVE_CHUNKS = update(chunks).where(chunks.c.body_id == bindparam("body")).values(body_id=bindparam("known"))
_DROP_CHUNKS = delete(chunks).where(chunks.c.body_id == bindparam("body"))
_DROP_BODY = delete(bodies).where(bodies.c.id == bindparam("body"))


@dataclass(slots=True)
class BodyNumber:
    """The id of a body, known after the next `flush` of the store."""

    id: int | None = None


@dataclass(slots=True)
class _Waiting:
    """A small body. `data` is None if none of its octets are kept."""

    number: BodyNumber
    size: int
    data: bytes | None


class BodyStore:
    """The bodies of one cassette that is written. Small ones wait for `flush`, which asks for all of them at once
    whether they are known; of big ones each chunk is handed over as soon as it is full.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._find = Lookup(connection, bodies.c.sha256, bodies.c.id, bodies.c.sha256, _IS_KEPT)
        self._add_bodies = Insertion(connection, bodies)
        self._add_chunks = Insertion(connection, chunks)
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._last: int = connection.execute(_LAST).scalar() or 0
        self._waiting: dict[bytes, _Waiting] = {}
        self._bodies: dict[int, dict[str, Any]] = {}
        self._chunks: list[dict[str, Any]] = []
        self._octets = 0

    def whole(self, digest: bytes, size: int, data: bytes | None) -> BodyNumber:
        """A body of one chunk at most; or one of which nothing is kept."""
        waiting = self._waiting.get(digest)
        if waiting is None:
            waiting = self._waiting[digest] = _Waiting(BodyNumber(), size, data)
        elif waiting.data is None:
            waiting.data = data
        else:
            return waiting.number
        self._took(len(data or b""))
        return waiting.number

    def cut(self, data: bytes) -> BodyNumber:
        """It has no address, since more of it is unknown."""
        number = self.begin()
        self.complete(number, None, len(data))
        if data:
            self.add_chunk(number, 0, data)
        return BodyNumber(number)

    def begin(self) -> int:
        self._last += 1
        self._bodies[self._last] = {"id": self._last, "sha256": None, "size": 0}
        return self._last

    def add_chunk(self, body: int, position: int, data: bytes) -> None:
        packed = self._compressor.compress(data)
        smaller = len(packed) < WORTH_IT * len(data)
        self._chunks.append(
            {
                "body_id": body,
                "position": position,
                "size": len(data),
                "coding": "zstd" if smaller else "identity",
                "data": packed if smaller else data,
            }
        )
        self._took(len(data))

    def complete(self, body: int, digest: bytes | None, size: int) -> None:
        if (row := self._bodies.get(body)) is not None:
            row["sha256"], row["size"] = digest, size
        else:
            self._connection.execute(_COMPLETE, {"body": body, "digest": digest, "octets": size})

    def take_known(self, body: int, digest: bytes) -> int | None:
        """The body of that digest that is there already, instead of `body`; that gives its chunks if it lacks them."""
        if digest in self._waiting:
            self.flush()
        for number, row in self._bodies.items():
            if row["sha256"] == digest:
                self.discard(body)
                return number
        known = next(iter(self._find([digest])), None)
        if known is None:
            return None
        if not known.is_kept:
            self.flush()
            self._connection.execute(_MOVE_CHUNKS, {"body": body, "known": known.id})
        self.discard(body)
        return int(known.id)

    def discard(self, body: int) -> None:
        """What was not written yet never is."""
        self._chunks = [row for row in self._chunks if row["body_id"] != body]
        if self._bodies.pop(body, None) is None:
            self._connection.execute(_DROP_CHUNKS, {"body": body})
            self._connection.execute(_DROP_BODY, {"body": body})

    def flush(self) -> None:
        waiting, self._waiting, self._octets = self._waiting, {}, 0
        known = {row.sha256: row for row in self._find(waiting)}
        for digest, body in waiting.items():
            row = known.get(digest)
            if row is None:
                body.number.id = self.begin()
                self.complete(body.number.id, digest, body.size)
            else:
                body.number.id = row.id
            if body.data and (row is None or not row.is_kept):
                self.add_chunk(body.number.id, 0, body.data)
        self._add_bodies(list(self._bodies.values()))
        self._bodies = {}
        self._add_chunks(self._chunks)
        self._chunks = []

    def _took(self, octets: int) -> None:
        self._octets += octets
        if self._octets > MOST_WAITING:
            self.flush()


class BodyWriter:
    """Takes one body piece by piece.

    Of a body with more octets than `largest` none are kept: only what they are, and how many.
    """

    def __init__(self, store: BodyStore, largest: int | None = None) -> None:
        self._store = store
        self._largest = largest
        self._forgone = 0
        self._digest = hashlib.sha256()
        self._pending = bytearray()
        self._stored = 0
        self._number: int | None = None  # once a chunk was handed over

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
        while len(self._pending) > CHUNK:
            self._hand_over()

    def finish(self) -> BodyNumber:
        """An equal body's number, if the cassette has it already."""
        digest = self._digest.digest()
        if self._number is None:
            return self._store.whole(digest, self.size, bytes(self._pending) if self.is_kept else None)
        self._hand_over()
        if (known := self._store.take_known(self._number, digest)) is not None:
            return BodyNumber(known)
        self._store.complete(self._number, digest, self.size)
        return BodyNumber(self._number)

    def cut(self) -> BodyNumber:
        """Keeps what there is of a body that did not end."""
        if self._number is None:
            return self._store.cut(bytes(self._pending))
        self._hand_over()
        self._store.complete(self._number, None, self.size)
        return BodyNumber(self._number)

    def discard(self) -> None:
        self._pending.clear()
        if self._number is not None:
            self._store.discard(self._number)
            self._number = None

    def _forgo(self, octets: int) -> None:
        self._forgone += self._stored + len(self._pending) + octets
        self._stored = 0
        self.discard()

    def _hand_over(self) -> None:
        """The next chunk, if there is one."""
        if not self._pending:
            return
        if self._number is None:
            self._number = self._store.begin()
        self._store.add_chunk(self._number, self._stored, bytes(self._pending[:CHUNK]))
        self._stored += min(CHUNK, len(self._pending))
        del self._pending[:CHUNK]
