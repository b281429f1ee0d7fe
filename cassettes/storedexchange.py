"""One exchange on its way into the tables: its parts come redacted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from peertape.cassettes.bodywriter import BodyNumber, BodyStore, BodyWriter
from peertape.cassettes.headers import Headers
from peertape.cassettes.keys import EMPTY_DIGEST, keys_of
from peertape.cassettes.learnedwriter import LearnedWriter
from peertape.cassettes.model import Closing, Message, NotKept, RecordedRequest, RecordedResponse, State
from peertape.cassettes.pending import Pending

type Side = Literal["request", "response"]


class Parts(Protocol):
    """Takes the parts of one exchange, redacted, in the order in which the wire has them. `text`: a decoded body."""

    @property
    def id(self) -> int: ...

    def data(self, side: Side, octets: bytes) -> None:
        """More of a body."""

    def drop(self, side: Side) -> None:
        """What came of the body is not kept."""

    def request_cut(self) -> None: ...

    def request_end(
        self, at: float | None, digest: bytes, text: bytes | None, trailers: Headers, not_kept: NotKept | None
    ) -> None:
        """`digest`: of the body's canonical form. `not_kept` stands for a body that is not there."""

    def response_head(self, response: RecordedResponse, at: float | None) -> None: ...

    def messages(self, messages: Sequence[Message], first: int) -> None: ...

    def closing(self, closing: Closing) -> None: ...

    def response_end(
        self, state: State, at: float | None, headers: Headers, text: bytes | None, trailers: Headers
    ) -> None:
        """`headers`: those of its head, for the body as it is kept."""

    def mark(self, state: State, error: str | None, answered: float | None = None) -> None:
        """What became of it."""


class StoredExchange:
    """Parts that go into the tables, with their keys and with what they teach."""

    def __init__(
        self,
        pending: Pending,
        learned: LearnedWriter,
        request: RecordedRequest,
        started: float,
        client_host: str | None,
        number: int | None,
        largest_request: int | None,
    ) -> None:
        """`number` is its id, if that shall not be the next one."""
        self._pending = pending
        self._learned = learned
        self._request = request
        self._request_text: bytes | None = None
        self._credential: str | None = None
        self._response: RecordedResponse | None = None
        self._bodies = {
            "request": _KeptBody(pending.bodies, largest_request),
            "response": _KeptBody(pending.bodies),
        }
        self._row = pending.exchanges.add(
            {
                "state": State.OPEN,
                "method": request.method,
                "scheme": request.scheme,
                "authority": request.authority,
                "target": request.target,
                "http_version": request.http_version,
                "client_host": client_host,
                "request_headers": request.headers,
                "started_at": started,
            },
            number,
        )
        learned.met(request.authority)

    @property
    def id(self) -> int:
        return self._row.id

    def data(self, side: Side, octets: bytes) -> None:
        self._bodies[side].write(octets)

    def drop(self, side: Side) -> None:
        self._bodies[side].drop()

    def request_cut(self) -> None:
        self._set(request_body=self._bodies["request"].cut())

    def request_end(
        self, at: float | None, digest: bytes, text: bytes | None, trailers: Headers, not_kept: NotKept | None
    ) -> None:
        body = self._bodies["request"].finish()
        if not_kept is not None:
            body = self._pending.bodies.whole(not_kept.sha256, not_kept.size, None)
        request = self._request
        keys = keys_of(request.method, request.target, request.headers, digest, text)
        self._request_text = text
        self._credential = keys.credential
        self._set(
            request_body=body,
            sent_at=at,
            credential=keys.credential,
            exact_key=keys.exact,
            telling_key=keys.telling,
            path=keys.folded_path,
            meaning=keys.meaning.rest,
            window=keys.meaning.window,
            body_digest=None if digest == EMPTY_DIGEST else digest,
            request_trailers=trailers or None,
        )
        if keys.credential is not None:
            self._learned.token(keys.credential)

    def response_head(self, response: RecordedResponse, at: float | None) -> None:
        self._response = response
        self._set(
            status=response.status,
            reason=response.reason,
            response_http_version=response.http_version,
            response_headers=response.headers,
            answering_at=at,
        )
        self._learned.name_places(self._request, response, None)  # a client may follow it before its body has ended

    def messages(self, messages: Sequence[Message], first: int) -> None:
        self._pending.messages += [
            {
                "exchange_id": self.id,
                "position": position,
                "at": message.at,
                "from_client": int(message.from_client),
                "is_text": int(message.is_text),
                "content": message.content,
            }
            for position, message in enumerate(messages, first)
        ]

    def closing(self, closing: Closing) -> None:
        self._pending.closings.append(
            {
                "exchange_id": self.id,
                "at": closing.at,
                "from_client": int(closing.from_client),
                "code": closing.code,
                "reason": closing.reason,
            }
        )

    def response_end(
        self, state: State, at: float | None, headers: Headers, text: bytes | None, trailers: Headers
    ) -> None:
        body, response = self._bodies["response"], self._response
        assert response is not None
        self._set(
            response_headers=headers,
            response_body=body.cut() if state is State.CUT else body.finish(),
            response_trailers=trailers or None,
        )
        if state is State.COMPLETE:
            self._learned.learn(self.id, at, self._request, self._request_text, response, text)
        if self._credential is not None:
            self._learned.token(
                self._credential,
                refused=response.status == 401,
                passed=response.status < 400 and "retry-after" in headers,
            )

    def mark(self, state: State, error: str | None, answered: float | None = None) -> None:
        if answered is None:
            self._set(state=state, error=error)
        else:
            self._set(state=state, error=error, answered_at=answered)

    def _set(self, **values: object) -> None:
        self._pending.exchanges.change(self._row, values)


class _KeptBody:
    def __init__(self, store: BodyStore, largest: int | None = None) -> None:
        self._store = store
        self._largest = largest
        self._body: BodyWriter | None = None  # once there are octets: most requests have none

    def write(self, octets: bytes) -> None:
        if self._body is None:
            self._body = BodyWriter(self._store, self._largest)
        self._body.write(octets)

    def drop(self) -> None:
        if self._body is not None:
            self._body.discard()
            self._body = None

    def finish(self) -> BodyNumber | None:
        """The body's number; None if there are no octets, or they were dropped."""
        return None if self._body is None else self._body.finish()

    def cut(self) -> BodyNumber | None:
        """The same of a body that did not end."""
        return self._body.cut() if self._body is not None and self._body.is_kept else None
