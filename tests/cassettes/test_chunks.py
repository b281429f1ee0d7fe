"""Bodies in the database: what was written piece by piece reads back at any slice, from the chunks that it needs."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.pool import StaticPool

from peertape.cassettes import schema
from peertape.cassettes.bodywriter import BodyStore, BodyWriter
from peertape.cassettes.chunks import CHUNK, StoredBody
from peertape.cassettes.errors import CassetteCorrupted

NOISE = random.Random(1).randbytes(3 * CHUNK + 1)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = in_memory()
    yield made
    made.dispose()


def in_memory() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    schema.metadata.create_all(engine)
    return engine


def stored(engine: Engine, *pieces: bytes, cut: bool = False) -> StoredBody:
    with engine.begin() as connection:
        store = BodyStore(connection)
        writer = BodyWriter(store)
        for piece in pieces:
            writer.write(piece)
        size = writer.size
        body = writer.cut() if cut else writer.finish()
        store.flush()
        assert body.id is not None
        return StoredBody(engine, body.id, size)


def rows(engine: Engine, table: object) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]


pieces_of_noise = st.lists(
    st.tuples(st.integers(0, CHUNK), st.integers(0, 2 * CHUNK), st.booleans()).map(
        lambda given: b"a" * given[1] if given[2] else NOISE[given[0] : given[0] + given[1]]
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(pieces_of_noise, st.data())
def test_what_was_written_reads_back(pieces: list[bytes], data: st.DataObject) -> None:
    engine = in_memory()
    try:
        whole = b"".join(pieces)
        body = stored(engine, *pieces)
        assert body.size == len(whole)
        assert b"".join(body.pieces()) == whole
        start = data.draw(st.integers(0, len(whole) + 1))
        stop = data.draw(st.none() | st.integers(0, len(whole) + 10))
        assert b"".join(body.pieces(start, stop)) == whole[start:stop]
    finally:
        engine.dispose()


def test_equal_bodies_are_stored_once(engine: Engine) -> None:
    first = stored(engine, NOISE)
    assert rows(engine, schema.chunks) == 4
    again = stored(engine, *(NOISE[at : at + 1000] for at in range(0, len(NOISE), 1000)))
    other = stored(engine, NOISE[1:])
    assert first.id == again.id != other.id
    assert rows(engine, schema.bodies) == 2
    assert rows(engine, schema.chunks) == 4 + 3


def test_a_cut_body_is_never_taken_for_a_whole_one(engine: Engine) -> None:
    cut = stored(engine, b"half", cut=True)
    assert b"".join(cut.pieces()) == b"half"
    whole = stored(engine, b"half")
    assert whole.id != cut.id
    assert stored(engine, b"half", cut=True).id not in (cut.id, whole.id)


def test_a_discarded_body_leaves_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        store = BodyStore(connection)
        writer = BodyWriter(store)
        writer.write(NOISE)
        writer.discard()
        store.flush()
    assert rows(engine, schema.bodies) == rows(engine, schema.chunks) == 0


def test_only_what_zstd_makes_smaller_is_compressed(engine: Engine) -> None:
    stored(engine, b"a" * CHUNK + NOISE[:CHUNK] + b"b" * 10)
    with engine.connect() as connection:
        found = connection.execute(select(schema.chunks).order_by(schema.chunks.c.position)).all()
    assert [(row.position, row.size, row.coding) for row in found] == [
        (0, CHUNK, "zstd"),
        (CHUNK, CHUNK, "identity"),
        (2 * CHUNK, 10, "identity"),
    ]
    assert len(found[0].data) < CHUNK // 100
    assert found[1].data == NOISE[:CHUNK]


def test_a_range_near_the_end_reads_only_its_chunks(engine: Engine) -> None:
    body = stored(engine, NOISE * 10)
    read: list[int] = []

    @event.listens_for(engine, "after_cursor_execute")
    def count(*_event: object) -> None:
        read.append(1)

    assert b"".join(body.pieces(body.size - 10)) == NOISE[-10:]
    assert len(read) == 1
    read.clear()
    around = body.size // CHUNK * CHUNK  # where the last chunk begins
    assert len(b"".join(body.pieces(around - 10, around + 10))) == 20
    assert len(read) == 2
    read.clear()
    pieces = body.pieces(0)
    next(pieces)
    assert len(read) == 1


def test_a_missing_chunk_is_damage(engine: Engine) -> None:
    body = stored(engine, NOISE)
    with engine.begin() as connection:
        connection.execute(schema.chunks.delete().where(schema.chunks.c.position == CHUNK))
    with pytest.raises(CassetteCorrupted, match="damaged"):
        list(body.pieces())
