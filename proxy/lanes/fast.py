"""The fast lane: the engine's ASGI application on granian, in the event loop of this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass

from granian.constants import Interfaces
from granian.errors import FatalError
from granian.server.embed import Server

from peertape.proxy.lanes.application import Application
from peertape.proxy.lanes.lane import (
    Addresses,
    LaneError,
    Ready,
    demand_free,
    free_port,
    reachable,
    spelled,
    stopped_by_signals,
)

RETRY = 0.01  # seconds between two looks whether the server answers yet
PATIENCE = 10.0  # seconds until it has to


@dataclass(frozen=True, slots=True)
class FastLane:
    """`listen` is (host, port)."""

    listen: tuple[str, int]
    application: Application

    async def run(self, ready: Ready) -> None:
        """Serves until SIGINT, SIGTERM or cancellation. `ready` is told where, as soon as it answers."""
        demand_free(self.listen)
        host, port = self.listen[0], self.listen[1] or free_port(0)
        server = Server(
            self.application, address=_numeric(host), port=port, interface=Interfaces.ASGINL, log_enabled=False
        )
        stop: Callable[[], None] = server.stop
        with stopped_by_signals(stop):
            serving = asyncio.ensure_future(server.serve())
            telling = asyncio.ensure_future(self._tell(reachable(host), port, ready))
            try:
                await asyncio.wait((serving, telling), return_when=asyncio.FIRST_COMPLETED)
                if telling.done():
                    telling.result()
                await asyncio.shield(serving)
            except FatalError as error:
                raise LaneError(f"granian could not start: {error}") from error
            finally:
                telling.cancel()
                stop()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.gather(telling, serving, return_exceptions=True)

    async def _tell(self, host: str, port: int, ready: Ready) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await _answering(host, port)
        except TimeoutError as error:
            raise LaneError(f"Nothing answers at {spelled((host, port))}: granian did not start.") from error
        await ready(Addresses(f"http://{spelled((host, port))}", None, None))


async def _answering(host: str, port: int) -> None:
    """Waits until somebody listens there; granian does not tell."""
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(RETRY)
            continue
        writer.close()
        return


def _numeric(host: str) -> str:
    """granian takes addresses only."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise LaneError(f"Cannot listen at {host}: there is no such address.") from error
