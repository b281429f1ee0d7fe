"""Many answers at once on one HTTP/2 connection: what mitmproxy leaves to its addons.

It goes on reading an answer that the client does not take: what exceeds the stream's window (RFC 9113 section 5.2)
stays in memory. And for each client it opens five connections to one address at most, which five films that nobody
watches would keep from everything else.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakValueDictionary

from mitmproxy import ctx, http
from mitmproxy.connection import Client
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers.http import HttpLayer
from mitmproxy.proxy.layers.http._http2 import Http2Server

HELD = 1024 * 1024  # octets of an answer that may wait for the client
SOONEST, LATEST = 0.002, 0.1  # seconds between two looks: nobody tells of a window that has grown
AT_ONCE = 100  # streams of a connection (RFC 9113 section 6.5.2)


class Multiplexing:
    def __init__(self) -> None:
        self._contexts: WeakValueDictionary[str, Context] = WeakValueDictionary()  # the innermost, by its client's id

    def client_connected(self, client: Client, address: tuple[str, int]) -> None:
        """From now on as many connections lead from this client to the address as it can have streams."""
        proxy: Any = ctx.master.addons.get("proxyserver")
        proxy.connections[client.id].max_conns[address] = asyncio.Semaphore(AT_ONCE)

    def next_layer(self, layer: NextLayer) -> None:
        self._contexts[layer.context.client.id] = layer.context

    async def room(self, flow: http.HTTPFlow) -> None:
        """Waits until the client has taken most of what was sent to it."""
        delay = SOONEST
        while self._held(flow) > HELD:
            await asyncio.sleep(delay)
            delay = min(2 * delay, LATEST)

    def _held(self, flow: http.HTTPFlow) -> int:
        context = self._contexts.get(flow.client_conn.id)
        layer = context.layers[-1] if context is not None else None
        if not isinstance(layer, HttpLayer):
            return 0
        client = layer.connections.get(flow.client_conn)
        if not isinstance(client, Http2Server):
            return 0
        stream = next((stream for stream in layer.streams.values() if stream.flow is flow), None)
        held = client.h2_conn.stream_buffers.get(stream.stream_id, ()) if stream is not None else ()
        return sum(len(piece.data) for piece in held)
