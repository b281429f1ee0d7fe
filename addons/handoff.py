"""Big bodies: mitmproxy would hold an answer made by an addon whole in memory, so the flow is pointed at a small ASGI
application on a loopback port of this process, and mitmproxy streams what that sends.

Only the octets travel: the answer's head is put onto the flow when the response arrives, so that nothing of it is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any
from weakref import WeakKeyDictionary

import uvicorn
from mitmproxy import http

from peertape.addons.convert import head_of
from peertape.proxy.engine.model import Answer

HEADER = "peertape-handoff"
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
MakeAnswer = Callable[[], Awaitable[Answer]]


class Handoff:
    """Serves the answers that were handed to it, each once, to whoever knows its ticket."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[http.HTTPFlow, MakeAnswer]] = {}
        self._answers: WeakKeyDictionary[http.HTTPFlow, Answer] = WeakKeyDictionary()
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.port = 0

    def owns(self, address: tuple[str, int]) -> bool:
        return address[0] == "127.0.0.1" and address[1] == self.port

    async def start(self) -> None:
        config = uvicorn.Config(
            self._application, "127.0.0.1", 0, log_config=None, lifespan="off", ws="none", http="h11", access_log=False
        )
        self._server = _Server(config)
        sockets = [config.bind_socket()]
        self.port = sockets[0].getsockname()[1]
        self._task = asyncio.get_running_loop().create_task(self._server.serve(sockets))

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            await self._task
            self._server = self._task = None

    def take(self, flow: http.HTTPFlow, make: MakeAnswer) -> None:
        """Lets `make` answer the flow once its request has ended."""
        ticket = secrets.token_urlsafe(24)
        self._waiting[ticket] = (flow, make)
        flow.request.headers[HEADER] = ticket
        flow.request.host, flow.request.port, flow.request.scheme = "127.0.0.1", self.port, "http"

    def headers_arrived(self, flow: http.HTTPFlow) -> bool:
        """Puts the answer's own head onto the flow; False if this flow was not handed over."""
        answer = self._answers.pop(flow, None)
        if answer is None or flow.response is None:
            return False
        received = flow.response
        flow.response = head_of(answer, flow)
        flow.response.timestamp_start = received.timestamp_start
        framed = "content-length" in flow.response.headers or "transfer-encoding" in flow.response.headers
        if not framed and "transfer-encoding" in received.headers and not flow.request.is_http2:
            flow.response.headers["Transfer-Encoding"] = "chunked"
        flow.response.stream = True
        flow.request.headers.pop(HEADER, None)
        return True

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        flow, make = self._waiting.pop(headers.get(HEADER.encode(), b"").decode("latin-1"), (None, None))
        while (await receive()).get("more_body"):
            pass
        if flow is None or make is None:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body"})
            return
        answer = await make()
        self._answers[flow] = answer
        bodiless = flow.request.method == "HEAD" or answer.status in (204, 304)
        length = [] if bodiless else [(b"content-length", str(answer.body.size).encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": length})
        for piece in () if bodiless else answer.body.pieces():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


class _Server(uvicorn.Server):
    """Leaves the signals to mitmproxy, whose event loop it shares."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
