"""One exchange on its way into the cassette: here it is redacted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from peertape.cassettes.filteredbody import FilteredBody
from peertape.cassettes.headers import NONE, Headers
from peertape.cassettes.model import Closing, Message, NotKept, RecordedRequest, RecordedResponse, State
from peertape.cassettes.redaction.filters import BodyFilter, request_body_filter, response_body_filter
from peertape.cassettes.redaction.redactor import Redactor, etag_after
from peertape.cassettes.storedexchange import Parts


class ExchangeWriter:
    """Its parts come in the order in which the wire has them. `is_open` until nothing more can come."""

    def __init__(self, begin: Callable[[RecordedRequest], Parts], redactor: Redactor, request: RecordedRequest) -> None:
        """`begin` gives what takes the redacted parts of the exchange with that request."""
        self._redactor = redactor
        self.request = RecordedRequest(
            request.method,
            redactor.target(request.target),
            request.scheme,
            request.authority,
            request.http_version,
            redactor.headers(request.headers, response=False),
        )
        self._parts = parts = begin(self.request)
        self._request_body = FilteredBody(
            request_body_filter(request.headers, redactor),
            partial(parts.data, "request"),
            partial(parts.drop, "request"),
        )
        self._response_headers = NONE
        self._response_body: FilteredBody | None = None
        self._request_ended = False
        self._answered_early = False
        self.is_open = True

    @property
    def id(self) -> int:
        return self._parts.id

    def request_data(self, data: bytes) -> None:
        self._request_body.feed(data)

    def request_end(self, at: float | None, trailers: Headers = NONE, not_kept: NotKept | None = None) -> None:
        """The request is whole. `not_kept` stands for a body that is not there."""
        self._request_ended = True
        self._request_body.finish()
        filtered = self._request_body.filter
        digest = filtered.digest if not_kept is None else not_kept.digest
        redacted = self._redactor.headers(trailers, response=False) if trailers else NONE
        self._parts.request_end(at, digest, filtered.text, redacted, not_kept)
        if self._answered_early:
            self._parts.mark(State.COMPLETE, None)
            self.is_open = False

    def response_head(self, response: RecordedResponse, at: float | None, limit: int | None = None) -> None:
        """`limit`: more octets of body than this are not kept."""
        parts, redactor = self._parts, self._redactor
        self._response_headers = redactor.headers(response.headers, response=True)
        self._response_body = FilteredBody(
            response_body_filter(response.headers, redactor),
            partial(parts.data, "response"),
            partial(parts.drop, "response"),
            limit,
        )
        head = RecordedResponse(response.status, response.reason, response.http_version, self._response_headers)
        parts.response_head(head, at)

    def response_data(self, data: bytes) -> None:
        if self._response_body is not None:
            self._response_body.feed(data)

    def messages(self, messages: Iterable[Message], first: int = 0) -> None:
        redacted = [
            replace(message, content=self._redactor.message(message.content, is_text=message.is_text))
            for message in messages
        ]
        if redacted:
            self._parts.messages(redacted, first)

    def closing(self, closing: Closing) -> None:
        self._parts.closing(replace(closing, reason=self._redactor.text(closing.reason)))

    def end(self, state: State, at: float | None, error: str | None = None, trailers: Headers = NONE) -> None:
        if self._response_body is not None:
            state, error = self._end_response(self._response_body, state, error, at, trailers)
        if not self._request_ended:
            self._answered_early = state is State.COMPLETE
            if self._answered_early:
                state, error = State.CUT, "it was answered before the request had ended"
            else:
                self._cut_request()
        self._parts.mark(state, error, at)
        self.is_open = self._answered_early

    def abandon(self) -> None:
        """Ends it as the recording ends."""
        if self._answered_early:
            self._cut_request()
        else:
            self.end(State.CUT, time.time(), "the recording was ended")

    def _cut_request(self) -> None:
        self._request_body.finish()
        self._parts.request_cut()

    def _end_response(
        self, body: FilteredBody, state: State, error: str | None, at: float | None, trailers: Headers
    ) -> tuple[State, str | None]:
        """What became of it, and why."""
        body.finish()
        if state is State.COMPLETE and body.dropped:
            state, error = State.UNSTORED, "the body is over the size limit"
        headers = _of_changed_body(self._response_headers, body.filter)
        redacted = self._redactor.headers(trailers, response=True) if trailers else NONE
        self._parts.response_end(state, at, headers, body.filter.text, redacted)
        return state, error


def _of_changed_body(headers: Headers, filtered: BodyFilter) -> Headers:
    if not filtered.changed or filtered.original is None or filtered.stored is None:
        return headers
    changed = etag_after(headers, filtered.original, filtered.stored)
    if filtered.plain is not None and filtered.text is not None:  # the ETag may be older than the compression
        changed = etag_after(changed, filtered.plain, filtered.text)
    if headers.get("content-length") == str(len(filtered.original)):
        changed = changed.replaced("Content-Length", str(len(filtered.stored)))
    return changed
