"""What a session keeps of its sockets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from peertape.proxy.engine.session import Session
from peertape.proxy.engine.sockets.engineio import Connection
from peertape.proxy.engine.sockets.recordings import RecordedSession

MOST = 1000  # connections that are kept; a client may open any number


@dataclass(slots=True)
class Sockets:
    connections: dict[str, Connection] = field(default_factory=dict)  # by sid
    ended: dict[str, RecordedSession | None] = field(default_factory=dict)  # what they were played from

    def find(self, sid: str) -> Connection | None:
        connection = self.connections.get(sid)
        if connection is not None and connection.closed:
            self._end(connection)
            return None
        return connection

    def keep(self, connection: Connection) -> None:
        """The closed ones are forgotten, and the oldest if there are too many."""
        for known in [known for known in self.connections.values() if known.closed]:
            self._end(known)
        if len(self.connections) >= MOST:
            oldest = next(iter(self.connections.values()))
            oldest.close()
            self._end(oldest)
        self.connections[connection.sid] = connection

    def _end(self, connection: Connection) -> None:
        del self.connections[connection.sid]
        self.ended[connection.sid] = connection.recording
        if len(self.ended) > MOST:
            del self.ended[next(iter(self.ended))]


@dataclass(slots=True)
class KeptOut:
    """Clients that the tracker does not let in again yet."""

    until: dict[str, float] = field(default_factory=dict)  # by address, by the session's clock


def currency(session: Session) -> Callable[[], bool]:
    """Whether the session was not reset since."""
    sockets = session.recall(Sockets)
    return lambda: session.recall(Sockets) is sockets
