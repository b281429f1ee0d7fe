"""Bodies that are streamed: mitmproxy would hold an answer made by an addon whole in memory, so the flow is pointed at
a small ASGI application on a loopback port of this process, and mitmproxy streams what that sends.

Only the octets travel: the answer's head is put onto the flow when the response arrives, so that nothing of it is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import uvicorn
from mitmproxy import http
from mitmproxy.connection import Client
from uvicorn.protocols.utils import ClientDisconnected
from wsproto.frame_protocol import CloseReason

from peertape.addons.convert import SCHEME, head_of
from peertape.addons.multiplexing import Multiplexing
from peertape.addons.sockets import Receive, Scope, Send, play
from peertape.addons.ticks import Ticks
from peertape.cassettes.model import SWITCHED
from peertape.cassettes.readahead import Batch, read_ahead
from peertape.proxy.engine.model import Answer, Delivery
from peertape.proxy.engine.sockets.model import Endpoint

logger = logging.getLogger(__name__)

HEADER = "peertape-handoff"
LARGEST_HEAD = 256 * 1024  # octets
LARGEST_MESSAGE = 100 * 1024 * 1024  # octets of a WebSocket message: what Node's servers take
FOR_EVER = 10**8  # seconds: mitmproxy closes the connections
PIECES_WAITING = 4
PASSED_ON = range(200, 600)  # statuses that tell mitmproxy how a body is framed


class CutError(Exception):
    """The body ends here, and it is not whole."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What answers a flow: its head, and the octets of its body as they come. These may raise CutError.

    `length` is None if nobody knows it yet. `close` is called in the end, however it comes.
    """

    head: http.Response
    pieces: AsyncIterable[bytes]
    length: int | None
    close: Callable[[], Awaitable[None]] | None = None


class Incoming:
    """The octets of a request as they come."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(PIECES_WAITING)
        self._whole = asyncio.Event()
        self._wanted = True

    async def put(self, piece: bytes) -> None:
        """Waits while too much is waiting; an empty piece is the end."""
        if not piece:
            self._whole.set()
        if self._wanted:
            await self._waiting.put(piece)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._waiting.get():
            yield piece

    def discard(self) -> None:
        """Nobody is going to look at the rest."""
        self._wanted = False
        while not self._waiting.empty():
            self._waiting.get_nowait()

    async def drain(self) -> None:
        """Waits for the end, and looks at nothing."""
        self.discard()
        await self._whole.wait()


Make = Callable[[Incoming], Awaitable[Outgoing]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    flow: http.HTTPFlow
    make: Make


@dataclass(frozen=True, slots=True)
class _Socket:
    """A WebSocket that is to be opened: the head of the answer, and the server's end."""

    head: http.Response
    endpoint: Endpoint
    ticket: str


class Handoff:
    """Serves the answers that were handed to it, each once, to whoever knows its ticket."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._upgrades: dict[str, _Socket] = {}
        self._sockets: WeakKeyDictionary[http.HTTPFlow, _Socket] = WeakKeyDictionary()
        self._answers: WeakKeyDictionary[http.HTTPFlow, Outgoing] = WeakKeyDictionary()
        self._destinations: WeakKeyDictionary[http.HTTPFlow, tuple[str, int]] = WeakKeyDictionary()
        self._under_way: set[asyncio.Future[None]] = set()
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.port = 0
        self.multiplexing = Multiplexing()

    def client_connected(self, client: Client) -> None:
        self.multiplexing.client_connected(client, ("127.0.0.1", self.port))

    def owns(self, address: tuple[str, int]) -> bool:
        return address[0] == "127.0.0.1" and address[1] == self.port

    async def start(self) -> None:
        if self._server is not None:
            return
        config = uvicorn.Config(
            self._application,
            "127.0.0.1",
            0,
            log_config=None,
            log_level="critical",  # it complains of answers that are cut, which this application does on purpose
            interface="asgi3",  # it takes a bound method for something older
            lifespan="off",
            ws="wsproto",
            ws_max_size=LARGEST_MESSAGE,
            ws_ping_interval=None,  # no PeerTube sends pings of its own
            ws_per_message_deflate=False,
            http="h11",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            h11_max_incomplete_event_size=LARGEST_HEAD,
            timeout_keep_alive=FOR_EVER,
        )
        self._server = _Server(config)
        # asyncio turns Nagle's algorithm off for sockets that say they are TCP; uvicorn's own do not.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._task = asyncio.get_running_loop().create_task(self._server.serve([listener]))

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            for work in self._under_way:  # uvicorn would wait for it
                work.cancel()
            self._server.force_exit = True
            await self._task
            self._server = self._task = None

    @property
    def _is_ending(self) -> bool:
        return self._server is None or self._server.should_exit

    def take(self, flow: http.HTTPFlow, make: Make) -> None:
        """Lets `make` answer the flow; it gets the request's body, as far as that is streamed."""
        self._waiting[self._lead(flow)] = _Waiting(flow, make)

    def switch(self, flow: http.HTTPFlow, endpoint: Endpoint, head: http.Response) -> None:
        """Answers the flow, which asks for a WebSocket, with `head`, and lets `endpoint` play the server's end."""
        ticket = self._lead(flow)
        self._upgrades[ticket] = self._sockets[flow] = _Socket(head, endpoint, ticket)

    def _lead(self, flow: http.HTTPFlow) -> str:
        """Leads the flow here; the ticket that it carries."""
        ticket = secrets.token_urlsafe(24)
        request = flow.request
        request.headers[HEADER] = ticket
        flow.metadata[SCHEME] = request.scheme
        self._destinations[flow] = (request.host, request.port)
        _point(request, "http", "127.0.0.1", self.port)
        return ticket

    def headers_arrived(self, flow: http.HTTPFlow) -> bool:
        """Puts the answer's own head onto the flow; False if this flow was not handed over, or was seen to."""
        if (upgrade := self._sockets.pop(flow, None)) is not None and flow.response is not None:
            self._settle(flow, upgrade, flow.response)
            return True
        answer = self._answers.pop(flow, None)
        if answer is None or flow.response is None:
            return False
        received = flow.response
        flow.response = answer.head
        flow.response.timestamp_start = received.timestamp_start
        self.give_back(flow)
        return True

    def _settle(self, flow: http.HTTPFlow, upgrade: _Socket, received: http.Response) -> None:
        """What the handshake has settled stays; one that is no good is refused as the server here refuses it."""
        self.give_back(flow)
        if received.status_code != SWITCHED:
            self._abandon(upgrade)
            return
        head = upgrade.head
        head.timestamp_start = received.timestamp_start
        head.headers["Connection"] = "Upgrade"
        head.headers["Sec-WebSocket-Accept"] = received.headers["Sec-WebSocket-Accept"]
        flow.response = head

    def _abandon(self, upgrade: _Socket) -> None:
        if self._upgrades.pop(upgrade.ticket, None) is not None:
            upgrade.endpoint.gone()

    def failed(self, flow: http.HTTPFlow) -> None:
        """The flow has ended early."""
        self.give_back(flow)
        if (upgrade := self._sockets.pop(flow, None)) is not None:
            self._abandon(upgrade)

    def give_back(self, flow: http.HTTPFlow) -> None:
        """The flow shows its own destination again."""
        destination = self._destinations.pop(flow, None)
        if destination is not None:
            flow.request.headers.pop(HEADER, None)
            _point(flow.request, flow.metadata.pop(SCHEME), *destination)

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one flow, until its answer has ended or its client has gone."""
        ticket = dict(scope["headers"]).get(HEADER.encode(), b"").decode("latin-1")
        if scope["type"] == "websocket":
            await self._open(ticket, receive, send)
            return
        waiting = self._waiting.pop(ticket, None)
        if waiting is None or self._is_ending:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body"})
            return
        incoming = Incoming()
        gone = asyncio.ensure_future(_until_gone(receive, incoming))
        work = asyncio.ensure_future(self._serve(waiting, incoming, send))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)
        try:
            await asyncio.wait((gone, work), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            work.cancel()
            _, failure = await asyncio.gather(gone, work, return_exceptions=True)
        if isinstance(failure, Exception) and not isinstance(failure, CutError):
            logger.error("a defect of peertape: an answer failed", exc_info=failure)
            raise failure

    async def _open(self, ticket: str, receive: Receive, send: Send) -> None:
        """Serves one WebSocket."""
        upgrade = self._upgrades.pop(ticket, None)
        await receive()  # that it connects
        if upgrade is None:
            await send({"type": "websocket.close"})
            return
        if self._is_ending:
            upgrade.endpoint.gone()
            return
        work = asyncio.ensure_future(_accepted(upgrade, receive, send))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)
        (failure,) = await asyncio.gather(work, return_exceptions=True)
        if isinstance(failure, Exception) and not isinstance(failure, ClientDisconnected):
            logger.error("a defect of peertape: a socket failed", exc_info=failure)

    async def _serve(self, waiting: _Waiting, incoming: Incoming, send: Send) -> None:
        flow = waiting.flow
        answer = await waiting.make(incoming)
        try:
            self._answers[flow] = answer
            status = answer.head.status_code
            bodiless = flow.request.method == "HEAD" or status in (204, 304)
            length = [] if bodiless or answer.length is None else [(b"content-length", str(answer.length).encode())]
            status = status if status in PASSED_ON else 200
            await send({"type": "http.response.start", "status": status, "headers": length})
            if not bodiless:
                async for piece in answer.pieces:
                    await self.multiplexing.room(flow)
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await incoming.drain()  # an answer may come before the request has ended
            await send({"type": "http.response.body"})
        finally:
            if answer.close is not None:
                await answer.close()


async def _accepted(upgrade: _Socket, receive: Receive, send: Send) -> None:
    try:
        await send({"type": "websocket.accept", "subprotocol": upgrade.head.headers.get("Sec-WebSocket-Protocol")})
        await play(upgrade.endpoint, receive, send, CloseReason.NO_STATUS_RCVD)
    finally:
        upgrade.endpoint.gone()  # the client may not have waited


def outgoing(answer: Answer, flow: http.HTTPFlow) -> Outgoing:
    """An answer of the engine: its octets are here already, so that only ticks travel."""
    head = head_of(answer, flow)
    sent = read_ahead(answer.body) if answer.delivery is Delivery.WHOLE else _broken(answer)
    ticks = Ticks(sent)
    head.stream = ticks.exchange
    return Outgoing(head, ticks, None, sent.aclose)


async def _broken(answer: Answer) -> AsyncGenerator[Batch]:
    """Half of the body; then the end, or nothing until the client gives up."""
    async for batch in read_ahead(answer.body, 0, answer.body.size // 2):
        yield batch
    if answer.delivery is Delivery.STALL:
        await asyncio.Event().wait()
    raise CutError(f"a fault: {answer.delivery}")


async def _until_gone(receive: Receive, incoming: Incoming) -> None:
    while (message := await receive())["type"] == "http.request":
        if message["body"]:
            await incoming.put(message["body"])
        if not message["more_body"]:
            await incoming.put(b"")


def _point(request: http.Request, scheme: str, host: str, port: int) -> None:
    """Past the properties, which change the Host header as well."""
    request.data.scheme, request.data.host, request.data.port = scheme.encode(), host, port


class _Server(uvicorn.Server):
    """Leaves the signals to mitmproxy, whose event loop it shares."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
