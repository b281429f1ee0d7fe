"""The cassettes of a run, and who is asking.

The leftmost cassette that has an answer gives it; sequences of different cassettes never interleave, and users of
the same name are the same user in all of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from peertape.cassettes.candidates import Asker, Candidate
from peertape.cassettes.headers import Headers
from peertape.cassettes.keys import RequestKeys
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.model import Request

ANONYMOUS = "anonymous"
UNKNOWN = "unknown"  # while the cassettes cannot be asked
ASKED_KEPT = 8  # a request, and the forms in which stages look for its answer
USER, TOKEN = "user:", "token:"


@dataclass(slots=True)
class Question:
    """A request on its way through the cassettes, with what each of them makes of it."""

    request: Request
    identity: str
    _keys: dict[str, RequestKeys] = field(default_factory=dict)
    _made: dict[tuple[str, str], object] = field(default_factory=dict)

    def keys(self, cassette: Cassette) -> RequestKeys:
        if cassette.name not in self._keys:
            request = self.request
            self._keys[cassette.name] = cassette.keys(
                request.method, request.target, request.headers, request.body, request.body_digest
            )
        return self._keys[cassette.name]

    def headers(self, cassette: Cassette) -> Headers:
        """The request's headers, redacted."""
        return self.once(cassette, "headers", lambda: cassette.redactor.headers(self.request.headers, response=False))

    def query(self, cassette: Cassette) -> str:
        """The request's query, redacted."""
        return self.once(cassette, "query", lambda: cassette.redactor.target(self.request.target).partition("?")[2])

    def body(self, cassette: Cassette) -> bytes:
        """The request's body, redacted."""
        return self.once(cassette, "body", lambda: cassette.redacted_body(self.request.headers, self.request.body))

    def once[T](self, cassette: Cassette, what: str, make: Callable[[], T]) -> T:
        """Made once, however many recordings it is compared with."""
        key = (cassette.name, what)
        if key not in self._made:
            self._made[key] = make()
        return cast(T, self._made[key])


class Shelf:
    def __init__(self, cassettes: Sequence[Cassette]) -> None:
        self.cassettes = tuple(cassettes)
        self._asked: OrderedDict[int, Question] = OrderedDict()  # by the request's place in memory
        self._asked_at: tuple[int, ...] = ()

    def changes(self) -> tuple[int, ...]:
        """Differs from what it was whenever anything was written to a cassette."""
        return tuple([cassette.changes() for cassette in self.cassettes])

    def ask(self, request: Request) -> Question:
        """Many stages ask about one request: they share the question, until anything is written."""
        changes = self.changes()
        if changes != self._asked_at:
            self._asked.clear()
            self._asked_at = changes
        known = self._asked.get(id(request))
        if known is not None and known.request is request:
            return known
        question = Question(request, ANONYMOUS)
        question.identity = self._identity(question)
        newest = next(reversed(self._asked.values()), None)
        if newest is not None and newest.request.body is not request.body:
            self._asked.clear()  # the forms of one request share its body; that of another need not stay in memory
        self._asked[id(request)] = question
        if len(self._asked) > ASKED_KEPT:
            self._asked.popitem(last=False)
        return question

    def _identity(self, question: Question) -> str:
        """`anonymous`, `user:NAME`, or `token:PSEUDONYM` for a token that no login in any cassette explains."""
        unexplained = ANONYMOUS
        for cassette in self.cassettes:
            credential = question.keys(cassette).credential
            if credential is None:
                return ANONYMOUS
            if user := cassette.user_of(credential):
                return f"{USER}{user}"
            if unexplained == ANONYMOUS:
                unexplained = f"{TOKEN}{credential}"
        return unexplained

    def server_version(self) -> str | None:
        """What the leftmost instance that told its version said."""
        told = (cassette.meta().get("server_version") for cassette in self.cassettes)
        return next(filter(None, told), None)

    def origin(self) -> str | None:
        """The public origin of the leftmost cassette that knows one."""
        return next((origin for cassette in self.cassettes if (origin := cassette.public_origin)), None)


def identity_of(cassette: Cassette, candidate: Candidate) -> str:
    if candidate.credential is None:
        return ANONYMOUS
    user = cassette.user_of(candidate.credential)
    return f"{USER}{user}" if user else f"{TOKEN}{candidate.credential}"


def asker_of(question: Question) -> Asker:
    """By whom a cassette finds what the same identity asked."""
    identity = question.identity
    if identity.startswith(USER):
        return Asker(user=identity.removeprefix(USER))
    return Asker(token=identity.removeprefix(TOKEN)) if identity.startswith(TOKEN) else Asker()
