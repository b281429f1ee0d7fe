"""The engine as a plain ASGI application (specification 3.0): for the fast lane, and for tests in process.

ASGI wants lower-case header names, and carries no reason phrase; otherwise an answer is what the proxy lane gives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any
from urllib.parse import quote

from peertape.cassettes.bodies import Body, read
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.bodyfilter import BodyFilter
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.defects import defect
from peertape.proxy.engine.model import Answer, Delivery, Request
from peertape.proxy.engine.session import Sessions

logger = logging.getLogger(__name__)

LARGEST_HELD = 8 * 1024 * 1024  # octets of a request body; of a longer one only the digest is kept
SMALL = 1024 * 1024  # octets of an answer that is sent at once
PIECES_AT_ONCE = 1024 * 1024  # octets of a larger one that are read in one go, outside of the event loop
OF_THE_CONNECTION = ("connection", "keep-alive", "proxy-connection", "transfer-encoding")
BODILESS = (204, 304)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
DigestOf = Callable[[Headers], BodyFilter]


class BrokenDeliveryError(Exception):
    """A fault: the server is to break the connection off, since the answer is not whole."""


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


class Application:
    """`digest_of` gives the filter that tells the canonical digest of a request body too big to be held."""

    def __init__(self, engine: Engine, sessions: Sessions, digest_of: DigestOf) -> None:
        self._engine = engine
        self._sessions = sessions
        self._digest_of = digest_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "websocket":
                await receive()
                await send({"type": "websocket.close"})  # before it was accepted: the handshake is refused
            case "lifespan":
                await _lifespan(receive, send)
            case kind:
                raise ValueError(f"no such kind of ASGI connection: {kind}")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = await self._request(scope, receive)
        except ClientGoneError:
            return
        answer = self._answer(request)
        await asyncio.sleep(answer.delay)
        if answer.delivery is Delivery.RESET:
            raise BrokenDeliveryError("reset")
        headers = answer.headers.without(*OF_THE_CONNECTION).lower().to_bytes()
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        bodiless = request.method == "HEAD" or answer.status in BODILESS
        if not bodiless:
            await _send_body(answer, receive, send)
        await send({"type": "http.response.body"})

    def _answer(self, request: Request) -> Answer:
        try:
            return self._engine.answer(request, self._sessions.of(request))
        except Exception as error:
            logger.exception("a defect of peertape: %s %.200s has no answer", request.method, request.path)
            return defect(error)

    async def _request(self, scope: Scope, receive: Receive) -> Request:
        headers = Headers.from_bytes(tuple(scope["headers"]))
        body, digest = await self._body(headers, receive)
        client, server = scope.get("client"), scope.get("server")
        return Request(
            scope["method"],
            _target(scope),
            headers,
            body,
            digest,
            scope.get("scheme", "http"),
            str(client[0]) if client else "",
            port=int(server[1]) if server and server[1] else None,
        )

    async def _body(self, headers: Headers, receive: Receive) -> tuple[bytes, bytes | None]:
        """The body, or the digest of one that is too big. Raises ClientGoneError."""
        held = bytearray()
        digest: BodyFilter | None = None
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            more = message.get("more_body", False)
            piece = message.get("body", b"")
            if digest is not None:
                digest.feed(piece)
                continue
            held += piece
            if len(held) > LARGEST_HELD:
                digest = self._digest_of(headers)
                digest.feed(bytes(held))
                held.clear()
        if digest is None:
            return bytes(held), None
        digest.finish()
        return b"", digest.digest


async def _send_body(answer: Answer, receive: Receive, send: Send) -> None:
    body, size = answer.body, answer.body.size
    if answer.delivery is Delivery.WHOLE:
        await _send_octets(body, size, send)
        return
    await _send_octets(body, size // 2, send)
    if answer.delivery is Delivery.STALL:
        while (await receive())["type"] != "http.disconnect":
            pass
    raise BrokenDeliveryError(answer.delivery.value)


async def _send_octets(body: Body, stop: int, send: Send) -> None:
    if body.size <= SMALL:
        await send({"type": "http.response.body", "body": read(body)[:stop], "more_body": True})
        return
    pieces = body.pieces(0, stop)
    while octets := await asyncio.to_thread(_next_octets, pieces):
        await send({"type": "http.response.body", "body": octets, "more_body": True})


def _next_octets(pieces: Iterator[bytes]) -> bytes:
    """Several pieces at once: going into a thread and back costs more than reading one."""
    found: list[bytes] = []
    size = 0
    for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size >= PIECES_AT_ONCE:
            break
    return b"".join(found)


def _target(scope: Scope) -> str:
    """As spelled on the wire, as far as ASGI tells."""
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope.get("query_string", b"")
    return bytes(raw + b"?" + query if query else raw).decode("latin-1")


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
