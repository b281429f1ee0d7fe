"""The vocabulary of the cassette: an exchange, its request, its response, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from peertape.cassettes.bodies import EMPTY, Body
from peertape.cassettes.headers import NONE, Headers

SWITCHED = 101  # to a WebSocket: only then there are messages (RFC 9110, section 15.2.2)


class State(StrEnum):
    """What became of an exchange. Only a complete one is ever replayed."""

    OPEN = "open"  # still under way, or the recording was killed meanwhile
    COMPLETE = "complete"
    CUT = "cut"  # the response began and did not end
    FAILED = "failed"  # there was no response at all
    UNSTORED = "unstored"  # the response was complete, but over a size limit, and its body was not kept


@dataclass(frozen=True, slots=True)
class Message:
    """One WebSocket message of an exchange."""

    at: float  # epoch seconds
    from_client: bool
    is_text: bool
    content: bytes


@dataclass(frozen=True, slots=True)
class Closing:
    """How a WebSocket was closed (RFC 6455, section 7)."""

    at: float  # epoch seconds
    from_client: bool
    code: int  # 1005: the close frame named none; 1006: there was no close frame
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NotKept:
    """A body of which the cassette has no octets: it was over the limit. `digest`: of its canonical form."""

    size: int
    sha256: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """`not_kept` stands for the body where that is over the limit; `body` is empty then."""

    method: str
    target: str  # as spelled on the wire: path and query
    scheme: str
    authority: str  # HOST[:PORT], as the instance was told by Host or :authority
    http_version: str  # "HTTP/1.1"
    headers: Headers
    body: Body = EMPTY
    trailers: Headers = NONE
    not_kept: NotKept | None = None


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    status: int
    reason: str
    http_version: str
    headers: Headers
    body: Body = EMPTY
    trailers: Headers = NONE


@dataclass(frozen=True, slots=True)
class Timing:
    """Epoch seconds."""

    started: float  # the request's first octet
    sent: float | None = None  # the request's last octet
    answering: float | None = None  # the response's first octet
    answered: float | None = None  # the response's last octet


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response, whole. `id` is 0 before it is stored."""

    request: RecordedRequest
    response: RecordedResponse | None
    timing: Timing
    state: State = State.COMPLETE
    id: int = 0
    error: str | None = None  # why it failed or was cut, as the client or server said
    client_host: str | None = None  # the Host that the client named, where the recorder replaced it
    messages: tuple[Message, ...] = field(default=())
    closing: Closing | None = None  # of a WebSocket; None if it is not known
