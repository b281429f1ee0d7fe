"""Reading a body for a client while the event loop goes on: in a thread, and one parcel ahead of what is being sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from peertape.cassettes.bodies import Body
from peertape.cassettes.pool import BODY_READERS

SIZE = 2 * 1024 * 1024  # octets, about: to wake a thread takes as long as to read some hundred thousand
Parcel = Sequence[bytes]

_THREADS = ThreadPoolExecutor(BODY_READERS, "peertape-reading")


async def parcels(body: Body, start: int = 0, stop: int | None = None) -> AsyncGenerator[Parcel]:
    """The octets [start, stop) of a body."""
    loop = asyncio.get_running_loop()
    source = _filled(body.pieces(start, stop))
    ahead = loop.run_in_executor(_THREADS, next, source, ())
    try:
        while parcel := await ahead:
            ahead = loop.run_in_executor(_THREADS, next, source, ())
            yield parcel
    finally:
        ahead.cancel()  # it may be under way, and ends by itself


def _filled(pieces: Iterator[bytes]) -> Iterator[Parcel]:
    parcel: list[bytes] = []
    size = 0
    for piece in pieces:
        parcel.append(piece)
        size += len(piece)
        if size >= SIZE:
            yield parcel
            parcel, size = [], 0
    if parcel:
        yield parcel
