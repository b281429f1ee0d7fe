"""WebSockets of their own: the tracker's, those of plugins, and upgrades that PeerTube does not answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from peertape.cassettes.headers import Headers
from peertape.cassettes.keys import tolerant_query
from peertape.config.patterns import pattern
from peertape.proxy.engine.hosts import may_answer
from peertape.proxy.engine.model import Answer, Delivery, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import ANONYMOUS
from peertape.proxy.engine.sockets.handshakes import switched
from peertape.proxy.engine.sockets.performance import Performance
from peertape.proxy.engine.sockets.plain import Language, PlainSocket, TrackerLanguage, UnknownLanguage
from peertape.proxy.engine.sockets.recordings import Recordings, Socket
from peertape.proxy.engine.sockets.sources import Sources
from peertape.proxy.engine.sockets.state import KeptOut, currency
from peertape.proxy.engine.stages.parsing import exactly_recorded

FORBIDDEN = 403
Rest = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Upgrades:
    sources: Sources

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        sources, facts = self.sources, self.sources.facts
        is_tracker = request.target == facts.tracker.path
        if is_tracker and session.recall(KeptOut).until.get(request.client, 0.0) > session.clock.now():
            return exactly_recorded(sources.recorded, request, session) or sources.answers.bare(FORBIDDEN, [])
        language = self._tracker(request, session) if is_tracker else UnknownLanguage()
        for recordings in sources.recordings:
            if found := self._found(request, session, recordings, language, is_for_all=is_tracker):
                return self._played(request, session, recordings, found, language)
        if is_tracker and sources.emulates:
            socket = PlainSocket(session, language, None, lambda text: text, currency(session))
            return sources.emulated(switched(request, socket))
        if recorded := exactly_recorded(sources.recorded, request, session):
            return recorded
        if sources.emulates and not pattern(facts.plugins).matches(request.method, request.path):
            closed = Answer(0, Headers(), delay=facts.unanswered, delivery=Delivery.CLOSED)
            return sources.emulated(closed)
        return rest(request)

    def _tracker(self, request: Request, session: Session) -> TrackerLanguage:
        facts = self.sources.facts.tracker

        def keep_out() -> None:
            with session.changing(KeptOut) as kept_out:
                kept_out.until[request.client] = session.clock.now() + facts.kept_out

        return TrackerLanguage(facts, keep_out, emulates=self.sources.emulates)

    def _found(
        self, request: Request, session: Session, recordings: Recordings, language: Language, *, is_for_all: bool
    ) -> Sequence[Socket]:
        question, until = self.sources.shelf.ask(request), session.clock.known_until
        folded = question.keys(recordings.cassette).folded_path
        query = tolerant_query(question.query(recordings.cassette))
        alike = [
            socket
            for socket in recordings.sockets(folded, language.tell)
            if socket.query == query
            and (until is None or socket.script.started <= until)
            and may_answer(request, socket.authority, recordings.cassette)
        ]
        if is_for_all:
            return alike
        asker = self.sources.asker(request, recordings)
        own = [socket for socket in alike if socket.asker.identity == asker.identity]
        return own or [socket for socket in alike if socket.asker.identity == ANONYMOUS]

    def _played(
        self, request: Request, session: Session, recordings: Recordings, found: Sequence[Socket], language: Language
    ) -> Answer:
        performance = Performance([socket.script for socket in found], session, self.sources.pace)
        script = performance.script
        translate = self.sources.translator(request, recordings.cassette)
        socket = PlainSocket(session, language, performance, translate, currency(session))
        head = next(one.head for one in found if one.script is script)
        answer = switched(request, socket, head)
        return replace(answer, source=Source.RECORDED, exchange=script.exchange, cassette=script.cassette)
