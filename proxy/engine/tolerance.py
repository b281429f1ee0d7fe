"""The third tier: PeerTube's equivalences, and the user's `match.ignore` rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from peertape.cassettes.bodies import Body, read
from peertape.cassettes.bodyfields import fields
from peertape.cassettes.candidates import Candidate
from peertape.cassettes.headers import Headers
from peertape.cassettes.keys import EMPTY_DIGEST, body_type, query_credential, telling, telling_fields, tolerant_query
from peertape.cassettes.paths import fold, spellings
from peertape.cassettes.store import Cassette
from peertape.config import facts
from peertape.config.patterns import Pattern
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.shelf import Question

LARGEST_COMPARED = 1024 * 1024  # octets of a body that is compared by its members


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """On these requests, this query parameter, header or JSON member does not tell requests apart."""

    route: Pattern | None = None
    query: str | None = None
    header: str | None = None
    json: str | None = None  # dotted, `*` for any member or element: "metadata.clientId"

    def applies(self, request: Request) -> bool:
        return self.route is None or self.route.matches(request.method, fold(request.path))


@dataclass(frozen=True, slots=True)
class Ignored:
    """What does not tell two requests apart, by kind."""

    query: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    json: tuple[str, ...] = ()


NOTHING = Ignored()


class Tolerance:
    def __init__(self, rules: Sequence[IgnoreRule] = ()) -> None:
        known = (IgnoreRule(route, query=fact.query, json=fact.json_) for route, fact in facts.made_up())
        self._rules = (*known, *rules)

    def ignored(self, request: Request, overlooked: Ignored = NOTHING) -> Ignored:
        rules = [rule for rule in self._rules if rule.applies(request)]
        return Ignored(
            overlooked.query | {rule.query for rule in rules if rule.query},
            overlooked.headers | {rule.header.lower() for rule in rules if rule.header},
            overlooked.json + tuple(rule.json for rule in rules if rule.json),
        )

    def of(
        self,
        question: Question,
        cassette: Cassette,
        candidates: Iterable[Candidate],
        may_answer: Callable[[Candidate], bool],
        ignored: Ignored,
    ) -> Iterator[Candidate]:
        """The recordings that mean the same, of those that `may_answer`."""
        request = question.request
        wanted_query = tolerant_query(request.query, ignored.query)
        alike = [
            candidate
            for candidate in candidates
            if candidate.method == request.method
            and tolerant_query(candidate.query, ignored.query) == wanted_query
            and may_answer(candidate)
            and _same_query_asker(question, cassette, candidate)
        ]
        cassette.look_at(candidate.id for candidate in alike)
        for candidate in alike:
            if self._same_body(question, cassette, candidate, ignored) and self._same_headers(
                question, cassette, candidate, ignored
            ):
                yield candidate

    def paths(self, question: Question, cassette: Cassette) -> list[str]:
        """The path, and that of the same resource by its other name."""
        folded = question.keys(cassette).folded_path
        return question.once(cassette, "paths", lambda: [*spellings(folded, cassette.numbers, cassette.uuid)])

    def same_for_all(self, question: Question, cassette: Cassette) -> bool:
        """Whether the answer is the same whoever asks; a token in the query always tells."""
        return question.once(cassette, "same for all", lambda: _is_for_all(question, cassette))

    def _same_headers(self, question: Question, cassette: Cassette, candidate: Candidate, ignored: Ignored) -> bool:
        request = question.request
        mine = self._telling(request.method, request.path, question.headers(cassette))
        recorded = cassette.exchange(candidate.id).request.headers
        theirs = self._telling(candidate.method, candidate.path, recorded)
        return _without(mine, ignored.headers) == _without(theirs, ignored.headers)

    @staticmethod
    def _telling(method: str, path: str, headers: Headers) -> list[tuple[str, str]]:
        return [pair for pair in telling(method, path, headers, EMPTY_DIGEST) if pair[0] != "origin"]

    @staticmethod
    def _same_body(question: Question, cassette: Cassette, candidate: Candidate, ignored: Ignored) -> bool:
        if candidate.body_digest == question.keys(cassette).body_digest:
            return True
        if names := telling_fields(question.request.method, question.keys(cassette).folded_path):
            return _telling_members(question, cassette, candidate, names)
        return bool(ignored.json) and _same_but(question, cassette, candidate, ignored.json)


def _is_for_all(question: Question, cassette: Cassette) -> bool:
    request, path = question.request, question.keys(cassette).folded_path
    return query_credential(request.query) is None and any(
        pattern.matches(request.method, path) for pattern in facts.same_for_all()
    )


def _telling_members(question: Question, cassette: Cassette, candidate: Candidate, names: frozenset[str]) -> bool:
    request, recorded = question.request, cassette.exchange(candidate.id).request
    if recorded.body.size > LARGEST_COMPARED or body_type(recorded.headers) != body_type(request.headers):
        return False
    mine = question.once(cassette, "fields", lambda: fields(request.headers, question.body(cassette)))
    theirs = fields(recorded.headers, read(recorded.body))
    return all(mine.get(name) == theirs.get(name) for name in names)


def _same_but(question: Question, cassette: Cassette, candidate: Candidate, paths: Sequence[str]) -> bool:
    """Whether the JSON bodies are the same but for what the paths name."""
    mine = _json(question.body(cassette))
    theirs = _json_of(cassette.exchange(candidate.id).request.body)
    if mine is None or theirs is None:
        return False
    for path in paths:
        drop(mine, path.removeprefix("$.").split("."))
        drop(theirs, path.removeprefix("$.").split("."))
    return bool(mine == theirs)


def _same_query_asker(question: Question, cassette: Cassette, candidate: Candidate) -> bool:
    """A token in the query: the same, or another of the same user."""
    mine = query_credential(question.query(cassette))
    theirs = query_credential(candidate.query)
    if mine == theirs:
        return True
    if mine is None or theirs is None or candidate.status in (401, 403):
        return False
    user = cassette.user_of(mine)
    return user is not None and user == cassette.user_of(theirs)


def _without(pairs: list[tuple[str, str]], names: frozenset[str]) -> list[tuple[str, str]]:
    return [pair for pair in pairs if pair[0] not in names]


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json_of(body: Body) -> Any:
    return _json(read(body)) if body.size <= LARGEST_COMPARED else None


def drop(value: Any, path: Sequence[str]) -> None:
    """Removes what a dotted path names from a JSON value, in place."""
    head, rest = path[0], path[1:]
    if isinstance(value, list):
        for item in value:
            drop(item, rest if head == "*" and rest else path)
    elif isinstance(value, dict):
        for name in list(value) if head == "*" else [head]:
            if name not in value:
                continue
            if rest:
                drop(value[name], rest)
            else:
                del value[name]
