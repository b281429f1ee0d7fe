"""The ASGI application in process: what it makes of requests, and how it sends answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.bodyfilter import PassingFilter
from peertape.proxy.engine.chain import Engine, Rest
from peertape.proxy.engine.intake import LARGEST_HELD
from peertape.proxy.engine.model import Answer, Delivery, Request
from peertape.proxy.engine.session import Session, Sessions
from peertape.proxy.lanes.application import SMALL, Application, BrokenDeliveryError

HEADERS = Headers((("X-Powered-By", "PeerTube"), ("Connection", "keep-alive"), ("Content-Length", "5")))
HELLO = Answer(200, HEADERS, BytesBody(b"hello"), "OK")


class Fixed:
    """A stage that gives one answer to everything."""

    def __init__(self, answer: Answer | Exception) -> None:
        self._answer = answer
        self.asked: list[tuple[Request, str]] = []

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:  # noqa: ARG002
        self.asked.append((request, session.name))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Client:
    """Plays the server between a client and the application."""

    def __init__(self, answer: Answer | Exception) -> None:
        self.stage = Fixed(answer)
        self._application = Application(Engine([self.stage]), Sessions(), lambda _: PassingFilter())
        self.sent: list[Any] = []

    def ask(
        self,
        method: str = "GET",
        *,
        body: Iterable[bytes] = (b"",),
        gone: Callable[[], bool] = lambda: False,
        **scope: Any,
    ) -> None:
        pieces = list(body)
        incoming = [
            {"type": "http.request", "body": piece, "more_body": number + 1 < len(pieces)}
            for number, piece in enumerate(pieces)
        ]

        async def receive() -> Any:
            return incoming.pop(0) if incoming and not gone() else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            self.sent.append(message)

        full = {
            "type": "http",
            "method": method,
            "path": "/api/v1/ping",
            "raw_path": b"/api/v1/ping",
            "query_string": b"",
            "headers": [(b"host", b"t17.localhost:1")],
            "client": ("127.0.0.9", 5),
            "server": ("127.0.0.1", "8990"),
            "scheme": "https",
        }
        asyncio.run(self._application(full | scope, receive, send))

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def request(self) -> Request:
        return self.stage.asked[-1][0]


def test_an_answer_in_the_words_of_asgi() -> None:
    client = Client(HELLO)
    client.ask()
    start = client.sent[0]
    assert (start["status"], client.body) == (200, b"hello")
    assert start["headers"] == ((b"x-powered-by", b"PeerTube"), (b"content-length", b"5"))
    assert [message.get("more_body", False) for message in client.sent[1:]] == [False]


def test_a_request_as_the_engine_takes_it() -> None:
    client = Client(HELLO)
    client.ask("POST", body=[b"ab", b"c"], raw_path=b"/api//V1/\xe9%2F", query_string=b"a=1&b=%zz")
    request, session = client.stage.asked[0]
    assert (request.method, request.target, request.body) == ("POST", "/api//V1/\xe9%2F?a=1&b=%zz", b"abc")
    assert (request.scheme, request.client, request.port, session) == ("https", "127.0.0.9", 8990, "t17")
    assert request.headers.get("Host") == "t17.localhost:1"


@pytest.mark.parametrize(("offer", "left"), [(b"h2c", False), (b"H2C ", False), (b"websocket", True)])
def test_the_offer_of_http_2_is_left_alone(offer: bytes, left: bool) -> None:
    """Java's HttpClient makes it with each request; what is found for it is what is found without."""
    client = Client(HELLO)
    fields = [(b"host", b"t17.localhost:1"), (b"upgrade", offer), (b"connection", b"Upgrade"), (b"x", b"1")]
    client.ask(headers=[*fields, (b"http2-settings", b"AAMAAABkAAQAAP__")])
    names = [name for name, _ in client.request.headers]
    assert names == (["host", "upgrade", "connection", "x", "http2-settings"] if left else ["host", "x"])


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_no_body_where_there_can_be_none(method: str, status: int) -> None:
    client = Client(replace(HELLO, status=status))
    client.ask(method)
    assert client.body == b""
    assert (b"content-length", b"5") in client.sent[0]["headers"]


def test_a_large_answer_comes_in_pieces() -> None:
    octets = bytes(range(256)) * (SMALL // 256 * 3) + b"end"
    client = Client(Answer(200, Headers(), BytesBody(octets)))
    client.ask()
    assert client.body == octets


def test_of_a_large_request_only_the_digest_is_kept() -> None:
    client = Client(HELLO)
    piece = b"x" * (LARGEST_HELD // 4)
    client.ask("PUT", body=[piece] * 5)
    known = PassingFilter()
    known.feed(piece * 5)
    known.finish()
    assert (client.request.body, client.request.body_digest) == (b"", known.digest)


def test_a_request_that_does_not_end_is_refused_and_nobody_is_asked() -> None:
    """Its client has gone, or has sent a body that no server can read."""
    client = Client(HELLO)
    client.ask("POST", body=[b"half"], gone=lambda: True)
    assert client.stage.asked == []
    assert client.sent[0]["status"] == 400


@pytest.mark.parametrize("delivery", [Delivery.CUT, Delivery.STALL])
def test_a_broken_delivery_gives_half_and_breaks_off(delivery: Delivery) -> None:
    client = Client(replace(HELLO, body=BytesBody(b"12345678"), delivery=delivery))
    with pytest.raises(BrokenDeliveryError):
        client.ask()
    assert client.body == b"1234"
    assert client.sent[-1]["more_body"] is True


@pytest.mark.parametrize("delivery", [Delivery.RESET, Delivery.CLOSED])
def test_a_reset_breaks_off_behind_a_head_that_promises_more(delivery: Delivery) -> None:
    client = Client(replace(HELLO, delivery=delivery))
    with pytest.raises(BrokenDeliveryError):
        client.ask()
    assert (b"content-length", b"1") in client.sent[0]["headers"]
    assert client.body == b""
    assert client.sent[-1]["more_body"] is True


def test_a_defect_is_told_as_one(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(ZeroDivisionError("at home"))
    client.ask()
    assert client.sent[0]["status"] == 500
    assert b"urn:peertape:defect" in client.body
    assert "a defect of peertape" in caplog.text
