"""The engine as a plain ASGI application (specification 3.0): for the fast lane, and for tests in process.

ASGI wants lower-case header names, and carries no reason phrase; otherwise an answer is what the proxy lane gives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from urllib.parse import quote

from peertape.addons.sockets import Receive, Scope, Send, completed, play
from peertape.cassettes.bodies import Body, read
from peertape.cassettes.headers import Headers
from peertape.cassettes.readahead import read_ahead
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.defects import defect
from peertape.proxy.engine.intake import DigestOf, Intake
from peertape.proxy.engine.model import Answer, Delivery, Request
from peertape.proxy.engine.prepared import SMALL, Key
from peertape.proxy.engine.session import Sessions
from peertape.proxy.lanes.prepared import (
    PreparedMessages,
    bodies_of,
    headers_of,
    is_bodiless,
    key_of,
    may_have_body,
)

logger = logging.getLogger(__name__)

# No ASGI server resets a connection, or ends it before it has answered: a head that promises more has to do.
UNFULFILLED = ((b"content-length", b"1"),)
HTTP_OF = {"ws": "http", "wss": "https"}
SUBPROTOCOL = "sec-websocket-protocol"
REFUSAL = "websocket.http.response"  # the extension by which a server lets a handshake be answered


class BrokenDeliveryError(Exception):
    """A fault: the server is to break the connection off, since the answer is not whole."""


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


class Application:
    """`digest_of` gives the filter that tells the canonical digest of a request body too big to be held.

    `counts`: whether what arrives of such a request (method, path) counts although the client leaves before its end.
    """

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        digest_of: DigestOf,
        counts: Callable[[str, str], bool] = lambda _method, _path: False,
        prepared: PreparedMessages | None = None,
    ) -> None:
        self._prepared = prepared
        self._counts = counts
        self._engine = engine
        self._sessions = sessions
        self._digest_of = digest_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = None if self._prepared is None or scope["type"] != "http" else key_of(scope)
        if self._prepared is not None and key is not None and (given := self._prepared.again(key)) is not None:
            delay, status, fields, body = given
            if delay:
                await asyncio.sleep(0)  # in the thread of the loop: see `EventLoop`
                await asyncio.sleep(delay)
            await send({"type": "http.response.start", "status": status, "headers": fields})
            if isinstance(body, bytes):
                await send({"type": "http.response.body", "body": body})
                return
            for message in body:
                await send(message)
            return
        await asyncio.sleep(0)  # likewise
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send, key)
            case "websocket":
                await self._websocket(scope, receive, send)
            case "lifespan":
                await _lifespan(receive, send)
            case kind:
                raise ValueError(f"no such kind of ASGI connection: {kind}")

    def changed_elsewhere(self) -> None:
        """Other processes have changed sessions: sockets and polls that wait here look at once."""
        self._sessions.changed_elsewhere()

    async def _http(self, scope: Scope, receive: Receive, send: Send, key: Key | None) -> None:
        if self._prepared is not None and key is not None:
            self._prepared.look()
        told = _without_offer(Headers.from_bytes(tuple(scope["headers"])))
        intake = Intake(told, self._digest_of)
        try:
            await _take_in(intake, receive)
        except ClientGoneError:
            if self._counts(scope["method"], scope["path"]):
                self._answer(_request(scope, told, intake))
            await _refuse(send)
            return
        request = _request(scope, told, intake)
        answer = self._answer(request)
        if self._prepared is not None and key is not None and not may_have_body(scope["headers"]):
            self._prepared.keep(key, answer)
        await asyncio.sleep(answer.delay)
        if answer.delivery in (Delivery.RESET, Delivery.CLOSED):
            await send({"type": "http.response.start", "status": 200, "headers": UNFULFILLED})
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            raise BrokenDeliveryError(answer.delivery.value)
        if answer.pending is not None:
            try:
                answer = await _completed(answer, receive)
            except ClientGoneError:
                return
        await send({"type": "http.response.start", "status": answer.status, "headers": headers_of(answer).to_bytes()})
        bodiless = is_bodiless(request.method, answer)
        if bodiless or (answer.delivery is Delivery.WHOLE and answer.body.size <= SMALL):
            for message in bodies_of(answer, bodiless=bodiless):
                await send(message)
            return
        await _send_body(answer, receive, send)
        await send({"type": "http.response.body"})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # that it connects
        answer = self._answer(_upgrade(scope))
        await asyncio.sleep(answer.delay)
        if answer.socket is not None:
            protocol = answer.headers.get(SUBPROTOCOL)
            own = answer.headers.without("upgrade", "connection", SUBPROTOCOL).lower().to_bytes()
            try:
                await send({"type": "websocket.accept", "subprotocol": protocol, "headers": own})
                await play(answer.socket, receive, send)
            finally:
                answer.socket.gone()  # the client may not have waited
        elif REFUSAL in scope.get("extensions", {}) and answer.delivery is Delivery.WHOLE:
            await send({"type": f"{REFUSAL}.start", "status": answer.status, "headers": headers_of(answer).to_bytes()})
            await send({"type": f"{REFUSAL}.body", "body": read(answer.body)})
        else:
            await send({"type": "websocket.close"})  # before it was accepted: the handshake is refused

    def _answer(self, request: Request) -> Answer:
        try:
            return self._engine.answer(request, self._sessions.of(request))
        except Exception as error:
            logger.exception("a defect of peertape: %s %.200s has no answer", request.method, request.path)
            return defect(error)


async def _refuse(send: Send) -> None:
    """A body that cannot be read looks as if its client had gone: whoever is still there is told what Node tells."""
    await send({"type": "http.response.start", "status": 400, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body"})


async def _take_in(intake: Intake, receive: Receive) -> None:
    """Raises ClientGoneError."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        more = message.get("more_body", False)
        if piece := message.get("body", b""):
            intake.feed(piece)
    intake.finish()


def _request(scope: Scope, headers: Headers, intake: Intake) -> Request:
    told = _told(scope, scope["method"], headers)
    return replace(told, body=intake.body, body_digest=intake.digest, passed=intake.passed)


def _told(scope: Scope, method: str, headers: Headers) -> Request:
    """The request, as far as its head tells."""
    client, server = scope.get("client"), scope.get("server")
    scheme = scope.get("scheme", "http")
    return Request(
        method,
        _target(scope),
        headers,
        scheme=str(HTTP_OF.get(scheme, scheme)),
        client=str(client[0]) if client else "",
        port=int(server[1]) if server and server[1] else None,
    )


def _without_offer(headers: Headers) -> Headers:
    """The offer to go on in HTTP/2 is left alone (RFC 9110, section 7.8), as mitmproxy and PeerTube leave it.

    `curl --http2` and Java's HttpClient make it with each request over http.
    """
    offered = headers.get("upgrade")
    if offered is None or offered.strip().lower() != "h2c":
        return headers
    return headers.without("upgrade", "connection", "http2-settings")


def _upgrade(scope: Scope) -> Request:
    """With the headers that some servers keep to themselves."""
    headers = Headers.from_bytes(tuple(scope["headers"]))
    offered = ", ".join(scope.get("subprotocols") or ())
    for name, value in (("upgrade", "websocket"), ("connection", "Upgrade"), (SUBPROTOCOL, offered)):
        if value and name not in headers:
            headers = headers.added(name, value)
    return _told(scope, "GET", headers)


async def _completed(answer: Answer, receive: Receive) -> Answer:
    """Raises ClientGoneError if nobody waits any more."""
    waiting = asyncio.ensure_future(completed(answer))
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise ClientGoneError
        return waiting.result()
    finally:
        waiting.cancel()
        gone.cancel()
        await asyncio.gather(waiting, gone, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_body(answer: Answer, receive: Receive, send: Send) -> None:
    body, size = answer.body, answer.body.size
    if answer.delivery is Delivery.WHOLE:
        await _send_octets(body, size, send)
        return
    await _send_octets(body, size // 2, send)
    if answer.delivery is Delivery.STALL:
        await _until_gone(receive)
    raise BrokenDeliveryError(answer.delivery.value)


async def _send_octets(body: Body, stop: int, send: Send) -> None:
    if body.size <= SMALL:
        await send({"type": "http.response.body", "body": read(body)[:stop], "more_body": True})
        return
    async with aclosing(read_ahead(body, 0, stop)) as found:
        async for batch in found:
            await send({"type": "http.response.body", "body": b"".join(batch), "more_body": True})


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
