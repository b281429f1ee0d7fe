"""What is asked of every peer: the same recorded exchanges, in the same order, from one cassette."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from urllib.parse import quote

from benchmarks import grown
from benchmarks.cache import kept
from peertape.cassettes import schema
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedResponse
from peertape.cassettes.store import Cassette

ASKED = 10_000  # reads at most, spread over the whole of a larger cassette
SEED = 5  # of their order
PIECE = 1 << 20  # octets

_OF_THE_CONNECTION = ("host", "connection")


@dataclass(frozen=True, slots=True)
class Ask:
    """A GET, and what has to come back. `headers` are without those of the connection."""

    target: str
    headers: Headers
    response: RecordedResponse
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def octets(self, authority: str) -> bytes:
        """The request as it goes over the wire."""
        lines = [f"GET {self.target} HTTP/1.1", f"Host: {authority}", *(f"{n}: {v}" for n, v in self.headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Workload:
    """`exchanges`: how many are in the cassette. `asks` are shuffled. `origin` is that of the recorded instance.

    `upstream`: where an instance answers that peers may record.
    """

    cassette: Path
    exchanges: int
    origin: str
    asks: Sequence[Ask]
    upstream: str = ""

    def everything(self) -> Iterator[Ask]:
        """All reads of the cassette, also those that are not asked."""
        cassette = Cassette(self.cassette)
        try:
            for some in batched(_reads(cassette), 1000):
                yield from map(_ask, cassette.whole(some))
        finally:
            cassette.close()

    def as_recorded(self, body: bytes, origin: str) -> bytes:
        """A body whose links lead to a peer at `origin`, with links to the instance instead, also within queries."""
        socket, recorded_socket = (f"ws{address.removeprefix('http')}" for address in (origin, self.origin))
        for found, recorded in ((origin, self.origin), (socket, recorded_socket)):
            for spelled in (str, _quoted):
                body = body.replace(spelled(found).encode(), spelled(recorded).encode())
        return body


def workload(exchanges: int, cache: Path) -> Workload:
    """A cassette of so many exchanges, made once and kept in `cache`, and the reads of it that are asked once only."""
    path = cassette_of(exchanges, cache)
    cassette = Cassette(path)
    try:
        numbers = _reads(cassette)
        asks = [_ask(exchange) for exchange in cassette.whole(numbers[:: max(1, len(numbers) // ASKED)][:ASKED])]
    finally:
        cassette.close()
    random.Random(SEED).shuffle(asks)
    return Workload(path, exchanges, grown.ORIGIN, asks)


def cassette_of(exchanges: int, cache: Path) -> Path:
    """A cassette of so many exchanges, made once and kept in `cache`."""
    source = Path(grown.__file__).read_bytes()
    key = hashlib.sha256(b"%d %s" % (schema.VERSION, source)).hexdigest()[:12]
    name = "grown.cassette"
    path = kept(cache / "cassettes" / f"{exchanges}-{key}", lambda fresh: grown.grow(fresh / name, exchanges)) / name
    _read_through(path)
    return path


def _read_through(path: Path) -> None:
    """The system has it in its memory then, as it has that of a server in use: no disk is measured."""
    with path.open("rb") as file:
        while file.read(PIECE):
            pass


def _reads(cassette: Cassette) -> list[int]:
    """Successful ones with an address of their own: the peers know no order, and no users."""
    found = [candidate for candidate in cassette.candidates() if candidate.method == "GET" and candidate.status == 200]
    times = Counter(candidate.target for candidate in found)
    return [candidate.id for candidate in found if times[candidate.target] == 1]


def _ask(exchange: Exchange) -> Ask:
    request, response = exchange.request, exchange.response
    assert response is not None
    return Ask(request.target, request.headers.without(*_OF_THE_CONNECTION), response, read(response.body))


def _quoted(link: str) -> str:
    return quote(link, safe="")
