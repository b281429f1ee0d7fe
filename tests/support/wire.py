"""HTTP by hand: both ends of a connection are in the hands of the test, step by step, and nothing needs a sleep."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PATIENCE = 60.0  # seconds until a test that waits for octets fails


@dataclass(frozen=True)
class Head:
    """The start line and the header fields of a message, as they stood on the wire."""

    start: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def target(self) -> str:
        return self.start.split(" ")[1]


class Wire:
    """One end of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(PATIENCE)
        self._held = bytearray()

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def line(self) -> str:
        return self.until(b"\r\n").decode("latin-1")

    def until(self, mark: bytes) -> bytes:
        """What stands before `mark`."""
        while mark not in self._held:
            self._more()
        found, _, self._held = self._held.partition(mark)
        return bytes(found)

    def exactly(self, count: int) -> bytes:
        while len(self._held) < count:
            self._more()
        return self._take(count)

    def some(self) -> bytes:
        """Whatever has come, at least one octet."""
        if not self._held:
            self._more()
        return self._take(len(self._held))

    def _take(self, count: int) -> bytes:
        found = bytes(self._held[:count])
        del self._held[:count]
        return found

    def rest(self) -> bytes:
        """Everything until the other end closes."""
        with contextlib.suppress(EOFError):
            while True:
                self._more()
        return self._take(len(self._held))

    def head(self) -> Head:
        start, *fields = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        pairs = (field.partition(":") for field in fields)
        return Head(start, tuple((name, value.strip()) for name, _, value in pairs))

    def message(self, *, bodiless: bool = False) -> tuple[Head, bytes]:
        """A message with its body, as its headers frame it."""
        head = self.head()
        if bodiless or (head.start.startswith("HTTP/") and head.status in (101, 204, 304)):
            return head, b""
        return head, self.body(head)

    def body(self, head: Head) -> bytes:
        if "chunked" in (head.get("transfer-encoding") or ""):
            pieces = []
            while size := int(self.line(), 16):
                pieces.append(self.exactly(size))
                self.exactly(2)
            while self.line():  # trailers
                pass
            return b"".join(pieces)
        if (length := head.get("content-length")) is not None:
            return self.exactly(int(length))
        return self.rest() if head.start.startswith("HTTP/") else b""

    def chunk(self) -> bytes:
        data = self.exactly(int(self.line(), 16))
        self.exactly(2)
        return data

    def close(self) -> None:
        self.socket.close()

    def abort(self) -> None:
        """Ends the connection at once, with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _more(self) -> None:
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise EOFError(f"the other end closed; it had sent {bytes(self._held[:200])!r}")
        self._held += data


class Instance:
    """A listener that stands for a PeerTube: the test takes its connections one by one and plays the server."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._listener = socket.create_server((host, 0), backlog=64)
        self._listener.settimeout(PATIENCE)
        self._accepted: list[Wire] = []
        self.host = host
        self.port = int(self._listener.getsockname()[1])
        self.authority = f"{host}:{self.port}"
        self.url = f"http{'s' if tls else ''}://{self.authority}"

    def accept(self) -> Wire:
        """The next connection."""
        connection, _ = self._listener.accept()
        if self._tls is not None:
            connection.settimeout(PATIENCE)
            connection = self._tls.wrap_socket(connection, server_side=True)
        wire = Wire(connection)
        self._accepted.append(wire)
        return wire

    def untouched(self) -> bool:
        """Whether nobody is waiting to be accepted."""
        try:
            self._listener.settimeout(0)
            self._listener.accept()[0].close()
            self._listener.settimeout(PATIENCE)
        except BlockingIOError:
            self._listener.settimeout(PATIENCE)
            return True
        except OSError:  # it does not listen any more
            return True
        return False

    def forget(self) -> None:
        """Closes the connections that it has, and those that nobody took."""
        while self._accepted:
            self._accepted.pop().close()
        while not self.untouched():
            pass

    def close(self) -> None:
        self.forget()
        self._listener.close()

    @contextlib.contextmanager
    def serving(self, handle: Callable[[Wire], None]) -> Iterator[None]:
        """Plays the server by itself: `handle` gets every connection in a thread of its own."""

        def each(wire: Wire) -> None:
            with contextlib.suppress(EOFError, OSError), contextlib.closing(wire):
                handle(wire)

        def work() -> None:
            while True:
                try:
                    connection, _ = self._listener.accept()
                except OSError:
                    return
                threading.Thread(target=each, args=(Wire(connection),), daemon=True).start()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)


def connect(host: str, port: int) -> Wire:
    return Wire(socket.create_connection((host, port), PATIENCE))


def answer(body: bytes | str = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A whole response with Content-Length; `content_type="text/plain"` names a header."""
    octets = body.encode() if isinstance(body, str) else body
    fields = {name.replace("_", "-").title(): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(octets)}", "", ""]).encode("latin-1") + octets
