"""One session of engine.io as its server keeps it (protocol 4; https://socket.io/docs/v4/engine-io-protocol).

It goes on by polls or by a WebSocket, whichever the client chooses, and may be upgraded from the one to the other. Its
heartbeat is that of the real clock: a client waits for real. What is said in it is the business of the `Talk` above.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from peertape.proxy.engine.journal import Messages
from peertape.proxy.engine.notifier import Notifier
from peertape.proxy.engine.sockets import packets
from peertape.proxy.engine.sockets.model import NO_CODE, RESTARTED, TOO_BIG, Close, Content
from peertape.proxy.engine.sockets.packets import PacketError
from peertape.proxy.engine.sockets.recordings import RecordedSession

NOOP_EVERY = 0.1  # seconds: while a client tries a WebSocket, its polls are sent home so often
UPGRADE_WITHIN = 10.0  # seconds


class Talk(Protocol):
    """What is said in messages."""

    def received(self, content: Content) -> None:
        """Raises PacketError if the client is to be cut off."""
        ...

    def take(self) -> Sequence[Content | Close]: ...

    def wait(self) -> float | None: ...


class Transport(StrEnum):
    POLLING = "polling"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds, and octets of a message."""

    ping_interval: float
    ping_timeout: float
    largest: int


class Connection:
    """`clock` is the real one, in seconds; `is_current`: False once the session of peertape was reset.

    `recording` is what it is played from; `greeting` the open packet, unless the handshake by polling had it.
    """

    def __init__(
        self,
        sid: str,
        terms: Terms,
        talk: Talk,
        transport: Transport,
        notifier: Notifier,
        clock: Callable[[], float],
        is_current: Callable[[], bool],
        recording: RecordedSession | None = None,
        greeting: str | None = None,
    ) -> None:
        self.sid = sid
        self.terms = terms
        self.transport = transport
        self.notifier = notifier
        self.recording = recording
        self.messages = Messages()
        self._talk = talk
        self._clock = clock
        self._is_current = is_current
        self._outgoing: deque[Content] = deque([greeting] if greeting is not None else [])
        self._ping_at: float | None = clock() + terms.ping_interval
        self._dead_at = clock() + terms.ping_interval + terms.ping_timeout
        self._closed = False
        self._poll: Poll | None = None
        self._socket: SocketEnd | None = None  # that carries it
        self._trying: SocketEnd | None = None  # that may come to carry it
        self._noop_at: float | None = None

    @property
    def closed(self) -> bool:
        self.tick()
        return self._closed

    @property
    def upgrading(self) -> bool:
        return self._trying is not None or self._socket is not None

    def poll(self) -> Poll | None:
        """A poll of the client; None if another is being held, which ends the session."""
        if self._poll is not None:
            self.close()
            return None
        self._poll = Poll(self)
        return self._poll

    def posted(self, body: bytes) -> None:
        """The packets that a client posted; what is none ends the session, of which the client is not told."""
        try:
            for content in packets.in_payload(body):
                self.packet(content)
        except PacketError:
            self.close()

    def socket(self, *, probing: bool) -> SocketEnd:
        """The end of a WebSocket that carries the session from now on, or tries to."""
        end = SocketEnd(self, probing=probing)
        if not probing:
            self._socket, self.transport = end, Transport.WEBSOCKET
        elif not self.upgrading:
            self._trying = end
        else:
            end.refuse()
        return end

    def packet(self, content: Content) -> None:
        """A packet of the client's; raises PacketError."""
        if self.closed:
            return
        now = self._clock()
        self._dead_at = now + self.terms.ping_interval + self.terms.ping_timeout
        if isinstance(content, bytes):
            self._said(content)
            return
        match content[:1]:
            case packets.MESSAGE:
                self._said(content[1:])
            case packets.PONG:
                self._ping_at = now + self.terms.ping_interval
            case packets.CLOSE:
                self.close()
            case packets.OPEN | packets.UPGRADE | packets.NOOP:
                pass
            case _:  # a ping is the server's to send
                raise PacketError(f"{content[:20]!r} is no packet of a client")
        self.notifier.notify()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.notifier.notify()

    def tick(self) -> None:
        """What has come due."""
        now = self._clock()
        if self._closed:
            return
        if now >= self._dead_at or not self._is_current():
            self._closed = True
            return
        if self._ping_at is not None and now >= self._ping_at:
            self._outgoing.append(packets.PING)
            self._dead_at, self._ping_at = self._ping_at + self.terms.ping_timeout, None
        for said in self._talk.take():
            if isinstance(said, Close):
                self._outgoing.append(packets.CLOSE)
                self._closed = True
                return
            self.messages.sent += 1
            self._outgoing.append(said if isinstance(said, bytes) else packets.MESSAGE + said)

    def wait(self) -> float | None:
        """Seconds until something comes due."""
        now = self._clock()
        moments = [self._dead_at - now]
        moments += [self._ping_at - now] if self._ping_at is not None else []
        moments += [self._noop_at - now] if self._noop_at is not None else []
        if (talk := self._talk.wait()) is not None:
            moments.append(talk)
        return max(0.0, min(moments))

    def outgoing(self) -> list[Content]:
        """The packets that are to go, once."""
        self.tick()
        out = list(self._outgoing)
        self._outgoing.clear()
        return out

    def for_poll(self, poll: Poll) -> bytes | None:
        """The body that a held poll is answered with; None while there is nothing to say."""
        is_over = self._poll is not poll or self._socket is not None
        if not is_over and (out := self.outgoing()):
            self._poll = None
            return packets.payload(out)
        is_over = is_over or self._closed
        if self._noop_at is not None and self._clock() >= self._noop_at:
            self._noop_at += NOOP_EVERY
            is_over = True
        if is_over:
            self._poll = None
            return packets.NOOP.encode()
        return None

    def poll_gone(self, poll: Poll) -> None:
        """Nobody waits for it any more: if it was not answered, the session is over."""
        if self._poll is poll:
            self._poll = None
            self.close()

    def probed(self) -> None:
        """A WebSocket works."""
        self._noop_at = self._clock() + NOOP_EVERY
        self.notifier.notify()

    def upgraded(self, end: SocketEnd) -> None:
        self._socket, self.transport = end, Transport.WEBSOCKET
        self._trying = self._noop_at = None
        self.notifier.notify()

    def lost(self, end: SocketEnd) -> None:
        """A WebSocket has gone, and with it the session if it was carried by that one."""
        if self._trying is end:
            self._trying = self._noop_at = None
        if self._socket is end:
            self.close()

    @property
    def farewell(self) -> Close:
        return Close(NO_CODE if self._is_current() else RESTARTED)

    def real_now(self) -> float:
        return self._clock()

    def _said(self, content: Content) -> None:
        self.messages.received += 1
        self._talk.received(content)


class Poll:
    """A held poll."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def notifier(self) -> Notifier:
        return self._connection.notifier

    def ready(self) -> bytes | None:
        return self._connection.for_poll(self)

    def wait(self) -> float | None:
        return self._connection.wait()

    def gone(self) -> None:
        self._connection.poll_gone(self)


class SocketEnd:
    """A WebSocket that carries a session, or is tried by a client that polls."""

    def __init__(self, connection: Connection, *, probing: bool) -> None:
        self._connection = connection
        self._probing = probing
        self._given_up_at = connection.real_now() + UPGRADE_WITHIN
        self._outgoing: list[Content | Close] = []
        self._over = False

    @property
    def notifier(self) -> Notifier:
        return self._connection.notifier

    @property
    def messages(self) -> Messages:
        return self._connection.messages

    def refuse(self) -> None:
        self._end(Close())

    def received(self, content: Content) -> None:
        if self._over:
            return
        if len(content) > self._connection.terms.largest:
            self._end(Close(TOO_BIG))
        elif self._probing:
            self._tried(content)
        else:
            try:
                self._connection.packet(content)
            except PacketError:
                self._connection.close()

    def take(self) -> Sequence[Content | Close]:
        connection = self._connection
        if not self._over:
            if self._probing:
                late = connection.real_now() >= self._given_up_at
                if late or connection.closed:
                    self._end(connection.farewell)
            else:
                self._outgoing += connection.outgoing()
                if connection.closed:
                    self._end(connection.farewell)
        out, self._outgoing = self._outgoing, []
        return out

    def wait(self) -> float | None:
        if self._probing:
            return max(0.0, self._given_up_at - self._connection.real_now())
        return self._connection.wait()

    def gone(self) -> None:
        self._over = True
        self._connection.lost(self)

    def _tried(self, content: Content) -> None:
        if content == packets.PING + packets.PROBE:
            self._outgoing.append(packets.PONG + packets.PROBE)
            self._connection.probed()
        elif content == packets.UPGRADE:
            self._probing = False
            self._connection.upgraded(self)
        else:
            self._end(Close())

    def _end(self, close: Close) -> None:
        self._outgoing.append(close)
        self._over = True
        self._connection.lost(self)
