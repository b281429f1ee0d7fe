"""The upgrade to a WebSocket (RFC 6455, section 4)."""

from __future__ import annotations

from peertape.cassettes.headers import Headers
from peertape.cassettes.model import SWITCHED
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.sockets.model import Endpoint

ENGINE_IO = "/socket.io/"  # the path of engine.io, which is asked by polls too
PROTOCOL = "sec-websocket-protocol"
# What an upgrade is answered with is settled by the lane that carries it; compression is never agreed on.
OF_THE_LANE = ("sec-websocket-accept", "sec-websocket-extensions", "content-length", "date")


def is_upgrade(request: Request) -> bool:
    """Whether a client asks for a WebSocket."""
    if request.method != "GET" or (request.headers.get("upgrade") or "").strip().lower() != "websocket":
        return False
    return "upgrade" in _tokens(request.headers, "connection")


def concerns_sockets(request: Request) -> bool:
    """Whether it is an upgrade, or for engine.io."""
    return request.path == ENGINE_IO or is_upgrade(request)


def switched(request: Request, endpoint: Endpoint, head: Headers | None = None) -> Answer:
    """The answer to an upgrade; `head`: as it was recorded."""
    headers = Headers((("Upgrade", "websocket"), ("Connection", "Upgrade"))) if head is None else head
    headers = headers.without(*OF_THE_LANE)
    offered = _tokens(request.headers, PROTOCOL)
    if (chosen := headers.get(PROTOCOL)) is not None and chosen.strip().lower() not in offered:
        headers = headers.without(PROTOCOL)
    return Answer(SWITCHED, headers, reason="Switching Protocols", socket=endpoint)


def _tokens(headers: Headers, name: str) -> list[str]:
    return [token.strip().lower() for value in headers.get_all(name) for token in value.split(",")]
