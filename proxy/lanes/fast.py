"""The fast lane: the engine's ASGI application on granian, in the event loop of this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from granian.constants import Interfaces, SSLProtocols
from granian.errors import FatalError
from granian.server.embed import Server

from peertape.addons.sockets import Asgi
from peertape.proxy.lanes.application import Application
from peertape.proxy.lanes.connections import BACKLOG, most_connections
from peertape.proxy.lanes.endpoint import Endpoint, Listening
from peertape.proxy.lanes.lane import BrokenLaneError, LaneError, Ready, spelled, stopped_by_signals
from peertape.proxy.lanes.loop import EventLoop

RETRY = 0.001  # seconds between two looks whether the server answers yet: it takes two or three milliseconds
GRACE = 3.0  # seconds that answers under way have when the lane is told to stop
PATIENCE = 10.0  # seconds until it has to


@dataclass(frozen=True, slots=True)
class FastLane:
    listening: Listening
    application: Application

    async def run(self, ready: Ready) -> None:
        """Serves until SIGINT, SIGTERM or cancellation. `ready` is told where, as soon as it answers."""
        with self.listening.endpoint() as endpoint:
            await self._serve(ready, endpoint)

    async def _serve(self, ready: Ready, endpoint: Endpoint) -> None:
        stop = asyncio.Event()
        with stopped_by_signals(stop.set):
            telling = asyncio.ensure_future(self._tell(ready, endpoint))
            telling.add_done_callback(lambda told: stop.set() if told.cancelled() or told.exception() else None)
            try:
                await serve(self.application, endpoint, stop)
            finally:
                telling.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await telling

    async def _tell(self, ready: Ready, endpoint: Endpoint) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await _answering(*endpoint.reached)
        except TimeoutError as error:
            raise LaneError(f"Nothing answers at {spelled(endpoint.reached)}: granian did not start.") from error
        await ready(endpoint.addresses)


async def serve(application: Asgi, endpoint: Endpoint, stop: asyncio.Event) -> None:
    """Until `stop`, or cancellation; other processes may serve the same port (SO_REUSEPORT).

    What is being answered then has `GRACE` seconds; granian alone would wait for clients that never leave.
    """
    certificate = endpoint.certificate
    server = Server(
        application,
        address=endpoint.host,
        port=endpoint.port,
        interface=Interfaces.ASGINL,
        backlog=BACKLOG,
        backpressure=most_connections(),
        log_enabled=False,
        ssl_cert=certificate.file if certificate else None,
        ssl_key=certificate.key if certificate else None,
        ssl_protocol_min=SSLProtocols.tls12,
    )
    loop = asyncio.get_running_loop()
    if isinstance(loop, EventLoop):
        loop.lends = True
    end: Callable[[], None] = server.stop
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        end()
        await asyncio.wait((serving,), timeout=GRACE)
        loop.set_exception_handler(_but_for_the_late)
        serving.cancel()
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    except FatalError as error:
        raise LaneError(f"granian could not start: {error}") from error
    if not stop.is_set():
        raise BrokenLaneError("granian ended by itself.")


def _but_for_the_late(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """granian tells that it has ended even when nobody waits for that any more."""
    if not isinstance(context.get("exception"), asyncio.InvalidStateError):
        loop.default_exception_handler(context)


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
