"""On a miss: the nearest recordings, and exactly what differs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from typing import Any
from urllib.parse import unquote_plus

from peertape.cassettes.candidates import Candidate
from peertape.cassettes.codings import codings_of
from peertape.cassettes.keys import everything_told, telling
from peertape.cassettes.model import State
from peertape.cassettes.paths import fold
from peertape.cassettes.store import Cassette
from peertape.config import facts
from peertape.proxy.engine.journal import Nearest
from peertape.proxy.engine.matching import is_readable
from peertape.proxy.engine.shelf import Question, Shelf, identity_of
from peertape.proxy.engine.tolerance import Tolerance

NAMED = 3  # recordings a miss names
WEIGHED = 100  # recordings of one path that are looked at
COMPARED = 20  # of these, down to headers and body
BESIDE = 100  # paths before and after one, in their order, that are compared with it
BEGINNING = 100  # exchanges whose paths are
NAMED_DIFFERENCES = 40  # of a query or a body
LIKENESS = 0.6  # of two paths, from 0 to 1


@dataclass(frozen=True, slots=True)
class Explainer:
    shelf: Shelf
    tolerance: Tolerance

    def nearest(self, question: Question) -> tuple[Nearest, ...]:
        found: list[tuple[int, Nearest]] = []
        for cassette in self.shelf.cassettes:
            on_path = cassette.newest(self.tolerance.paths(question, cassette), WEIGHED)
            alike = on_path or cassette.newest(_like(question.keys(cassette).folded_path, cassette), WEIGHED)
            ended = [candidate for candidate in alike[-WEIGHED:] if candidate.state is not State.OPEN]
            for candidate in _likeliest(question, cassette, ended):
                lines = differences(question, cassette, candidate)
                near = Nearest(candidate.id, cassette.name, f"{candidate.method} {candidate.target}", lines)
                found.append((len(lines), near))
        found.sort(key=lambda item: item[0])
        return tuple(near for _, near in _distinct(found)[:NAMED])

    def chosen(self, question: Question, cassette_name: str, exchange: int) -> tuple[Nearest, ...]:
        """Of an answer that is not exact: the recording that it was made from, and how that one was asked for."""
        for cassette in self.shelf.cassettes:
            if cassette.name == cassette_name and (candidate := cassette.candidate(exchange)):
                lines = (*differences(question, cassette, candidate), *_as_spelled(question, cassette, candidate))
                return (Nearest(exchange, cassette_name, f"{candidate.method} {candidate.target}", lines),)
        return ()


def _likeliest(question: Question, cassette: Cassette, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """Those of which the line and the asker differ least: to compare all else, each has to be read."""

    def unlike(candidate: Candidate) -> int:
        return len(_line(question, cassette, candidate)) + len(_asker(question, cassette, candidate))

    return nsmallest(COMPARED, candidates, key=unlike)


def _like(folded: str, cassette: Cassette) -> list[str]:
    """The recorded paths that are spelled most like it: of those that begin alike, and of those recorded first."""
    first = (fold(candidate.path) for candidate in islice(cassette.candidates(), BEGINNING))
    begin_alike = (*reversed(cassette.paths_before(folded, BESIDE)), *cassette.paths_from(folded, BESIDE))
    return difflib.get_close_matches(folded, dict.fromkeys((*begin_alike, *first)), NAMED, LIKENESS)


def differences(question: Question, cassette: Cassette, candidate: Candidate) -> tuple[str, ...]:
    """What keeps a recording from being the answer, a sentence each; empty if nothing does."""
    return (
        *_state(candidate),
        *_line(question, cassette, candidate),
        *_host(question, candidate, cassette),
        *_asker(question, cassette, candidate),
        *_headers(question, cassette, candidate),
        *_body(question, cassette, candidate),
        *_coding(question, cassette, candidate),
    )


def _state(candidate: Candidate) -> list[str]:
    if candidate.replayable:
        return []
    if candidate.status == 429:
        return ["its answer was a 429, which is never replayed"]
    if candidate.status == 101:
        return ["it is a WebSocket"]
    return [f"the recording is {candidate.state.value}, not complete"]


def _line(question: Question, cassette: Cassette, candidate: Candidate) -> list[str]:
    request = question.request
    out = []
    if candidate.method != request.method:
        out.append(f"method: asked {request.method}, recorded {candidate.method}")
    if fold(candidate.path) not in {question.keys(cassette).folded_path}:
        out.append(f"path: asked {request.path}, recorded {candidate.path}")
    asked = question.once(cassette, "parameters", lambda: _parameters(question.query(cassette)))
    return [*out, *_compared("query", cassette, asked, _parameters(candidate.query))]


def _host(question: Question, candidate: Candidate, cassette: Cassette) -> list[str]:
    host = question.request.host
    if host in cassette.authorities() and host != candidate.authority:
        return [f"host: asked {host}, recorded {candidate.authority}"]
    return []


def _as_spelled(question: Question, cassette: Cassette, candidate: Candidate) -> list[str]:
    """What tolerant matching overlooked: the path's spelling, and headers that do not tell requests apart."""
    request = question.request
    out = []
    if candidate.path != request.path:
        out.append(f"path as spelled: asked {request.path}, recorded {candidate.path}")
    mine = everything_told(question.headers(cassette))
    theirs = everything_told(cassette.exchange(candidate.id).request.headers)
    telling_names = facts.load().telling_headers
    for name in sorted({name for name, _ in set(mine) ^ set(theirs)}):
        if name not in telling_names and name != "authorization":
            out.append(f"header {name}: asked {_said(dict(mine).get(name))}, recorded {_said(dict(theirs).get(name))}")
    return out


def _asker(question: Question, cassette: Cassette, candidate: Candidate) -> list[str]:
    recorded = identity_of(cassette, candidate)
    if recorded == question.identity:
        return []
    return [f"identity: asked as {question.identity}, recorded as {recorded}"]


def _headers(question: Question, cassette: Cassette, candidate: Candidate) -> list[str]:
    request = question.request
    mine = dict(telling(request.method, request.path, question.headers(cassette), b""))
    recorded = cassette.exchange(candidate.id).request.headers
    theirs = dict(telling(candidate.method, candidate.path, recorded, b""))
    return [
        f"header {name}: {_against(cassette, name, mine, theirs)}"
        for name in sorted(mine.keys() | theirs.keys())
        if mine.get(name) != theirs.get(name) and name not in ("origin", "content-type")
    ]


def _body(question: Question, cassette: Cassette, candidate: Candidate) -> list[str]:
    if candidate.body_digest == question.keys(cassette).body_digest or candidate.method != question.request.method:
        return []
    mine = question.once(cassette, "members", lambda: _members(question.body(cassette)))
    body = cassette.exchange(candidate.id).request.body
    theirs = _members(b"".join(body.pieces(0, 64 * 1024)))
    if mine is None or theirs is None:
        return [f"body: asked {len(question.request.body)} octets, recorded {body.size}"]
    return _compared("body", cassette, mine, theirs)


def _coding(question: Question, cassette: Cassette, candidate: Candidate) -> list[str]:
    if is_readable(question, cassette, candidate):
        return []
    response = cassette.exchange(candidate.id).response
    codings = ", ".join(codings_of(response.headers)) if response else ""
    asked = _said(question.request.headers.get("accept-encoding"))
    return [f"header accept-encoding: asked {asked}; a part of a body in {codings} cannot be decoded"]


def _compared(what: str, cassette: Cassette, asked: Mapping[str, str], recorded: Mapping[str, str]) -> list[str]:
    """A sentence for each that differs; the first of them, if there are very many."""
    differing = [name for name in asked.keys() | recorded.keys() if asked.get(name) != recorded.get(name)]
    shown = nsmallest(NAMED_DIFFERENCES, differing)
    out = [f"{what} {_shortened(name)}: {_against(cassette, name, asked, recorded)}" for name in shown]
    return out if len(shown) == len(differing) else [*out, f"{what}: {len(differing) - len(shown)} more that differ"]


def _members(text: bytes) -> dict[str, str] | None:
    """The members of a JSON object or the fields of a form."""
    try:
        value: Any = json.loads(text)
        if not isinstance(value, dict):
            return None
        return {name: json.dumps(member) for name, member in value.items()}
    except RecursionError:
        return None
    except ValueError:
        pairs = text.decode("latin-1").split("&")
        if not text or any("=" not in pair or "\n" in pair for pair in pairs):
            return None
        return {name: unquote_plus(value) for name, _, value in (pair.partition("=") for pair in pairs)}


def _parameters(query: str) -> dict[str, str]:
    out: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        out.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return {name: ", ".join(values) for name, values in out.items()}


def _against(cassette: Cassette, name: str, asked: Mapping[str, str], recorded: Mapping[str, str]) -> str:
    """What was asked and what was recorded; of a secret, not even the pseudonym, which has its length and shape."""
    if cassette.rules.names_secret(name) and name in asked and name in recorded:
        return "another secret than the recorded one"
    return f"asked {_said(asked.get(name))}, recorded {_said(recorded.get(name))}"


def _said(value: str | None) -> str:
    if value is None:
        return "none"
    return repr(_shortened(value))


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _distinct(found: list[tuple[int, Nearest]]) -> list[tuple[int, Nearest]]:
    """Without recordings of the same request that differ in the same way."""
    seen, out = set(), []
    for count, near in found:
        if (what := (near.request, near.differences)) not in seen:
            seen.add(what)
            out.append((count, near))
    return out
