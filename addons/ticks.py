"""Bodies that are at hand in this process: over the loopback connection travels one octet, a tick, for each parcel of
them, and where mitmproxy streams the answer to the client, the tick is exchanged for the parcel.

So no octet of a film is sent twice. mitmproxy reads the next tick when the client's connection has taken the last
parcel, and the next parcel is not asked for before its tick was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from peertape.cassettes.parcels import Parcel

TICK = b"."


class Ticks:
    """The ticks of one answer: an asynchronous iterable of them, and the step that makes parcels of them."""

    def __init__(self, parcels: AsyncIterator[Parcel]) -> None:
        self._parcels = parcels
        self._parcel: Parcel = ()
        self._taken = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The next tick comes when the last one has been read."""
        async for parcel in self._parcels:
            self._parcel = parcel
            self._taken.clear()
            yield TICK
            await self._taken.wait()

    def exchange(self, data: bytes) -> Iterable[bytes]:
        """A step of a stream, see `streams`."""
        parcel, self._parcel = self._parcel, ()
        self._taken.set()
        return parcel if data else ()
