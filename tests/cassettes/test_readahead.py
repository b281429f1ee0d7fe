"""A body is read for its client in a thread, one batch ahead, and not further."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from peertape.cassettes.bodies import BytesBody, JoinedBody
from peertape.cassettes.readahead import SIZE, read_ahead

PIECE = SIZE // 2


class Noted:
    """Counts the pieces that were read, and by which threads."""

    size = 20 * PIECE

    def __init__(self) -> None:
        self.read = 0
        self.threads: set[int] = set()

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        for _ in range(start, self.size if stop is None else stop, PIECE):
            self.read += 1
            self.threads.add(threading.get_ident())
            yield bytes(PIECE)


class Broken(Noted):
    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        yield from super().pieces(start, min(4 * PIECE, stop or self.size))
        raise OSError("the disk is gone")


def test_all_octets_in_order() -> None:
    asyncio.run(all_octets_in_order())


async def all_octets_in_order() -> None:
    body = JoinedBody([BytesBody(bytes([number]) * (PIECE + number)) for number in range(9)])
    for start, stop in ((0, None), (0, 5), (PIECE - 3, 4 * PIECE), (7, 7)):
        got = [piece async for batch in read_ahead(body, start, stop) for piece in batch]
        assert b"".join(got) == b"".join(body.pieces(start, stop))


def test_one_parcel_ahead_outside_of_the_event_loop() -> None:
    asyncio.run(one_parcel_ahead())


async def one_parcel_ahead() -> None:
    body = Noted()
    async with aclosing(read_ahead(body)) as found:
        assert sum(map(len, await anext(found))) == SIZE
        assert 2 <= body.read <= 4
    assert threading.get_ident() not in body.threads


def test_what_cannot_be_read_is_an_error() -> None:
    asyncio.run(what_cannot_be_read())


async def what_cannot_be_read() -> None:
    found = read_ahead(Broken())
    assert [sum(map(len, await anext(found))) for _ in range(2)] == [SIZE, SIZE]
    with pytest.raises(OSError, match="gone"):
        await anext(found)
