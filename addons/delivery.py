"""Connections that break on demand."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

from mitmproxy import ctx, http

AT_ONCE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)  # linger for no time: the system sends a TCP reset


def close(flow: http.HTTPFlow) -> None:
    """Closes the client's connection without an answer; of HTTP/2 and 3 the one stream."""
    if flow.killable:
        flow.kill()


def reset(flow: http.HTTPFlow) -> None:
    """Resets the client's connection; of HTTP/2 and 3 the one stream, for the others are not to suffer."""
    if not (flow.request.is_http2 or flow.request.is_http3):
        server: Any = ctx.master.addons.get("proxyserver")
        handler = server.connections[flow.client_conn.id]
        writer = handler.transports[flow.client_conn].writer
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        writer.transport.abort()
    if flow.killable:
        flow.kill()
