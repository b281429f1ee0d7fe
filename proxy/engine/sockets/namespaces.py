"""Who is let into a namespace of socket.io, and what is played there.

First what was recorded of the same user; then, where PeerTube lets everyone in, what was recorded of anyone, and
elsewhere what was recorded of a visitor who was let in; then the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import ANONYMOUS
from peertape.proxy.engine.sockets.packets import Packet, parsed
from peertape.proxy.engine.sockets.performance import Performance
from peertape.proxy.engine.sockets.recordings import SECRET_AUTH, Asker, Joined, Recordings
from peertape.proxy.engine.sockets.socketio import Joining, refusal, welcome
from peertape.proxy.engine.sockets.sources import Sources, as_bearer
from peertape.proxy.engine.twin.tokens import is_over

METHOD = "SOCKET.IO"  # of a journal's entry, whose target is the namespace
JOINED, REFUSED, MISSED = 101, 403, 501
NOT_RECORDED = "peertape: not recorded"


@dataclass(frozen=True, slots=True)
class _Found:
    recordings: Recordings
    joined: Sequence[Joined]
    remark: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Namespaces:
    sources: Sources

    def join(self, request: Request, session: Session, packet: Packet) -> Joining:
        """`request` is the handshake."""
        known = self.sources.facts.namespaces.get(packet.namespace)
        found = self._found(request, session, packet)
        by_user = known is not None and known.by == "user"
        if found is not None and not (by_user and is_over(as_bearer(request), session)):
            return self._played(request, session, packet, found)
        if self.sources.emulates:
            return self._ruled(request, session, packet)
        self._note(request, session, packet, Answer(MISSED, Headers(), source=Source.MISS))
        return Joining(None, refusal(packet.namespace, NOT_RECORDED))

    def _found(self, request: Request, session: Session, packet: Packet) -> _Found | None:
        known = self.sources.facts.namespaces.get(packet.namespace)
        is_for_all = known is not None and known.by is None
        for recordings in self.sources.recordings:
            joined = recordings.joined(packet.namespace)
            until = session.clock.known_until
            joined = [one for one in joined if until is None or one.script.started <= until]
            auth = parsed(recordings.cassette.redactor.json(packet.data)) if packet.data else None
            asker = self.sources.asker(request, recordings, auth)
            if own := [one for one in joined if _is_of(one, asker)]:
                return _Found(recordings, own)
            if is_for_all and (anyone := [one for one in joined if one.accepted]):
                return _Found(recordings, anyone, (("as", anyone[0].asker.identity),))
            visitors = [one for one in joined if one.accepted and one.asker.identity == ANONYMOUS]
            if visitors:
                return _Found(recordings, visitors, (("as", ANONYMOUS),))
        return None

    def _played(self, request: Request, session: Session, packet: Packet, found: _Found) -> Joining:
        scripts = [one.script for one in found.joined]
        performance = Performance(scripts, session, self.sources.pace)
        script = performance.script
        accepted = next(one.accepted for one in found.joined if one.script is script)
        answer = Answer(
            JOINED if accepted else REFUSED,
            Headers(),
            source=Source.RECORDED,
            exchange=script.exchange,
            cassette=script.cassette,
            remark=found.remark,
            conversation=script.exchanges,
        )
        self._note(request, session, packet, answer)
        return Joining(performance, translate=self.sources.translator(request, found.recordings.cassette))

    def _ruled(self, request: Request, session: Session, packet: Packet) -> Joining:
        message = self._refusal(request, session, packet)
        answer = welcome(packet.namespace) if message is None else refusal(packet.namespace, message)
        status = JOINED if message is None else REFUSED
        self._note(request, session, packet, self.sources.emulated(Answer(status, Headers())))
        return Joining(None, answer)

    def _refusal(self, request: Request, session: Session, packet: Packet) -> str | None:
        """What PeerTube says to whom it does not let in. Of runners it is not known whose token is good."""
        facts = self.sources.facts
        known = facts.namespaces.get(packet.namespace)
        if known is None:
            return facts.unknown_namespace
        if known.by == "user":
            asked = as_bearer(request)
            if asked is request:
                return known.missing
            twin = self.sources.twin
            return None if twin is not None and twin().holder(asked, session) is not None else known.invalid
        if known.by == "runner":
            auth = packet.value
            told = isinstance(auth, dict) and any(auth.get(name) for name in SECRET_AUTH)
            return None if told else known.missing
        return None

    def _note(self, request: Request, session: Session, packet: Packet, answer: Answer) -> None:
        """Every namespace that is joined stands in the journal: here it shows what was recorded, and what not."""
        answer = replace(answer, ambiguous=len(self.sources.recordings) > 1)
        self.sources.note(Request(METHOD, packet.namespace, as_bearer(request).headers), session, answer)


def _is_of(joined: Joined, asker: Asker) -> bool:
    """A refusal says something about the token, not about its user."""
    same_token = joined.asker.token == asker.token
    return joined.asker.identity == asker.identity and (joined.accepted or same_token)
