"""Reading a body for a client while the event loop goes on: in a thread, and one batch ahead of what is being sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from peertape.cassettes.bodies import Body
from peertape.cassettes.pool import BODY_READERS

SIZE = 2 * 1024 * 1024  # octets, about: to wake a thread takes as long as to read some hundred thousand
Batch = Sequence[bytes]

_THREADS = ThreadPoolExecutor(BODY_READERS, "peertape-reading")


async def read_ahead(body: Body, start: int = 0, stop: int | None = None) -> AsyncGenerator[Batch]:
    """The octets [start, stop) of a body."""
    loop = asyncio.get_running_loop()
    source = _filled(body.pieces(start, stop))
    ahead = loop.run_in_executor(_THREADS, next, source, ())
    try:
        while batch := await ahead:
            ahead = loop.run_in_executor(_THREADS, next, source, ())
            yield batch
    finally:
        ahead.cancel()  # it may be under way, and ends by itself


def _filled(pieces: Iterator[bytes]) -> Iterator[Batch]:
    batch: list[bytes] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece)
        if size >= SIZE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
