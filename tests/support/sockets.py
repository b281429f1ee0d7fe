"""WebSockets and engine.io by hand: what is sent and what comes is in the hands of the test."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from typing import Any

from support.process import Peertape, wait_for
from support.wire import Head, Wire
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage


class Socket:
    """The client's end of a WebSocket."""

    def __init__(self, wire: Wire, head: Head) -> None:
        self.head = head
        self._wire = wire
        self._connection = Connection(ConnectionType.CLIENT)

    def send(self, content: str | bytes) -> None:
        self.send_event(TextMessage(content) if isinstance(content, str) else BytesMessage(content))

    def send_event(self, event: Event) -> None:
        self._wire.send(self._connection.send(event))

    def receive(self) -> str | bytes:
        """The next whole message."""
        pieces: list[str | bytes] = []
        while True:
            event = self.event()
            assert isinstance(event, Message), event
            pieces.append(event.data if isinstance(event.data, str) else bytes(event.data))
            if event.message_finished:
                return "".join(pieces) if isinstance(pieces[0], str) else b"".join(pieces)  # type: ignore[arg-type]

    def text(self) -> str:
        received = self.receive()
        assert isinstance(received, str)
        return received

    def closed(self) -> int:
        """The code of the server's close frame, which comes next."""
        event = self.event()
        assert isinstance(event, CloseConnection), event
        return int(event.code)

    def pong(self) -> bytes:
        event = self.event()
        assert isinstance(event, Pong)
        return bytes(event.payload)

    def ping(self, payload: bytes) -> None:
        self.send_event(Ping(payload))

    def close(self, code: int = 1000) -> None:
        self.send_event(CloseConnection(code))
        self._wire.close()

    def abort(self) -> None:
        self._wire.abort()

    def event(self) -> Event:
        while (event := next(self._connection.events(), None)) is None:
            self._connection.receive_data(self._wire.some())
        return event


def upgrade(app: Peertape, target: str, *fields: str, host: str | None = None) -> tuple[Wire, Head]:
    """Asks for a WebSocket; gives the head of the answer. Raises EOFError if there is none."""
    wire = app.connect()
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: {host or f'{app.host}:{app.port}'}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}",
        *fields,
    )
    wire.send("\r\n".join(lines) + "\r\n\r\n")
    return wire, wire.head()


def opened(app: Peertape, target: str, *fields: str, host: str | None = None) -> Socket:
    wire, head = upgrade(app, target, *fields, host=host)
    assert head.status == 101, head
    return Socket(wire, head)


class Poller:
    """A client of engine.io that polls."""

    def __init__(self, app: Peertape, query: str = "", *fields: str) -> None:
        self._app = app
        self._base = f"/socket.io/?EIO=4&transport=polling{query}"
        self._fields = fields
        self.head, body = self.get(self._base)
        assert self.head.status == 200, body
        self.opening: dict[str, Any] = json.loads(body[1:])
        self.sid = str(self.opening["sid"])

    def get(self, target: str) -> tuple[Head, bytes]:
        return self._app.ask("\n".join((f"GET {target}", *self._fields)))

    def poll(self) -> str:
        """What the next poll is answered with, once it is."""
        head, body = self.get(f"{self._base}&sid={self.sid}")
        assert head.status == 200, (head, body)
        return body.decode()

    def hold(self) -> Callable[[], str]:
        """A poll that has come, and is held; what is given waits for its answer."""
        before = self._polls()
        waiting = self.begin()
        wait_for(lambda: self._polls() > before)
        return waiting

    def _polls(self) -> int:
        """That have come, to whichever process."""
        entries = json.loads(self._app.ask("GET /__peertape__/journal")[1])["entries"]
        return sum(entry["method"] == "GET" and "transport=polling" in entry["target"] for entry in entries)

    def begin(self) -> Callable[[], str]:
        """A poll that is on its way; what is given waits for its answer."""
        wire = self._app.connect()
        lines = (f"GET {self._base}&sid={self.sid} HTTP/1.1", f"Host: {self._app.host}:{self._app.port}", *self._fields)
        wire.send("\r\n".join(lines) + "\r\n\r\n")

        def body() -> str:
            return wire.message()[1].decode()

        return body

    def post(self, payload: str) -> tuple[Head, bytes]:
        fields = (*self._fields, "Content-Type: text/plain;charset=UTF-8")
        return self._app.ask("\n".join((f"POST {self._base}&sid={self.sid}", *fields)), payload.encode())
