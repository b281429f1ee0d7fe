"""What workers say to each other, over Unix sockets that they inherit.

Conversations of socket.io are in the memory of one worker: a poll that reaches another is forwarded to it. A client's
polls come over any connection, and the kernel gives each connection to any worker. The id that a client is greeted
with tells whose it is. What is forwarded are the events of ASGI.

What a request has changed is known to sockets and held polls at all workers when it is answered: where some wait, it
is told before.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zlib import crc32

from peertape.addons.sockets import Asgi, Receive, Scope, Send
from peertape.proxy.engine.model import SAFE
from peertape.proxy.engine.sockets.handshakes import ENGINE_IO
from peertape.proxy.lanes.application import BrokenDeliveryError

TOLD = ("type", "scheme", "method", "path", "raw_path", "query_string", "headers", "client", "server", "subprotocols")
BROKEN_OFF = (asyncio.IncompleteReadError, ConnectionError)
LENGTH = struct.Struct("!I")
CHANGED: Scope = {"type": "peertape.changed"}  # is said, and said back once it was looked at
PATIENCE = 5.0  # seconds for that; who takes longer looks by itself
GONE: dict[str, Scope] = {
    "http": {"type": "http.disconnect"},
    "websocket": {"type": "websocket.disconnect", "code": 1006},
}
ENDS = tuple(event["type"] for event in GONE.values())


class Neighbours:
    """The workers of a run, numbered from 0 up; made before they are forked. `folder` is theirs alone."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        # The path of a socket has 107 octets at most (unix(7)), and that of the folder may be longer.
        self.paths = [f"/proc/self/fd/{self._folder}/{number}" for number in range(count)]
        self.listeners = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(count)]
        for listener, path in zip(self.listeners, self.paths, strict=True):
            listener.bind(path)
            listener.listen()
        self.waiting = RawArray("Q", count)  # sockets and polls at each of them, which it alone counts

    def owner(self, sid: str) -> int:
        """The number of the worker that has the conversation."""
        return crc32(sid.encode("utf-8", "surrogatepass")) % len(self.paths)

    def close(self) -> None:
        for listener in self.listeners:
            listener.close()
        os.close(self._folder)


class Forwarding:
    """An ASGI application: that of worker `number`, but what belongs to a neighbour is forwarded to it.

    `look` has those who wait here look at what neighbours have changed.
    """

    def __init__(self, application: Asgi, neighbours: Neighbours, number: int, look: Callable[[], None]) -> None:
        self._application = application
        self._neighbours = neighbours
        self._number = number
        self._look = look

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["path"] == ENGINE_IO:
            sid = parse_qs(scope["query_string"].decode("latin-1")).get("sid", [""])[-1]
            owner = self._neighbours.owner(sid) if sid else self._number
            if owner != self._number:
                return _forward(self._neighbours.paths[owner], scope, receive, send)
            return self._wait(scope, receive, send)
        if scope["type"] == "websocket":
            return self._wait(scope, receive, send)
        if scope["type"] == "http" and scope["method"] not in SAFE:
            return self._change(scope, receive, send)
        return self._application(scope, receive, send)

    async def _wait(self, scope: Scope, receive: Receive, send: Send) -> None:
        waiting, number = self._neighbours.waiting, self._number
        waiting[number] += 1
        try:
            await self._application(scope, receive, send)
        finally:
            waiting[number] -= 1

    async def _change(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_when_known(event: Scope) -> None:
            if event["type"] == "http.response.start":
                await self._tell_neighbours()
            await send(event)

        await self._application(scope, receive, send_when_known)

    async def _tell_neighbours(self) -> None:
        waiting, paths = self._neighbours.waiting, self._neighbours.paths
        others = [path for number, path in enumerate(paths) if number != self._number and waiting[number]]
        await asyncio.gather(*map(_tell, others))

    @contextlib.asynccontextmanager
    async def open_to_neighbours(self) -> AsyncIterator[None]:
        server = await asyncio.start_unix_server(self._serve_neighbour, sock=self._neighbours.listeners[self._number])
        try:
            yield
        finally:
            server.close()

    async def _serve_neighbour(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A neighbour has a request for us; if the connection ends before the answer does, the answer is broken."""
        with contextlib.closing(writer), contextlib.suppress(*BROKEN_OFF):
            scope = await _read(reader)
            if scope["type"] == CHANGED["type"]:
                self._look()
                await asyncio.sleep(0)  # who was woken goes first
                await _write(writer, CHANGED)
                return

            async def receive() -> Scope:
                try:
                    return await _read(reader)
                except BROKEN_OFF:
                    return dict(GONE[scope["type"]])

            async def send(event: Scope) -> None:
                await _write(writer, event)

            with contextlib.suppress(BrokenDeliveryError):
                await self._wait(scope, receive, send)


async def _tell(path: str) -> None:
    """A neighbour that has ended, or has no time, is told in vain."""
    with contextlib.suppress(OSError, TimeoutError, *BROKEN_OFF):
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(path)
            with contextlib.closing(writer):
                await _write(writer, CHANGED)
                await _read(reader)


async def _forward(path: str, scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(0)  # in the thread of the loop: see `EventLoop`
    reader, writer = await asyncio.open_unix_connection(path)

    async def say() -> None:
        event: Scope = {"type": ""}
        while event["type"] not in ENDS:
            event = await receive()
            await _write(writer, event)

    with contextlib.closing(writer):
        told = {name: scope[name] for name in TOLD if name in scope}
        await _write(writer, {**told, "extensions": dict(scope.get("extensions") or {})})
        saying = asyncio.ensure_future(say())
        try:
            whole = False
            while not whole:
                event = await _read(reader)
                await send(event)
                whole = event["type"] == "http.response.body" and not event.get("more_body", False)
        except BROKEN_OFF as error:
            if scope["type"] == "http":
                raise BrokenDeliveryError("the worker whose it is broke off") from error
        finally:
            saying.cancel()
            await asyncio.gather(saying, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> dict[str, Any]:
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    event: dict[str, Any] = pickle.loads(await reader.readexactly(length))
    return event


async def _write(writer: asyncio.StreamWriter, event: Scope) -> None:
    data = pickle.dumps(dict(event))
    writer.write(LENGTH.pack(len(data)) + data)
    await writer.drain()
