"""Plays sockets to an ASGI server, and waits for bodies that are still to come. Knows nothing of mitmproxy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from peertape.cassettes.bodies import BytesBody
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.sockets.model import NO_CODE, Close, Endpoint

SHORTEST_WAIT = 0.001  # seconds
NORMAL = 1000  # RFC 6455, section 7.4.1

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


async def completed(answer: Answer) -> Answer:
    """With its body, as soon as there is one. Cancelled when the client has gone, it says so."""
    pending = answer.pending
    if pending is None:
        return answer
    event = asyncio.Event()
    try:
        with pending.notifier.subscribed(event.set):
            while (body := pending.ready()) is None:
                await _notified(event, pending.notifier.at_most(pending.wait()))
    finally:
        pending.gone()
    headers = answer.headers.replaced("Content-Length", str(len(body)))
    return replace(answer, headers=headers, body=BytesBody(body), pending=None)


async def play(endpoint: Endpoint, receive: Receive, send: Send, no_code: int = NORMAL) -> None:
    """Plays the server's end until either side closes; the handshake is done.

    `no_code`: what stands for a close frame without a code, which ASGI does not know.
    """
    event = asyncio.Event()
    listening = asyncio.ensure_future(_listen(endpoint, receive, event))
    try:
        with endpoint.notifier.subscribed(event.set):
            while not listening.done():
                for said in endpoint.take():
                    await send(_message(said, no_code))
                    if isinstance(said, Close):
                        return
                await _notified(event, endpoint.notifier.at_most(endpoint.wait()))
            listening.result()
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        endpoint.gone()


async def _listen(endpoint: Endpoint, receive: Receive, event: asyncio.Event) -> None:
    try:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            endpoint.received(text if text is not None else message["bytes"])
            event.set()
    finally:
        event.set()


async def _notified(event: asyncio.Event, seconds: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(None if seconds is None else max(seconds, SHORTEST_WAIT)):
            await event.wait()
    event.clear()


def _message(said: str | bytes | Close, no_code: int) -> Scope:
    if isinstance(said, Close):
        code = no_code if said.code == NO_CODE else said.code
        return {"type": "websocket.close", "code": code, "reason": said.reason}
    return {"type": "websocket.send", "text" if isinstance(said, str) else "bytes": said}
