"""The outermost stage: every answer carries its source, and the session's journal keeps it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from peertape.cassettes.errors import CassetteError
from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.journal import Entry, Nearest
from peertape.proxy.engine.model import SAFE, Answer, Request, Source
from peertape.proxy.engine.nearest import Explainer
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import UNKNOWN, Question
from peertape.proxy.engine.sockets.ending import Ending, Held

HEADER = "Peertape-Source"
Observer = Callable[[Entry], None]


class SourceStage:
    def __init__(self, explainer: Explainer, observers: Sequence[Observer] = ()) -> None:
        self._explainer = explainer
        self._observers = tuple(observers)

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:
        answer = replace(rest(request), ambiguous=len(self._explainer.shelf.cassettes) > 1)
        if answer.source is Source.LIVE:
            return answer  # noted when the instance has answered
        if answer.source is not Source.CONTROL:
            entry = self.note(request, session, answer)
            if answer.settled is not None:
                answer = replace(answer, settled=replace(answer.settled, entry=entry))
            if answer.socket is not None:
                answer = replace(
                    answer,
                    socket=Ending(answer.socket, session, lambda: self.tell_observers(entry._replace(again=True))),
                )
        if answer.pending is not None:
            answer = replace(answer, pending=Held(answer.pending, session))
        return replace(answer, headers=answer.headers.added(HEADER, answer.source_text))

    def note(self, request: Request, session: Session, answer: Answer) -> Entry:
        entry = self._entry(request, session, answer)
        session.journal.add(entry)
        if request.method not in SAFE:  # what it has changed, others may be told on their sockets
            session.notifier.notify()
        self.tell_observers(entry)
        return entry

    def tell(self, request: Request, session: Session, answer: Answer) -> None:
        """To the observers alone, where the session cannot be told; it may be that no cassette can be asked, either."""
        try:
            entry = self._entry(request, session, answer)
        except CassetteError:
            path = request.asked.partition("?")[0]  # what is secret in a query is not known
            entry = _made(request, session, answer, UNKNOWN, path, answer.nearest)
        self.tell_observers(entry)

    def _entry(self, request: Request, session: Session, answer: Answer) -> Entry:
        question = self._explainer.shelf.ask(request)
        cassettes = self._explainer.shelf.cassettes
        target = cassettes[0].redactor.target(request.asked) if cassettes else request.asked
        nearest = answer.nearest or self._explained(question, answer)
        return _made(request, session, answer, question.identity, target, nearest)

    def tell_observers(self, entry: Entry) -> None:
        for observer in self._observers:
            observer(entry)

    def _explained(self, question: Question, answer: Answer) -> tuple[Nearest, ...]:
        """An answer that is not exact says what it was taken from."""
        if not answer.remark or answer.exchange is None or answer.cassette is None:
            return ()
        return self._explainer.chosen(question, answer.cassette, answer.exchange)


def _made(
    request: Request, session: Session, answer: Answer, identity: str, target: str, nearest: tuple[Nearest, ...]
) -> Entry:
    return Entry(
        session.clock.now(),
        session.name,
        identity,
        request.method,
        target,
        answer.status,
        answer.source.value,
        answer.source_text,
        answer.exchange,
        answer.cassette,
        nearest,
        None if answer.socket is None else answer.socket.messages,
        answer.conversation,
    )
