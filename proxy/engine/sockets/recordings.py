"""The conversations that cassettes hold: WebSockets, and what clients and servers of socket.io said to each other over
polls and WebSockets, put together by the session's `sid`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from urllib.parse import parse_qs

from peertape.cassettes.bodies import read
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.headers import Headers
from peertape.cassettes.keys import credential, query_credential, tolerant_query
from peertape.cassettes.model import SWITCHED, Exchange
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.shelf import ANONYMOUS, USER
from peertape.proxy.engine.sockets import packets
from peertape.proxy.engine.sockets.model import NO_CODE, Close, Content
from peertape.proxy.engine.sockets.packets import Decoder, Kind, Packet, PacketError
from peertape.proxy.engine.sockets.script import Line, Script, Write, parts_of

SOCKET_IO = "/socket.io"  # as paths are folded
SECRET_AUTH = ("token", "accessToken", "runnerToken")  # members of what a client sends with its connect packet
ABNORMAL = 1006  # the connection was cut: nobody has closed the socket (RFC 6455, section 7.4.1)
LARGEST_POLL = 8 * 1024 * 1024  # octets

Said = Packet | Close


@dataclass(frozen=True, slots=True)
class Asker:
    """Who speaks: `identity` as elsewhere, `token` its pseudonym in one cassette."""

    identity: str
    token: str | None


@dataclass(frozen=True, slots=True)
class Joined:
    """A recorded connection to a namespace."""

    namespace: str
    asker: Asker
    script: Script[Said]
    accepted: bool


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A recorded session of engine.io."""

    cassette: str
    exchange: int  # the one that stands for it: the WebSocket if there was one
    started: float
    asker: Asker
    opening: dict[str, object]  # what the open packet told
    polled: Headers | None  # the head of an answer to a poll
    posted: Headers | None  # the head of an answer to a client's packets
    shaken: Headers | None  # the head of the answer to a handshake by polling

    @property
    def poll_head(self) -> Headers | None:
        """As polls are answered: at least as the handshake was, but for the cookies that it set."""
        if self.polled is not None or self.shaken is None:
            return self.polled
        return self.shaken.without("set-cookie")


@dataclass(frozen=True, slots=True)
class Socket:
    """A recorded WebSocket of its own."""

    authority: str
    asker: Asker
    query: tuple[tuple[str, str], ...]
    head: Headers
    script: Script[Content | Close]


Tell = Callable[[Content], tuple[Hashable, Hashable]]  # meaning and subject of a message


class Recordings:
    """Of one cassette; read anew when anything was written to it."""

    def __init__(self, cassette: Cassette) -> None:
        self.cassette = cassette
        self._read_at: int | None = None
        self._sessions: list[RecordedSession] = []
        self._joined: list[Joined] = []
        self._sockets: dict[tuple[str, Tell], list[Socket]] = {}

    def sessions(self) -> Sequence[RecordedSession]:
        self._refresh()
        return self._sessions

    def joined(self, namespace: str) -> list[Joined]:
        self._refresh()
        return [one for one in self._joined if one.namespace == namespace]

    def sockets(self, folded: str, tell: Tell) -> list[Socket]:
        """The WebSockets at a path, in the order in which they were opened."""
        self._refresh()
        if (folded, tell) not in self._sockets:
            exchanges = self._exchanges(folded)
            found = (self._socket(exchange, tell) for exchange in exchanges if _is_switched(exchange))
            self._sockets[folded, tell] = sorted(found, key=lambda one: one.script.started)
        return self._sockets[folded, tell]

    def asker(self, query: str, headers: Headers, auth: object = None) -> Asker:
        """Of redacted text, as this cassette holds it."""
        token = query_credential(query) or credential(headers) or _token_in(auth)
        if token is None:
            return Asker(ANONYMOUS, None)
        user = self.cassette.user_of(token)
        return Asker(f"{USER}{user}" if user else f"token:{token}", token)

    def _refresh(self) -> None:
        if (changes := self.cassette.changes()) == self._read_at:
            return
        self._read_at = changes
        self._sockets.clear()
        self._sessions, self._joined = [], []
        by_sid: dict[str, list[Exchange]] = {}
        for exchange in self._exchanges(SOCKET_IO):
            if (sid := _sid(exchange)) is not None:
                by_sid.setdefault(sid, []).append(exchange)
        for exchanges in by_sid.values():
            session = self._session(exchanges)
            self._sessions += [session] if session is not None else []
            self._joined += self._joinings(exchanges, session)
        self._sessions.sort(key=lambda one: one.started)
        self._joined.sort(key=lambda one: one.script.started)

    def _exchanges(self, folded: str) -> list[Exchange]:
        found = self.cassette.by_path([folded])
        return list(self.cassette.whole(one.id for one in found if one.status in (200, SWITCHED)))

    def _asker_of(self, exchange: Exchange, auth: object = None) -> Asker:
        return self.asker(exchange.request.target.partition("?")[2], exchange.request.headers, auth)

    def _session(self, exchanges: Sequence[Exchange]) -> RecordedSession | None:
        """None if its beginning was not recorded."""
        first, opening = exchanges[0], None
        for exchange in exchanges:
            if told := _opening(exchange):
                first, opening = exchange, told
                break
        if opening is None:
            return None
        socket = next((exchange for exchange in exchanges if _is_switched(exchange)), first)
        shaken = None if _is_switched(first) or first.response is None else first.response.headers
        started = first.timing.started
        heads = (_head(exchanges, "GET", without=first), _head(exchanges, "POST"))
        return RecordedSession(self.cassette.name, socket.id, started, self._asker_of(first), opening, *heads, shaken)

    def _joinings(self, exchanges: Sequence[Exchange], session: RecordedSession | None) -> Iterator[Joined]:
        """Each connection to a namespace, with all that was said in it."""
        spoken = sorted(chain.from_iterable(map(_packets, exchanges)), key=lambda one: (one[0], not one[1]))
        numbers = tuple(exchange.id for exchange in exchanges)
        number = session.exchange if session is not None else numbers[0]
        begun: list[tuple[Packet, float, list[Line[Said]]]] = []
        open_now: dict[str, list[Line[Said]]] = {}  # by namespace
        closes = ((at, False, close) for at, close in filter(None, map(_server_close, exchanges)))
        for at, from_client, said in chain(_spoken(spoken), closes):
            if isinstance(said, Close):
                for lines in open_now.values():
                    lines.append(Line(at, from_client, said))
            elif from_client and said.kind is Kind.CONNECT:
                open_now[said.namespace] = []
                begun.append((said, at, open_now[said.namespace]))
            elif said.namespace in open_now:
                is_answer = said.kind in (Kind.CONNECT, Kind.CONNECT_ERROR, Kind.ACK, Kind.BINARY_ACK)
                open_now[said.namespace].append(Line(at, from_client, said, said.meaning, None, is_answer))
        for place, (connect, at, lines) in enumerate(begun):
            accepted = any(map(_lets_in, lines))
            key = (self.cassette.name, number, connect.namespace, place)
            parts = parts_of(at, lines, self._last_write)
            script = Script[Said](key, self.cassette.name, number, at, parts, numbers)
            yield Joined(connect.namespace, self._asker_of(exchanges[0], connect.value), script, accepted)

    def _socket(self, exchange: Exchange, tell: Tell) -> Socket:
        lines: list[Line[Content | Close]] = []
        for message in exchange.messages:
            content = message.content.decode("utf-8", "replace") if message.is_text else message.content
            lines.append(Line(message.at, message.from_client, content, *tell(content)))
        if (close := _server_close(exchange)) is not None:
            lines.append(Line(close[0], False, close[1]))
        started = exchange.timing.answering or exchange.timing.started
        script = Script[Content | Close](
            (self.cassette.name, exchange.id),
            self.cassette.name,
            exchange.id,
            started,
            parts_of(started, lines, self._last_write),
            (exchange.id,),
        )
        head = exchange.response.headers if exchange.response is not None else Headers()
        query = tolerant_query(exchange.request.target.partition("?")[2])
        return Socket(exchange.request.authority, self._asker_of(exchange), query, head, script)

    def _last_write(self, after: float, until: float) -> Write | None:
        found = self.cassette.last_write(after, until, besides=SOCKET_IO)
        return None if found is None else Write(self.cassette.name, found.id, found.started_at)


def _lets_in(line: Line[Said]) -> bool:
    return not line.from_client and isinstance(line.said, Packet) and line.said.kind is Kind.CONNECT


def _is_switched(exchange: Exchange) -> bool:
    return exchange.response is not None and exchange.response.status == SWITCHED


def _token_in(auth: object) -> str | None:
    if not isinstance(auth, dict):
        return None
    return next((value for name in SECRET_AUTH if isinstance(value := auth.get(name), str) and value), None)


def _sid(exchange: Exchange) -> str | None:
    """Of the session that an exchange belongs to: named in its query, or given out by it."""
    query = parse_qs(exchange.request.target.partition("?")[2])
    if named := query.get("sid"):
        return named[-1]
    opening = _opening(exchange)
    sid = opening.get("sid") if opening else None
    return sid if isinstance(sid, str) else None


def _opening(exchange: Exchange) -> dict[str, object] | None:
    """What the open packet told that a server sent in this exchange."""
    sent = (content for _, from_client, content in _packets(exchange) if not from_client)
    return next(filter(None, map(_opened, sent)), None)


def _opened(content: Content) -> dict[str, object] | None:
    """What an open packet tells; None of any other packet."""
    if not isinstance(content, str) or not content.startswith(packets.OPEN):
        return None
    try:
        told = json.loads(content[1:])
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _packets(exchange: Exchange) -> Iterator[tuple[float, bool, Content]]:
    """The packets of engine.io in an exchange: when, whether the client sent it, and what it is."""
    if _is_switched(exchange):
        for message in exchange.messages:
            text = message.content.decode("utf-8", "replace") if message.is_text else message.content
            yield message.at, message.from_client, text
        return
    from_client = exchange.request.method == "POST"
    timing = exchange.timing
    body = exchange.request.body if from_client else exchange.response.body if exchange.response else None
    if body is None or body.size > LARGEST_POLL:
        return
    at = (timing.sent if from_client else timing.answering) or timing.started
    headers = exchange.request.headers if from_client or exchange.response is None else exchange.response.headers
    try:
        undone = decode(read(body), codings_of(headers), LARGEST_POLL)
        contents = packets.in_payload(undone.octets) if undone is not None else []
    except (PacketError, TooBigError):  # no body of engine.io's
        return
    yield from ((at, from_client, content) for content in contents)


def _spoken(spoken: Sequence[tuple[float, bool, Content]]) -> Iterator[tuple[float, bool, Said]]:
    """The packets of socket.io in those of engine.io; then how the server closed, if it did."""
    decoders = {True: Decoder(), False: Decoder()}
    for at, from_client, content in spoken:
        if isinstance(content, str):
            if content == packets.CLOSE:
                if not from_client:
                    yield at, False, Close()
                return
            if not content.startswith(packets.MESSAGE):
                continue
            content = content[1:]
        try:
            packet = decoders[from_client].feed(content)
        except PacketError:
            return
        if packet is not None:
            yield at, from_client, packet


def _head(exchanges: Sequence[Exchange], method: str, without: Exchange | None = None) -> Headers | None:
    for exchange in exchanges:
        response = exchange.response
        if exchange.request.method == method and exchange is not without and response and response.status != SWITCHED:
            return response.headers
    return None


def _server_close(exchange: Exchange) -> tuple[float, Close] | None:
    closing = exchange.closing
    if closing is None or closing.from_client or closing.code == ABNORMAL:
        return None
    return closing.at, Close(closing.code, closing.reason) if closing.code != NO_CODE else Close()
