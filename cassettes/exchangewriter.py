"""One exchange on its way into the cassette: redacted, with its keys, and with what it teaches."""

from __future__ import annotations

import time
from collections.abc import Iterable

from peertape.cassettes.filteredbody import FilteredBody
from peertape.cassettes.headers import NONE, Headers
from peertape.cassettes.keys import EMPTY_DIGEST, keys_of
from peertape.cassettes.learnedwriter import LearnedWriter
from peertape.cassettes.model import Closing, Message, NotKept, RecordedRequest, RecordedResponse, State
from peertape.cassettes.pending import Pending
from peertape.cassettes.redaction.filters import BodyFilter, request_body_filter, response_body_filter
from peertape.cassettes.redaction.redactor import Redactor, etag_after


class ExchangeWriter:
    """Its parts come in the order in which the wire has them. `is_open` until nothing more can come."""

    def __init__(
        self,
        pending: Pending,
        learned: LearnedWriter,
        redactor: Redactor,
        request: RecordedRequest,
        started: float,
        client_host: str | None = None,
        *,
        number: int | None = None,
        largest_request: int | None = None,
    ) -> None:
        """`number` is its id, if that shall not be the next one."""
        self._pending = pending
        self._learned = learned
        self._redactor = redactor
        self.request = RecordedRequest(
            request.method,
            redactor.target(request.target),
            request.scheme,
            request.authority,
            request.http_version,
            redactor.headers(request.headers, response=False),
        )
        filtered = request_body_filter(request.headers, redactor)
        self._request_body = FilteredBody(pending.bodies, filtered, largest=largest_request)
        self._response: RecordedResponse | None = None
        self._response_headers = NONE
        self._response_body: FilteredBody | None = None
        self._request_text: bytes | None = None
        self._credential: str | None = None
        self._request_ended = False
        self._answered_early = False
        self.is_open = True
        self._row = pending.exchanges.add(
            {
                "state": State.OPEN,
                "method": request.method,
                "scheme": request.scheme,
                "authority": request.authority,
                "target": self.request.target,
                "http_version": request.http_version,
                "client_host": client_host,
                "request_headers": self.request.headers,
                "started_at": started,
            },
            number,
        )
        learned.met(request.authority)

    @property
    def id(self) -> int:
        return self._row.id

    def request_data(self, data: bytes) -> None:
        self._request_body.feed(data)

    def request_end(self, at: float | None, trailers: Headers = NONE, not_kept: NotKept | None = None) -> None:
        """The request is whole: its keys are known. `not_kept` stands for a body that is not there."""
        self._request_ended = True
        body = self._request_body.finish()
        self._request_text = self._request_body.filter.text
        digest = self._request_body.filter.digest
        if not_kept is not None:
            body, digest = self._pending.bodies.whole(not_kept.sha256, not_kept.size, None), not_kept.digest
        request = self.request
        keys = keys_of(request.method, request.target, request.headers, digest, self._request_text)
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
        )
        if trailers:
            self._set(request_trailers=self._redactor.headers(trailers, response=False))
        if keys.credential is not None:
            self._learned.token(keys.credential)
        if self._answered_early:
            self._set(state=State.COMPLETE, error=None)
            self.is_open = False

    def response_head(self, response: RecordedResponse, at: float | None, limit: int | None = None) -> None:
        """`limit`: more octets of body than this are not kept."""
        redactor = self._redactor
        self._response = response
        self._response_headers = redactor.headers(response.headers, response=True)
        self._response_body = FilteredBody(
            self._pending.bodies, response_body_filter(response.headers, redactor), limit
        )
        self._set(
            status=response.status,
            reason=response.reason,
            response_http_version=response.http_version,
            response_headers=self._response_headers,
            answering_at=at,
        )
        self._learned.name_places(self.request, response, None)  # a client may follow it before its body has ended

    def response_data(self, data: bytes) -> None:
        if self._response_body is not None:
            self._response_body.feed(data)

    def messages(self, messages: Iterable[Message], first: int = 0) -> None:
        self._pending.messages += [
            {
                "exchange_id": self.id,
                "position": position,
                "at": message.at,
                "from_client": int(message.from_client),
                "is_text": int(message.is_text),
                "content": self._redactor.message(message.content, is_text=message.is_text),
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
                "reason": self._redactor.text(closing.reason),
            }
        )

    def end(self, state: State, at: float | None, error: str | None = None, trailers: Headers = NONE) -> None:
        if self._response_body is not None and self._response is not None:
            state, error = self._end_response(self._response, self._response_body, state, error, at)
        if not self._request_ended:
            self._answered_early = state is State.COMPLETE
            if self._answered_early:
                state, error = State.CUT, "it was answered before the request had ended"
            else:
                self._set(request_body=self._request_body.cut())
        self._set(state=state, error=error, answered_at=at)
        if trailers:
            self._set(response_trailers=self._redactor.headers(trailers, response=True))
        self.is_open = self._answered_early

    def abandon(self) -> None:
        """Ends it as the recording ends."""
        if self._answered_early:
            self._set(request_body=self._request_body.cut())
        else:
            self.end(State.CUT, time.time(), "the recording was ended")

    def _end_response(
        self, response: RecordedResponse, body: FilteredBody, state: State, error: str | None, at: float | None
    ) -> tuple[State, str | None]:
        """What became of it, and why."""
        number = body.cut() if state is State.CUT else body.finish()
        if state is State.COMPLETE and body.dropped:
            state, error = State.UNSTORED, "the body is over the size limit"
        headers = _of_changed_body(self._response_headers, body.filter)
        self._set(response_headers=headers, response_body=number)
        if state is State.COMPLETE:
            self._learned.learn(self.id, at, self.request, self._request_text, response, body.filter.text)
        if self._credential is not None:
            self._learned.token(
                self._credential,
                refused=response.status == 401,
                passed=response.status < 400 and "retry-after" in headers,
            )
        return state, error

    def _set(self, **values: object) -> None:
        self._pending.exchanges.change(self._row, values)


def _of_changed_body(headers: Headers, filtered: BodyFilter) -> Headers:
    if not filtered.changed or filtered.original is None or filtered.stored is None:
        return headers
    changed = etag_after(headers, filtered.original, filtered.stored)
    if filtered.plain is not None and filtered.text is not None:  # the ETag may be older than the compression
        changed = etag_after(changed, filtered.plain, filtered.text)
    if headers.get("content-length") == str(len(filtered.original)):
        changed = changed.replaced("Content-Length", str(len(filtered.stored)))
    return changed
