"""Bodies in the database: in chunks, content-addressed, compressed where that helps. Reading them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import Engine, Select, bindparam, select
from sqlalchemy.exc import DBAPIError, OperationalError

from peertape.cassettes.errors import CassetteCorrupted, ServerAway
from peertape.cassettes.schema import chunks

CHUNK = 256 * 1024  # octets of a body per row: what a Range near the end has to read at most
AT_ONCE = 8  # chunks that one statement reads

_COLUMNS = select(chunks.c.position, chunks.c.size, chunks.c.coding, chunks.c.data).where(
    chunks.c.body_id == bindparam("body")
)
_AROUND = _COLUMNS.where(chunks.c.position <= bindparam("at")).order_by(chunks.c.position.desc()).limit(1)
_FROM = (
    _COLUMNS.where(chunks.c.position >= bindparam("at"), chunks.c.position < bindparam("end"))
    .order_by(chunks.c.position)
    .limit(AT_ONCE)
)


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
            if self._is_away(error):
                raise ServerAway(f"The connection to the server was lost before body {self.id} was read.") from error
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

    def _is_away(self, error: Exception) -> bool:
        """Whether a server is, and not the cassette damaged: of a file the same kind of error tells damage."""
        return isinstance(error, OperationalError) and self.engine.dialect.name != "sqlite"
