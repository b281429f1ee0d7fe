"""The proof that no secret is in a cassette: every place where a secret can stand holds a pseudonym that was issued, or
nothing.

The places are those of redaction itself: each exchange goes through the same `Redactor` and the same filters of bodies
once more, with a `Substitution` that only collects what stands there. `needles` turns it around and looks for known
secrets in everything that the file holds.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from sqlalchemy import select

from peertape.cassettes import bodies, schema
from peertape.cassettes.bodies import Body
from peertape.cassettes.codings import TooBigError, codings_of, decode
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange
from peertape.cassettes.place import Place
from peertape.cassettes.redaction.bodyfilter import BodyFilter, PassingFilter, looks_like_text
from peertape.cassettes.redaction.filters import request_body_filter, response_body_filter
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette

MOST_DECODED = 64 * 1024 * 1024  # octets of a compressed body once it is decoded
PIECE = 1024 * 1024
SHORTEST_IN_BASE64 = 8  # shorter secrets leave too few characters that do not depend on their neighbours

_SUSPECT = re.compile(
    r"""(?i:\b(?:bearer|token|secret|password|passwd|api[-_]?key|authorization)\b\\?["']?(?:\s*[:=]\s*|\s+)\\?["']?)"""
    r"(?P<named>(?=[A-Za-z._~+/-]*\d)[A-Za-z0-9._~+/-]{20,}=*)"
    r"|\b(?P<jwt>eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
)


class Kind(StrEnum):
    EXPOSED = "no pseudonym where a secret stands"
    FOUND = "a given secret"
    SUSPECT = "looks like a token"  # in free text, where nothing can be proven: a warning, no finding
    UNREAD = "could not be looked into"  # as well


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    place: str  # "exchange 42, request header Cookie", or a place in the file
    value: str

    @property
    def is_warning(self) -> bool:
        return self.kind in (Kind.SUSPECT, Kind.UNREAD)

    @property
    def shortened(self) -> str:
        """Enough to recognize it by, too little to use it."""
        shown = self.value[: min(4, len(self.value) // 4)]
        return f"{shown}… ({len(self.value)} characters)"


class Auditor:
    """Looks at the exchanges of one cassette, one by one."""

    def __init__(self, cassette: Cassette, rules: RedactionRules) -> None:
        issued = frozenset(row.text for row in cassette.query(select(schema.pseudonyms)))
        self._collector = _Collector(issued)
        self._redactor = Redactor(self._collector, rules)

    def exposed(self, exchange: Exchange) -> list[Finding]:
        """What is exposed in it, each value once for a place, and warnings."""
        found: dict[Finding, None] = {}
        for place in _places(exchange, self._redactor, self._collector):
            where = f"exchange {exchange.id}, {place}"
            exposed = self._collector.taken()
            suspects = [value for value in self._collector.suspects() if value not in exposed]
            found |= dict.fromkeys(Finding(Kind.EXPOSED, where, value) for value in exposed)
            found |= dict.fromkeys(Finding(Kind.SUSPECT, where, value) for value in suspects)
        return list(found)


class _Collector:
    """A Substitution that leaves everything as it is, and keeps what ought to have been a pseudonym."""

    def __init__(self, issued: Container[str]) -> None:
        self._issued = issued
        self._exposed: dict[str, None] = {}
        self._text = ""

    def of(self, secret: str, guessable: bool) -> str:  # noqa: ARG002 - both kinds must be pseudonyms
        if secret not in self._exposed and _can_be_replaced(secret) and secret not in self._issued:
            self._exposed[secret] = None
        return secret

    def read(self, text: str) -> None:
        """Free text, which may hold what looks like a token."""
        self._text = text

    def taken(self) -> list[str]:
        exposed, self._exposed = list(self._exposed), {}
        return exposed

    def suspects(self) -> Iterator[str]:
        text, self._text = self._text, ""
        for found in _SUSPECT.finditer(text):
            value = found["named"] or found["jwt"]
            if value not in self._issued:
                yield value


def _can_be_replaced(text: str) -> bool:
    """Whether there is a letter or digit in it: anything else is its own pseudonym."""
    return any(character.isalnum() or not character.isascii() for character in text)


def _places(exchange: Exchange, redactor: Redactor, collector: _Collector) -> Iterator[str]:
    """Looks at one place after another; when its name is yielded, the collector holds what stands there."""
    request, response = exchange.request, exchange.response
    redactor.target(request.target)
    yield "target"
    yield from _in_headers("request", request.headers, redactor)
    yield from _in_headers("request trailer", request.trailers, redactor)
    _feed(request.body, request_body_filter(request.headers, redactor), collector)
    yield "request body"
    if response is not None:
        yield from _in_headers("response", response.headers, redactor)
        yield from _in_headers("response trailer", response.trailers, redactor)
        _feed(response.body, response_body_filter(response.headers, redactor), collector)
        yield "response body"
    for position, message in enumerate(exchange.messages):
        redactor.message(message.content, is_text=message.is_text)
        if message.is_text or looks_like_text(message.content):
            collector.read(message.content.decode("utf-8", "replace"))
            yield f"message {position}"


def _in_headers(part: str, headers: Headers, redactor: Redactor) -> Iterator[str]:
    for pair in headers:
        redactor.headers(Headers((pair,)), response=part.startswith("response"))
        yield f"{part} header {pair[0]}"


def _feed(body: Body, body_filter: BodyFilter, collector: _Collector) -> None:
    if isinstance(body_filter, PassingFilter):
        return
    for piece in body.pieces():
        body_filter.feed(piece)
    body_filter.finish()
    if body_filter.text:
        collector.read(body_filter.text.decode("utf-8", "replace"))


class Needles:
    """Known secrets, in every spelling in which they may stand in a file."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._spelled = {spelling: secret for secret in secrets if secret for spelling in _spellings(secret)}
        longest = max(map(len, self._spelled), default=1)
        self._overlap = longest - 1
        self._expression = re.compile(b"|".join(map(re.escape, self._spelled))) if self._spelled else None

    def __bool__(self) -> bool:
        return bool(self._spelled)

    def within(self, pieces: Iterable[bytes]) -> list[str]:
        """The secrets in octets that come in pieces, each once."""
        found: dict[str, None] = {}
        kept = b""
        for piece in pieces:
            window = kept + piece
            if self._expression is not None:
                found |= dict.fromkeys(self._spelled[spelling] for spelling in self._expression.findall(window))
            kept = window[max(0, len(window) - self._overlap) :]
        return list(found)


def _spellings(secret: str) -> Iterator[bytes]:
    octets = secret.encode("utf-8", "surrogateescape")
    yield octets
    yield quote(octets, safe="").encode()
    yield quote(octets, safe="").lower().encode()
    yield octets.decode("latin-1").encode()  # as the columns hold the text of headers
    yield json.dumps(secret)[1:-1].encode()
    if len(octets) >= SHORTEST_IN_BASE64:
        for shift in range(3):  # where in a group of three octets it may begin
            whole = base64.b64encode(bytes(shift) + octets)
            yield whole[(0, 2, 3)[shift] : len(whole) - (0, 3, 2)[(shift + len(octets)) % 3]]


def search_files(place: Place, needles: Needles) -> Iterator[Finding]:
    """In the octets of the file and of its log: also what was deleted and not yet overwritten."""
    for file in place.files():
        with file.open("rb") as opened:
            for secret in needles.within(iter(lambda: opened.read(PIECE), b"")):
                yield Finding(Kind.FOUND, f"file {file.name}", secret)


def search_tables(cassette: Cassette, needles: Needles) -> Iterator[Finding]:
    """In every column, as a long value may lie in several pages of the file."""
    for table in schema.metadata.sorted_tables:
        if table.name == "chunks":  # in `search_bodies`, decompressed
            continue
        for row in cassette.query(select(table)):
            octets = (_octets(value) for value in row)
            for secret in needles.within(b"\n" + value for value in octets):
                number = f", row {row[0]}" if isinstance(row[0], int) else ""
                yield Finding(Kind.FOUND, f"table {table.name}{number}", secret)


def search_bodies(exchange: Exchange, needles: Needles) -> Iterator[Finding]:
    """In both bodies of an exchange, as they were transferred and decoded."""
    found = [("request body", exchange.request.headers, exchange.request.body)]
    if exchange.response is not None:
        found.append(("response body", exchange.response.headers, exchange.response.body))
    for name, headers, body in found:
        place = f"exchange {exchange.id}, {name}"
        secrets = dict.fromkeys(needles.within(body.pieces()))
        if (codings := codings_of(headers)) and body.size:
            try:
                decoded = decode(bodies.read(body), codings, MOST_DECODED) if body.size <= MOST_DECODED else None
            except TooBigError:
                decoded = None
            if decoded is None:
                yield Finding(Kind.UNREAD, place, ", ".join(codings))
            else:
                secrets |= dict.fromkeys(needles.within([decoded.octets]))
        for secret in secrets:
            yield Finding(Kind.FOUND, place, secret)


def _octets(value: object) -> bytes:
    """Texts of the wire were latin-1; the rest is UTF-8."""
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", "surrogateescape") if value is not None else b""
