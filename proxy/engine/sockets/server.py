"""The server of engine.io: handshakes, polls, posted packets, WebSockets, and what it refuses.

A poll that was recorded to the letter, with the random `t` that clients add, is a recording that is played again, and
is answered as such; a living client never asks like that.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from urllib.parse import parse_qs

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.sockets import packets
from peertape.proxy.engine.sockets.engineio import Connection, Terms, Transport
from peertape.proxy.engine.sockets.handshakes import is_upgrade, switched
from peertape.proxy.engine.sockets.namespaces import Namespaces
from peertape.proxy.engine.sockets.recordings import RecordedSession
from peertape.proxy.engine.sockets.socketio import SocketIo, new_id
from peertape.proxy.engine.sockets.sources import Sources
from peertape.proxy.engine.sockets.state import Sockets, currency
from peertape.proxy.engine.stages.parsing import exactly_recorded
from peertape.proxy.engine.twin.socketio import handshake_refusal, refused
from peertape.proxy.engine.twin.wire import http_date

CACHE_BUSTER = "t"
TEXT = "text/plain; charset=UTF-8"
HTML = "text/html"
TERMS = ("pingInterval", "pingTimeout", "maxPayload")
DONE = b"ok"
OVERLAP = 400
TOO_LARGE = 413
SERVER_ERROR = 500
UNKNOWN_SID, BAD_REQUEST = (1, "Session ID unknown"), (3, "Bad request")
OF_ONE_ANSWER = ("content-encoding", "transfer-encoding", "etag")

Rest = Callable[[Request], Answer]


class EngineIoServer:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._namespaces = Namespaces(sources)

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        query = parse_qs(request.query, keep_blank_values=True)
        if CACHE_BUSTER in query and (literal := self._literal(request, session)):
            return literal
        if not self._sources.emulates and not any(known.sessions() for known in self._sources.recordings):
            return rest(request)
        now = session.clock.now()
        if refusal := handshake_refusal(self._sources.answers, request, now):
            return self._literal(request, session) or refusal
        sid = query.get("sid", [""])[-1]
        upgrades = is_upgrade(request)
        transport = Transport(query["transport"][-1])
        if not sid:
            return self._handshake(request, session, transport, upgrades=upgrades)
        sockets = session.recall(Sockets)
        connection = sockets.find(sid)
        if connection is None:  # clients ask once more when they have said goodbye
            refusal = refused(self._sources.answers, now, *UNKNOWN_SID)
            return self._of(sockets.ended[sid], refusal) if sid in sockets.ended else refusal
        if upgrades and transport is Transport.WEBSOCKET:
            return self._of(connection.recording, switched(request, connection.socket(probing=True)))
        if upgrades or connection.transport is not transport or transport is not Transport.POLLING:
            return refused(self._sources.answers, now, *BAD_REQUEST)
        return self._polled(request, session, connection)

    def _literal(self, request: Request, session: Session) -> Answer | None:
        return exactly_recorded(self._sources.recorded, request, session)

    def _handshake(self, request: Request, session: Session, transport: Transport, *, upgrades: bool) -> Answer:
        if upgrades is not (transport is Transport.WEBSOCKET):
            return refused(self._sources.answers, session.clock.now(), *BAD_REQUEST)
        sockets, recording = session.recall(Sockets), self._recording_for(request, session, transport)
        recorded = self._literal(request, session) if transport is Transport.POLLING else None
        named = _sid_of(recorded)
        is_free = named is not None and sockets.find(named) is None and self._sources.is_ours(named)
        sid = named if named is not None and is_free else next(filter(self._sources.is_ours, iter(new_id, None)))
        opening = self._opening(recording, sid, transport)
        greeting = packets.OPEN + json.dumps(opening, separators=(",", ":"))
        connection = Connection(
            sid,
            _terms(opening),
            SocketIo(session, self._sources.facts, partial(self._namespaces.join, request, session)),
            transport,
            session.notifier,
            session.clock.real,
            currency(session),
            recording,
            greeting if upgrades else None,
        )
        sockets.keep(connection)
        if upgrades:
            return self._of(recording, switched(request, connection.socket(probing=False)))
        if recorded is not None and sid == named:
            return recorded
        return self._text(session, connection, recording.shaken if recording else None, greeting.encode(), TEXT)

    def _recording_for(self, request: Request, session: Session, transport: Transport) -> RecordedSession | None:
        """The recorded session that is next for whoever asks; else another's, which tells how such sessions are."""
        until = session.clock.known_until
        for recordings in self._sources.recordings:
            known = [one for one in recordings.sessions() if until is None or one.started <= until]
            asker = self._sources.asker(request, recordings)
            own = [one for one in known if one.asker.identity == asker.identity] or known
            alike = [one for one in own if (one.shaken is not None) is (transport is Transport.POLLING)] or own
            fresh = [one for one in alike if session.journal.answered_at(one.cassette, one.exchange) is None]
            if alike:
                return (fresh or alike[-1:])[0]
        return None

    def _opening(self, recording: RecordedSession | None, sid: str, transport: Transport) -> dict[str, object]:
        told = {} if recording is None else recording.opening
        upgrades = ["websocket"] if transport is Transport.POLLING else []
        return {"sid": sid, "upgrades": upgrades, **self._sources.facts.handshake, **_terms_told(told)}

    def _polled(self, request: Request, session: Session, connection: Connection) -> Answer:
        if request.method == "POST":
            return self._posted(request, session, connection)
        if request.method != "GET":
            return self._of(connection.recording, self._sources.answers.bare(SERVER_ERROR, []))
        poll, recording = connection.poll(), connection.recording
        if poll is None:
            return self._of(recording, self._sources.answers.bare(OVERLAP, []))
        body = poll.ready()
        answer = self._text(session, connection, recording.poll_head if recording else None, body or b"", TEXT)
        return answer if body is not None else replace(answer, pending=poll)

    def _posted(self, request: Request, session: Session, connection: Connection) -> Answer:
        recording = connection.recording
        if request.body_digest is not None or len(request.body) > connection.terms.largest:
            return self._of(recording, self._sources.answers.bare(TOO_LARGE, []))
        connection.posted(request.body)
        return self._text(session, connection, recording.posted if recording else None, DONE, HTML)

    def _text(self, session: Session, connection: Connection, head: Headers | None, body: bytes, kind: str) -> Answer:
        """As engine.io answers: with the headers of a recorded answer, if there is one."""
        usual = Headers((("Content-Type", kind), ("Content-Length", ""), ("cache-control", "no-store")))
        headers = usual if head is None else head.without(*OF_ONE_ANSWER)
        headers = headers.replaced("Content-Length", str(len(body)))
        headers = headers.replaced("Date", http_date(session.clock.now()))
        return self._of(connection.recording, Answer(200, headers, BytesBody(body), "OK"))

    def _of(self, recording: RecordedSession | None, answer: Answer) -> Answer:
        """With the source of its session."""
        if recording is None:
            return self._sources.emulated(answer)
        return replace(
            answer, source=Source.RECORDED, exchange=recording.exchange, cassette=recording.cassette, remark=()
        )


def _sid_of(answer: Answer | None) -> str | None:
    if answer is None or answer.status != 200:
        return None
    text = read(answer.body).decode("utf-8", "replace")
    told = packets.parsed(text[1:]) if text.startswith(packets.OPEN) else None
    sid = told.get("sid") if isinstance(told, dict) else None
    return sid if isinstance(sid, str) else None


def _terms_told(told: dict[str, object]) -> dict[str, object]:
    return {name: value for name in TERMS if isinstance(value := told.get(name), int) and value > 0}


def _terms(opening: dict[str, object]) -> Terms:
    interval, timeout, largest = (float(str(opening[name])) for name in TERMS)
    return Terms(interval / 1000, timeout / 1000, int(largest))
