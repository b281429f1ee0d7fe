"""The twin: judges a request by the contracts, over the world that the cassettes tell of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peertape.cassettes.bodies import read
from peertape.cassettes.model import Exchange
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin import asking, functions
from peertape.proxy.engine.twin.accounts import Accounts
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.case import Case
from peertape.proxy.engine.twin.contract import Book, Contract
from peertape.proxy.engine.twin.deeds import Deed, Deeds
from peertape.proxy.engine.twin.excerpts import Judged
from peertape.proxy.engine.twin.expressions import Evaluator
from peertape.proxy.engine.twin.facts import Entity
from peertape.proxy.engine.twin.framing import with_cache_control
from peertape.proxy.engine.twin.given import given
from peertape.proxy.engine.twin.history import History
from peertape.proxy.engine.twin.needs import NOTHING, Lacking, Needs
from peertape.proxy.engine.twin.ourhosts import OurHosts
from peertape.proxy.engine.twin.routes import Found
from peertape.proxy.engine.twin.steps import judge
from peertape.proxy.engine.twin.telling import MOST_BYTES, names_of, names_of_answer
from peertape.proxy.engine.twin.undecided import Undecided
from peertape.proxy.engine.twin.verdict import Outcome, Verdict

MOST_QUESTIONS = 100  # to a large cassette, of one request
MOST_REMEMBERED = 1000  # refusals of the past: each may take the telling of a whole world


class Twin:
    """`hosts`: by which clients reach us; without them, those of the cassettes and of this machine."""

    def __init__(self, shelf: Shelf, book: Book, answers: Answers, hosts: OurHosts | None = None) -> None:
        self._shelf = shelf
        self._book = book
        self._answers = answers
        self._history = History(shelf, book)
        self._accounts = Accounts(shelf, self._history)
        self._past = Session("past")
        self._then: dict[tuple[str, int, int], Answer | None] = {}
        self._hosts = hosts or OurHosts(shelf)
        self._rules = {**functions.of_rules(book.roles), **functions.of_secrets(self._disguises)}

    @property
    def book(self) -> Book:
        return self._book

    def knows(self, method: str, path: str) -> bool:
        """Whether PeerTube has such a route."""
        return self._book.routes.find(method, path) is not None

    def pieces(self, method: str, path: str) -> str | None:
        """The part of a request in an upload in pieces: `begin`, `put` or `cancel`."""
        found = self._book.routes.find(method, path)
        return None if found is None else found.route.pieces

    def asker(self, request: Request, session: Session) -> Entity | None:
        """The user who asks, as far as the token tells."""
        world = self._history.world(session, request)
        return self._accounts.bearer(self._shelf.ask(request), session, world).user

    def note(self, request: Request, session: Session, answer: Answer) -> None:
        """Something was done in the session: its own world changes as the recorded one does by a recorded success."""
        found = self._book.routes.find(request.method, request.path)
        if found is None or not found.route.effects:
            return
        user = self.asker(request, session)
        seen = given(request, found.params)
        seen.files = {name: [{**file, "content": b""} for file in files] for name, files in seen.files.items()}
        names = {
            **names_of(seen, request, session.clock.now()),
            **names_of_answer(answer.status, answer.headers, answer.body),
        }
        with session.changing(Deeds) as deeds:
            deeds.done.append(Deed(found.route, names, None if user is None else user.get("username")))

    def prepare(self, session: Session) -> None:
        """Makes the session's world ready, which takes a moment for a big cassette."""
        self._history.world(session)

    def refused_then(self, answer: Answer) -> Answer | None:
        """How the rules would have refused a recorded success at its own moment: of that they do not know enough.

        What a reading was answered was so before it was asked for, and thus is known to be.
        """
        cassette = next((known for known in self._shelf.cassettes if known.name == answer.cassette), None)
        if cassette is None or answer.exchange is None:
            return None
        key = (cassette.name, answer.exchange, cassette.changes())
        if key not in self._then:
            if len(self._then) >= MOST_REMEMBERED:
                self._then.clear()
            self._then[key] = self._refused_at(cassette.exchange(answer.exchange))
        return self._then[key]

    def refuses_out_of_ignorance(self, refusal: Answer, answer: Answer) -> bool:
        """Whether they would have refused the recorded success then as well, in the same words."""
        then = self.refused_then(answer)
        return then is not None and (then.status, read(then.body)) == (refusal.status, read(refusal.body))

    def _refused_at(self, exchange: Exchange) -> Answer | None:
        recorded = exchange.request
        body = read(recorded.body) if recorded.body.size <= MOST_BYTES else b""
        request = Request(recorded.method, recorded.target, recorded.headers, body)
        self._past.clock.freeze(True)
        reading_ended = exchange.timing.answered if recorded.method in ("GET", "HEAD") else None
        self._past.clock.set(exchange.timing.started if reading_ended is None else reading_ended)
        verdict = self.judge(request, self._past)
        return verdict.answer if verdict.outcome is Outcome.REFUSED else None

    def judge(self, request: Request, session: Session) -> Verdict:
        found = self._book.routes.find(request.method, request.path)
        if found is None or not found.route.steps:
            return Verdict(Outcome.UNDECIDED, why="no rules for this route")
        try:
            return self.informed(
                request,
                session,
                found,
                lambda case: with_cache_control(judge(found.route.steps, case) or Verdict(Outcome.ACCEPTED), case),
            )
        except Undecided as undecided:
            return Verdict(Outcome.UNDECIDED, why=undecided.what)
        except RecursionError:  # a recorded value that is nested as no answer of PeerTube's is
            return Verdict(Outcome.UNDECIDED, why="nested too deeply")

    def informed[T](self, request: Request, session: Session, found: Found[Contract], use: Callable[[Case], T]) -> T:
        """What `use` makes of the request before the rules of its route; anew where the world has to know more."""
        needs = NOTHING
        for _ in range(MOST_QUESTIONS):
            case = self._case(request, session, found, needs)
            try:
                return use(case)
            except Lacking as lacking:
                needs |= lacking.needs
            except Undecided:
                more = case.world.parts() if isinstance(case.world, Judged) else NOTHING
                if not more:
                    raise
                needs |= more
        raise Undecided("too much at once")

    def _case(self, request: Request, session: Session, found: Found[Contract], needs: Needs) -> Case:
        contract, now = found.route, session.clock.now()
        question = self._shelf.ask(request)
        world = self._history.judged(session, request, needs)
        seen = given(request, found.params)
        asked: dict[str, Any] = {}
        names = {
            "params": seen.params,
            "query": seen.query,
            "body": seen.body,
            "headers": seen.headers,
            "cookies": seen.cookies,
            "files": seen.files,
            "me": None,
            "now": now,
            "config": world.config,
            "asked": asked,
            "request": {
                "method": request.method,
                "path": request.path,
                "target": request.target,
                "host": request.host,
                "query": request.query,
            },
        }
        return Case(
            request,
            seen,
            world,
            self._answers,
            Evaluator(
                names,
                {
                    **self._rules,
                    **functions.of_world(world),
                    **asking.of_request(request),
                    "is_our_host": lambda host: self._hosts.has(host, request),
                },
            ),
            now,
            contract.docs,
            contract.at,
            self._accounts.bearer(question, session, world),
            asked=asked,
            session=session,
        )

    def holder(self, request: Request, session: Session) -> Entity | None:
        """Whose the request's token is; None if it is nobody's, or not valid any more."""
        return self._accounts.bearer(self._shelf.ask(request), session, self._history.world(session, request)).user

    def heeds_host(self, request: Request) -> bool:
        """Whether what the route answers hangs on the Host."""
        found = self._book.routes.find(request.method, request.path)
        return found is not None and found.route.by_host

    def _disguises(self, text: str, guessable: bool) -> frozenset[str]:
        return frozenset(cassette.pseudonyms.of(text, guessable) for cassette in self._shelf.cassettes) | {text}
