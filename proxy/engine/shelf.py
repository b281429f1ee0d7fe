"""The cassettes of a run, and who is asking.

The leftmost cassette that has an answer gives it; sequences of different cassettes never interleave, and users of
the same name are the same user in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from peertape.cassettes.keys import RequestKeys
from peertape.cassettes.store import Candidate, Cassette
from peertape.proxy.engine.model import Request

ANONYMOUS = "anonymous"
USER = "user:"


@dataclass(slots=True)
class Question:
    """A request on its way through the cassettes, with what each of them makes of it."""

    request: Request
    identity: str
    _keys: dict[str, RequestKeys] = field(default_factory=dict)

    def keys(self, cassette: Cassette) -> RequestKeys:
        if cassette.name not in self._keys:
            request = self.request
            self._keys[cassette.name] = cassette.keys(
                request.method, request.target, request.headers, request.body, request.body_digest
            )
        return self._keys[cassette.name]


class Shelf:
    def __init__(self, cassettes: Sequence[Cassette]) -> None:
        self.cassettes = tuple(cassettes)

    def ask(self, request: Request) -> Question:
        question = Question(request, ANONYMOUS)
        question.identity = self._identity(question)
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
                unexplained = f"token:{credential}"
        return unexplained

    def origin(self) -> str | None:
        """The public origin of the leftmost cassette that knows one."""
        return next((origin for cassette in self.cassettes if (origin := cassette.public_origin)), None)


def identity_of(cassette: Cassette, candidate: Candidate) -> str:
    if candidate.credential is None:
        return ANONYMOUS
    user = cassette.user_of(candidate.credential)
    return f"{USER}{user}" if user else f"token:{candidate.credential}"
