"""Prepared answers of the proxy lane: what mitmproxy sends of them."""

from __future__ import annotations

from dataclasses import dataclass

from mitmproxy import http

from peertape.addons.convert import (
    BY_ALIAS,
    CLIENT_HOST,
    HEADERS,
    HTTP_1,
    REACHED,
    client_scheme,
    headers_of,
    is_reverse,
)
from peertape.addons.marking import Mark, mark_of
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.prepared import METHODS, Given, Key, PreparedAnswers

CHANGED = frozenset({BY_ALIAS, CLIENT_HOST, HEADERS, REACHED})  # what other addons noted of a request


@dataclass(frozen=True, slots=True)
class Rest:
    """Of a response, beside status and headers."""

    reason: bytes
    content: bytes
    trailers: tuple[tuple[bytes, bytes], ...]
    mark: Mark


PreparedResponses = PreparedAnswers[Rest]


class Responses:
    """The form of answers over HTTP/1."""

    def headers(self, answer: Answer) -> Headers:
        return headers_of(answer)

    def body(self, method: str, answer: Answer) -> Rest:  # noqa: ARG002 (mitmproxy sends none where there is none)
        return Rest(answer.reason.encode("latin-1"), read(answer.body), answer.trailers.to_bytes(), mark_of(answer))


def key_of(flow: http.HTTPFlow) -> Key | None:
    """All of a request that the engine is told; None for one that changes something, or that others change."""
    request, client = flow.request, flow.client_conn
    if request.method not in METHODS or request.data.content or request.is_http2 or request.is_http3:
        return None
    if not is_reverse(flow) or not CHANGED.isdisjoint(flow.metadata):
        return None
    asker = (
        request.headers.fields,
        request.data.authority,
        client_scheme(flow),
        client.peername[0] if client.peername else None,
        client.sockname[1] if client.sockname else None,
    )
    return asker, (request.method, request.data.path)


def response_of(given: Given[Rest], flow: http.HTTPFlow) -> http.Response:
    _, status, fields, rest = given
    return http.Response(
        http_version=HTTP_1,
        status_code=status,
        reason=rest.reason,
        headers=http.Headers(fields),
        content=rest.content,
        trailers=http.Headers(rest.trailers) if rest.trailers else None,
        timestamp_start=flow.request.timestamp_end or flow.request.timestamp_start,
        timestamp_end=None,
    )
