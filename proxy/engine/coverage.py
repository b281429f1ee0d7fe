"""What cassettes show of PeerTube's API: which operations, and which of their documented errors.

The operations are those of the API description, the errors those of the rules. The 429 of the limits is left out: it is
a matter of the moment, and never played from a recording.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from peertape.cassettes.bodies import read
from peertape.cassettes.candidates import Candidate
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.model import Exchange, State
from peertape.cassettes.store import Cassette
from peertape.config import facts
from peertape.proxy.engine.twin.catalogue import Catalogues, Documented
from peertape.proxy.engine.twin.possible import ERRORS, expression_of
from peertape.proxy.engine.twin.routes import Routes

LARGEST = 64 * 1024  # octets of a refusal that are read
_OF_HTTP = (412, 416)  # what conditions and ranges lead to is no error of the API


@dataclass(slots=True)
class Operation:
    """`errors`: how often each of its documented errors is shown; `others`: refusals that no rule knows."""

    method: str
    path: str
    errors: list[tuple[Documented, int]]
    successes: int = 0
    others: list[Other] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def group(self) -> str:
        """The first words of the path: `/api/v1/videos`."""
        parts = self.path.split("/")
        return "/".join(parts[: 4 if self.path.startswith("/api/") else 2])

    @property
    def is_shown(self) -> bool:
        return self.successes > 0

    @property
    def shown(self) -> list[Documented]:
        return [error for error, count in self.errors if count]

    @property
    def missing(self) -> list[Documented]:
        return [error for error, count in self.errors if not count]


@dataclass(frozen=True, slots=True)
class Other:
    """A recorded refusal that no rule knows."""

    cassette: str
    exchange: int
    status: int
    said: str


@dataclass(frozen=True, slots=True)
class Share:
    shown: int
    known: int

    @property
    def percent(self) -> float:
        return 100 * self.shown / self.known if self.known else 100.0

    def __str__(self) -> str:
        return f"{self.shown} of {self.known}"


@dataclass(frozen=True, slots=True)
class Coverage:
    operations: tuple[Operation, ...]

    @property
    def of_operations(self) -> Share:
        return Share(sum(operation.is_shown for operation in self.operations), len(self.operations))

    @property
    def of_errors(self) -> Share:
        shown = sum(len(operation.shown) for operation in self.operations)
        return Share(shown, sum(len(operation.errors) for operation in self.operations))

    @property
    def others(self) -> int:
        return sum(len(operation.others) for operation in self.operations)


def coverage(
    cassettes: Sequence[Cassette], catalogues: Catalogues, version: str, wanted: Callable[[str], bool]
) -> Coverage:
    """`wanted`: by the name of the operation, `GET /api/v1/videos/{id}`."""
    routes: Routes[Operation] = Routes()
    operations = []
    for path, methods in facts.load(version).routes.items():
        for method in methods:
            errors = catalogues.of_request(method, path)
            operation = Operation(method, path, [(error, 0) for error in errors if error.what is not None])
            routes.add(method, path, operation)
            if wanted(operation.name):
                operations.append(operation)
    for cassette in cassettes:
        _look(cassette, routes)
    return Coverage(tuple(operations))


def _look(cassette: Cassette, routes: Routes[Operation]) -> None:
    for candidate in cassette.candidates():
        if candidate.state is not State.COMPLETE or candidate.status in (None, 429, *_OF_HTTP):
            continue
        found = routes.find(candidate.method, candidate.path)
        if found is None:
            continue
        if candidate.status is not None and candidate.status < ERRORS:
            found.route.successes += 1
        else:
            _assign(found.route, cassette, candidate)


def _assign(operation: Operation, cassette: Cassette, candidate: Candidate) -> None:
    said = _said(cassette.exchange(candidate.id))
    assert candidate.status is not None
    is_head = candidate.method == "HEAD"
    for number, (error, count) in enumerate(operation.errors):
        if error.status == candidate.status and (is_head or says(error, said)):
            operation.errors[number] = (error, count + 1)
            return
    operation.others.append(Other(cassette.name, candidate.id, candidate.status, _shortened(said)))


def _said(exchange: Exchange) -> str:
    if exchange.response is None or exchange.response.body.size > LARGEST:
        return ""
    try:
        decoded = decode(read(exchange.response.body), codings_of(exchange.response.headers), LARGEST)
    except TooBigError:
        return ""
    return decoded.octets.decode("utf-8", "replace") if decoded is not None else ""


def says(error: Documented, text: str) -> bool:
    """Whether an answer of the error's status is that error. `text`: its body."""
    if error.what is None or (error.what.said is None and error.what.json is None and not error.parameters):
        return text.strip() == error.detail
    document = _document(text)
    if error.parameters:
        return "invalid-params" in document
    if error.what.json is not None:
        return error.detail in text
    assert error.what.said is not None
    if not document:
        return error.code is None and expression_of(error.what.said).fullmatch(text) is not None
    detail = document.get("detail", document.get("error"))
    fits = isinstance(detail, str) and expression_of(error.what.said).fullmatch(detail) is not None
    return fits and document.get("code") == error.code


def _document(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _shortened(text: str) -> str:
    document = _document(text)
    said = document.get("detail") or document.get("error") or text
    return said[:200] if isinstance(said, str) else text[:200]
