"""A small instance that answers by itself, can die, hang, and come back at the same port."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

from support.wire import PATIENCE, Head, Wire, answer

Route = Callable[[Wire, Head], None]


class Tube:
    """`routes` maps `METHOD /path` to what plays the server once the head has come; what is not there is a 404."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.routes: dict[str, Route] = {}
        self.asked: list[Head] = []
        self._hangs = False
        self._wires: set[Wire] = set()
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.port = 0
        self.start()
        self.authority = f"127.0.0.1:{self.port}"
        self.url = f"http{'s' if tls else ''}://{self.authority}"

    def says(self, route: str, body: bytes | str, status: str = "200 OK", **headers: str) -> None:
        """That route has a plain answer."""

        def play(wire: Wire, head: Head) -> None:
            wire.body(head)
            wire.send(answer(body, status, **headers))

        self.routes[route] = play

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def die(self) -> None:
        """With everything that is under way."""
        if self._listener is None or self._thread is None:
            return
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = None
        self._thread.join(PATIENCE)
        for wire in list(self._wires):
            with contextlib.suppress(OSError):
                wire.socket.shutdown(socket.SHUT_RDWR)

    def hang(self) -> None:
        """From now on it accepts, and never answers."""
        self._hangs = True

    def wake(self) -> None:
        self._hangs = False

    def heads(self, path: str) -> list[Head]:
        """What it was asked under that path."""
        return [head for head in self.asked if head.target.partition("?")[0] == path]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(EOFError, OSError), contextlib.closing(connection):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            wire = Wire(connection)
            self._wires.add(wire)
            while True:
                head = wire.head()
                self.asked.append(head)
                if self._hangs:
                    wire.rest()  # until the other end gives up
                    break
                method, target, _ = head.start.split(" ")
                self.routes.get(f"{method} {target.partition('?')[0]}", _not_found)(wire, head)
        self._wires = {wire for wire in self._wires if wire.socket is not connection}
        connection.close()


def _not_found(wire: Wire, head: Head) -> None:
    wire.body(head)
    wire.send(answer("not here", "404 Not Found", content_type="text/plain"))
