"""What sockets are played from: the recordings of every cassette, and the rules for what was not recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

from peertape.cassettes.keys import query_credential
from peertape.cassettes.store import Cassette
from peertape.config.sockets import SocketFacts
from peertape.proxy.engine.chain import Stage
from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.outlinks import OutLinks
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import USER, Shelf
from peertape.proxy.engine.sockets.performance import Pace
from peertape.proxy.engine.sockets.recordings import Asker, Recordings
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.late import LateTwin

Note = Callable[[Request, Session, Answer], Entry]


@dataclass(frozen=True)
class Sources:
    """`twin`: None where nothing is emulated; `note` is told of what is answered within a socket.

    `is_ours`: whether a client that is greeted with that id will be heard by this process.
    """

    shelf: Shelf
    recorded: Stage
    answers: Answers
    facts: SocketFacts
    note: Note
    twin: LateTwin | None = None
    links: OutLinks = OutLinks()
    pace: Pace = field(default_factory=Pace)
    is_ours: Callable[[str], bool] = lambda _sid: True

    @property
    def emulates(self) -> bool:
        return self.twin is not None

    @cached_property
    def recordings(self) -> tuple[Recordings, ...]:
        return tuple(map(Recordings, self.shelf.cassettes))

    def asker(self, request: Request, recordings: Recordings, auth: object = None) -> Asker:
        """Who asks, as a cassette knows them; users have the same name in all."""
        question = self.shelf.ask(request)
        asker = recordings.asker(question.query(recordings.cassette), question.headers(recordings.cassette), auth)
        known = self.shelf.ask(as_bearer(request)).identity
        return replace(asker, identity=known) if known.startswith(USER) else asker

    def translator(self, request: Request, cassette: Cassette) -> Callable[[str], str]:
        return lambda text: self.links.text(request, text, cassette)

    def emulated(self, answer: Answer) -> Answer:
        """Marked as an answer of the rules."""
        return replace(answer, source=Source.EMULATED, remark=self.answers.remark)


def as_bearer(request: Request) -> Request:
    """The token in the query, as an Authorization: by that everything else tells who asks."""
    token = query_credential(request.query)
    if token is None or "authorization" in request.headers:
        return request
    return replace(request, headers=request.headers.added("Authorization", f"Bearer {token}"))
