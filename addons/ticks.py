"""Bodies that are at hand in this process: over the loopback connection travels one octet, a tick, for each batch of
them, and where mitmproxy streams the answer to the client, the tick is exchanged for the batch.

So no octet of a film is sent twice. mitmproxy reads the next tick when the client's connection has taken the last
batch, and the next batch is not asked for before its tick was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from peertape.cassettes.readahead import Batch

TICK = b"."


class Ticks:
    """The ticks of one answer: an asynchronous iterable of them, and the step that makes batches of them."""

    def __init__(self, batches: AsyncIterator[Batch]) -> None:
        self._batches = batches
        self._batch: Batch = ()
        self._taken = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The next tick comes when the last one has been read."""
        async for batch in self._batches:
            self._batch = batch
            self._taken.clear()
            yield TICK
            await self._taken.wait()

    def exchange(self, data: bytes) -> Iterable[bytes]:
        """A step of a stream, see `streams`."""
        batch, self._batch = self._batch, ()
        self._taken.set()
        return batch if data else ()
