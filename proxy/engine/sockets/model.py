"""What a lane sees of a socket: a body that is still to come (a held poll), and the server's end of a WebSocket.

Both are asked again when the session's notifier says so, and when `wait` seconds have passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from peertape.proxy.engine.journal import Messages
from peertape.proxy.engine.notifier import Notifier

NO_CODE = 1005  # a close frame without a code (RFC 6455, section 7.4.1)
RESTARTED = 1012  # the session was reset: a client is to connect anew
TOO_BIG = 1009

Content = str | bytes  # of a text message, of a binary one


@dataclass(frozen=True, slots=True)
class Close:
    """The server closes the socket."""

    code: int = NO_CODE
    reason: str = ""


class Waiting(Protocol):
    @property
    def notifier(self) -> Notifier: ...

    def wait(self) -> float | None:
        """Seconds until it is worth asking again; None if only the notifier will tell."""
        ...

    def gone(self) -> None:
        """The client has gone, or all is said."""
        ...


class PendingBody(Waiting, Protocol):
    """The body of a response whose head is known already."""

    def ready(self) -> bytes | None: ...


class Endpoint(Waiting, Protocol):
    """The server's end of one WebSocket."""

    @property
    def messages(self) -> Messages:
        """What went over it by now."""
        ...

    def received(self, content: Content) -> None: ...

    def take(self) -> Sequence[Content | Close]:
        """What is to be sent now, once. Behind a Close comes nothing."""
        ...
