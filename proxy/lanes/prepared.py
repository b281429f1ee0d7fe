"""Prepared answers of the fast lane: the messages of ASGI that make them up."""

from __future__ import annotations

from collections.abc import Sequence

from peertape.addons.sockets import Scope
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.prepared import METHODS, Key, PreparedAnswers

OF_THE_CONNECTION = ("connection", "keep-alive", "proxy-connection", "transfer-encoding")
WITH_A_BODY = (b"content-length", b"transfer-encoding")
BODILESS = (204, 304)

Rest = bytes | tuple[Scope, ...]  # of an answer: the one body, or the messages behind the head
PreparedMessages = PreparedAnswers[Rest]


class Messages:
    """The form of answers in ASGI."""

    def headers(self, answer: Answer) -> Headers:
        return headers_of(answer)

    def body(self, method: str, answer: Answer) -> Rest:
        first, *more = bodies_of(answer, bodiless=is_bodiless(method, answer))
        return (first, *more) if more else bytes(first["body"])


def key_of(scope: Scope) -> Key | None:
    """All of a request that the engine is told; None for one that changes something, or may have a body."""
    if scope["method"] not in METHODS or scope.get("http_version") == "2":
        return None
    client = scope["client"]
    return (
        (tuple(scope["headers"]), client[0] if client else None, scope["scheme"], scope["server"]),
        (scope["method"], scope.get("raw_path") or scope["path"], scope["query_string"]),
    )


def may_have_body(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """RFC 9112, section 6."""
    return any(name in WITH_A_BODY for name, _ in headers)


def headers_of(answer: Answer) -> Headers:
    """As ASGI wants them."""
    return answer.headers.without(*OF_THE_CONNECTION).lower()


def is_bodiless(method: str, answer: Answer) -> bool:
    return method == "HEAD" or answer.status in BODILESS


def bodies_of(answer: Answer, *, bodiless: bool) -> list[Scope]:
    """The messages of a small body that is sent whole."""
    data = b"" if bodiless else read(answer.body)
    if data and "content-length" in answer.headers:
        return [{"type": "http.response.body", "body": data}]
    # Of a body that is empty at once, or whose length it is not told, granian tells the length itself.
    return [{"type": "http.response.body", "body": data, "more_body": True}, {"type": "http.response.body"}]
