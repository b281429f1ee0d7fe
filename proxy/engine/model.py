"""The vocabulary of the engine: a request, and an answer with its source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from peertape.cassettes.bodies import EMPTY, Body
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.hostpaths import PREFIX
from peertape.proxy.engine.journal import Nearest
from peertape.proxy.engine.settled import Settled
from peertape.proxy.engine.sockets.model import Endpoint, PendingBody

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # methods that ask for nothing to be changed


class Source(StrEnum):
    """Where an answer comes from."""

    RECORDED = "recorded"
    DERIVED = "derived"
    EMULATED = "emulated"
    FAULT = "fault"
    LIVE = "live"
    MISS = "miss"
    CONTROL = "control"  # peertape's own pages under /__peertape__/; never counted


class Delivery(StrEnum):
    """What becomes of an answer on its way to the client."""

    WHOLE = "whole"
    RESET = "reset"  # the connection is reset before an octet was sent
    CUT = "cut"  # the head and half of the body, then the connection is closed
    CLOSED = "closed"  # the connection is closed without an answer
    STALL = "stall"  # the head and half of the body, then nothing until the client gives up


@dataclass(frozen=True, slots=True)
class Passed:
    """What is known of a body that was streamed by. `is_cut`: its client left before the end."""

    size: int
    sha256: bytes
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What a lane hands to the engine."""

    method: str
    target: str  # origin-form, as spelled on the wire: path and query
    headers: Headers
    body: bytes = b""
    body_digest: bytes | None = None  # of the canonical body, when the body was too big to be held
    scheme: str = "http"  # by which the client reached us; by which the other host is reached if `reached` is set
    client: str = ""  # the client's address
    port: int | None = None  # of ours, at which it came in
    origin_form: bool = True  # False for absolute-form and intercepted requests of the forward proxy
    reached: str | None = None  # our origin, as the client named it, of a request for another host: see `hostpaths`
    by_alias: bool = False  # then the Host stands for the instance all the same: the user said so
    passed: Passed | None = None  # where the body was streamed by

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def body_size(self) -> int:
        """Octets, as they were transferred."""
        return len(self.body) if self.passed is None else self.passed.size

    @property
    def body_sha256(self) -> bytes:
        """Of the octets, as they were transferred."""
        return hashlib.sha256(self.body).digest() if self.passed is None else self.passed.sha256

    @property
    def is_cut(self) -> bool:
        return self.passed is not None and self.passed.is_cut

    @property
    def host(self) -> str:
        return self.headers.get("host") or ""

    @property
    def asked(self) -> str:
        """The target as the client asked for it."""
        return self.target if self.reached is None else f"{PREFIX}{self.scheme}/{self.host}{self.target}"

    @property
    def client_host(self) -> str:
        """The Host by which the client reached us."""
        return self.host if self.reached is None else self.reached.partition("://")[2]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response plus its source."""

    status: int
    headers: Headers
    body: Body = EMPTY
    reason: str = ""
    source: Source = Source.RECORDED
    exchange: int | None = None  # of the recording that it was taken from
    cassette: str | None = None  # its cassette's name
    remark: tuple[tuple[str, str], ...] = field(default=())  # more of the source: ("match", "tolerant")
    trailers: Headers = Headers()
    nearest: tuple[Nearest, ...] = ()  # on a miss, or where the match is not exact: the recordings that are nearly it
    ambiguous: bool = False  # several cassettes play: the exchange's number alone does not say which it is
    took: float | None = None  # seconds from the request to the answer, when it was recorded
    delay: float = 0.0  # seconds that the lane waits before it sends the answer
    delivery: Delivery = Delivery.WHOLE
    pending: PendingBody | None = None  # the body is still to come, and has no length yet
    socket: Endpoint | None = None  # what the client is switched to, with status 101
    conversation: tuple[int, ...] = ()  # further exchanges of the recording that it was taken from
    settled: Settled | None = None  # it would be the same the next time
    recorded_host: str | None = None  # the Host of the recorded request: a client that names it gets unchanged links

    @property
    def source_text(self) -> str:
        """The value of Peertape-Source, for example `recorded; exchange=42`."""
        parts = [self.source.value]
        if self.exchange is not None:
            parts.append(f"exchange={self.exchange}")
        if self.ambiguous and self.cassette is not None:
            parts.append(f"cassette={self.cassette}")
        return "; ".join([*parts, *(f"{name}={value}" for name, value in self.remark)])
