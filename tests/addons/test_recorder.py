"""The recorder between a client and an instance, both played by hand on real sockets.

The tests on `Rig` share one `peertape record`: each asks for paths of its own.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.process import Peertape, close_readers, recorded, wait_for
from support.wire import Head, Instance, Wire, answer
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Event, TextMessage

from peertape.cassettes.bodies import read
from peertape.cassettes.model import Exchange
from peertape.cassettes.store import Cassette


@dataclass(frozen=True)
class Rig:
    app: Peertape
    instance: Instance

    @property
    def host(self) -> str:
        return f"{self.app.host}:{self.app.port}"

    def ask(self, request: str, body: bytes = b"") -> tuple[Wire, Wire, Head]:
        """Sends a request; the client's end, the instance's, and the request's head as that got it."""
        client = self.app.connect()
        start, *fields = request.split("\n")
        client.send("\r\n".join([f"{start} HTTP/1.1", f"Host: {self.host}", *fields, "", ""]))
        client.send(body)
        server = self.instance.accept()
        return client, server, server.head()

    def recorded(self, target: str, count: int = 1) -> list[Exchange]:
        return recorded(self.app.cassette, target, count)


@pytest.fixture(scope="module")
def whole_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    instance = Instance()
    app = Peertape(tmp_path_factory.mktemp("rig"), "record", "--upstream", instance.url, "--listen", "127.0.0.1:0")
    yield Rig(app, instance)
    app.stop()
    instance.close()


@pytest.fixture
def rig(whole_rig: Rig) -> Iterator[Rig]:
    whole_rig.instance.forget()
    yield whole_rig
    whole_rig.app.hang_up()
    whole_rig.instance.forget()
    close_readers()


def test_a_response_streams_through(rig: Rig) -> None:
    client, server, _ = rig.ask("GET /length")
    server.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 10\r\n\r\nfirst")
    assert client.head().status == 200
    assert client.exactly(5) == b"first"
    server.send("-last")
    assert client.exactly(5) == b"-last"
    (exchange,) = rig.recorded("/length")
    assert exchange.state == "complete"
    assert exchange.response is not None
    assert read(exchange.response.body) == b"first-last"
    times = exchange.timing
    assert times.sent is not None
    assert times.answering is not None
    assert times.answered is not None
    assert times.started <= times.sent <= times.answering <= times.answered


def test_a_chunked_response_streams_through(rig: Rig) -> None:
    client, server, _ = rig.ask("GET /chunked")
    server.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
    assert client.head().get("transfer-encoding") == "chunked"
    assert client.chunk() == b"first"
    server.send("5\r\n-last\r\n0\r\n\r\n")
    assert client.chunk() == b"-last"
    assert client.chunk() == b""
    (exchange,) = rig.recorded("/chunked")
    assert exchange.response is not None
    assert read(exchange.response.body) == b"first-last"
    assert exchange.response.headers.get("transfer-encoding") == "chunked"


def test_a_response_that_ends_with_its_connection_streams_through(rig: Rig) -> None:
    client, server, _ = rig.ask("GET /close")
    server.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\nfirst")
    client.head()
    assert client.exactly(5) == b"first"
    server.send("-last")
    server.close()
    assert client.rest() == b"-last"
    (exchange,) = rig.recorded("/close")
    assert exchange.state == "complete"
    assert exchange.response is not None
    assert read(exchange.response.body) == b"first-last"


def test_a_long_film_does_not_stand_in_memory(rig: Rig) -> None:
    """`benchmarks/memory.py` measures this with 1 GB."""
    megabyte, length = 1 << 20, 200
    before = rig.app.memory_peak()
    client, server, _ = rig.ask("GET /long")
    server.send(f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {length * megabyte}\r\n\r\n")
    client.head()
    noise = random.Random(1).randbytes(megabyte)
    sender = threading.Thread(target=lambda: [server.send(noise) for _ in range(length)])
    sender.start()
    for _ in range(length):
        assert client.exactly(megabyte) == noise
    sender.join()
    (exchange,) = rig.recorded("/long")
    assert exchange.response is not None
    assert exchange.response.body.size == length * megabyte
    assert rig.app.memory_peak() - before < length * megabyte / 2


def test_an_upload_streams_through(rig: Rig) -> None:
    client, server, head = rig.ask("PUT /upload\nContent-Type: video/mp4\nContent-Length: 10", b"first")
    assert head.get("content-length") == "10"
    assert server.exactly(5) == b"first"
    client.send("-last")
    assert server.exactly(5) == b"-last"
    server.send(answer("thanks"))
    assert client.message()[1] == b"thanks"
    (exchange,) = rig.recorded("/upload")
    assert read(exchange.request.body) == b"first-last"


def test_a_chunked_upload_streams_through(rig: Rig) -> None:
    fields = "Content-Type: video/mp4\nTransfer-Encoding: chunked"
    client, server, _ = rig.ask(f"POST /chunked-upload\n{fields}", b"5\r\nfirst\r\n")
    assert server.chunk() == b"first"
    client.send("5\r\n-last\r\n0\r\n\r\n")
    assert (server.chunk(), server.chunk()) == (b"-last", b"")
    server.send(answer())
    client.message()
    assert read(rig.recorded("/chunked-upload")[0].request.body) == b"first-last"


def test_a_client_that_aborts_leaves_a_cut_exchange(rig: Rig) -> None:
    client, server, _ = rig.ask("GET /aborted")
    server.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 100\r\n\r\nfirst")
    client.head()
    client.exactly(5)
    client.abort()
    (exchange,) = rig.recorded("/aborted")
    assert exchange.state == "cut"
    assert exchange.error
    assert exchange.response is not None
    assert read(exchange.response.body) == b"first"


def test_a_client_that_aborts_its_upload_leaves_what_came(rig: Rig) -> None:
    client, server, _ = rig.ask("PUT /half-upload\nContent-Type: video/mp4\nContent-Length: 10", b"first")
    assert server.exactly(5) == b"first"
    client.abort()
    (exchange,) = rig.recorded("/half-upload")
    assert exchange.state == "failed"
    assert exchange.response is None
    assert read(exchange.request.body) == b"first"


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_an_instance_that_cuts_leaves_a_cut_exchange(rig: Rig, framing: str) -> None:
    target = f"/cut-{framing[:7]}"
    client, server, _ = rig.ask(f"GET {target}")
    body = "5\r\nfirst\r\n" if "chunked" in framing else "first"
    server.send(f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n{framing}\r\n\r\n{body}")
    client.head()
    server.close()
    assert client.rest() == body.encode()  # and no last chunk
    (exchange,) = rig.recorded(target)
    assert exchange.state == "cut"
    assert exchange.response is not None
    assert read(exchange.response.body) == b"first"


def test_an_instance_that_cuts_a_text_body_leaves_a_cut_exchange(rig: Rig) -> None:
    """JSON with links is held back by peertape: it must not arrive as if it were whole."""
    client, server, _ = rig.ask("GET /api/v1/half")
    server.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    server.close()
    assert client.head().status == 502
    assert rig.recorded("/api/v1/half")[0].state == "cut"


def test_an_instance_that_says_nothing_is_a_failure(rig: Rig) -> None:
    client, server, _ = rig.ask("GET /silent")
    server.close()
    assert client.message()[0].status == 502
    (exchange,) = rig.recorded("/silent")
    assert (exchange.state, exchange.response) == ("failed", None)


def test_an_instance_that_is_not_there_is_a_failure(peertape, instance: Instance) -> None:
    app = peertape("record", "--upstream", instance.url)
    instance.close()
    assert app.ask("GET /gone")[0].status == 502
    assert app.stop() == 0
    (exchange,) = recorded(app.cassette, "/gone")
    assert (exchange.state, exchange.response) == ("failed", None)
    assert exchange.error


@pytest.mark.parametrize(
    ("method", "status", "fields"),
    [
        ("HEAD", "200 OK", "Content-Type: video/mp4\r\nContent-Length: 1000\r\n"),
        ("GET", "204 No Content", ""),
        ("GET", "304 Not Modified", 'ETag: W/"1-abc"\r\n'),
        ("GET", "200 Fine", "Content-Length: 0\r\n"),
    ],
)
def test_a_response_without_a_body(rig: Rig, method: str, status: str, fields: str) -> None:
    target = f"/bodiless/{method}/{status[:3]}"
    client, server, _ = rig.ask(f"{method} {target}")
    server.send(f"HTTP/1.1 {status}\r\n{fields}\r\n")
    head, body = client.message(bodiless=True)
    assert head.start == f"HTTP/1.1 {status}"
    assert body == b""
    client.send(f"GET {target}/again HTTP/1.1\r\nHost: x\r\n\r\n")  # the connection goes on
    assert server.head().target == f"{target}/again"
    server.send(answer())
    assert client.message()[0].status == 200
    (exchange,) = rig.recorded(target)
    assert exchange.state == "complete"
    assert exchange.response is not None
    assert f"{exchange.response.status} {exchange.response.reason}" == status
    assert exchange.response.body.size == 0
    expected = [tuple(line.split(": ")) for line in fields.split("\r\n") if line]
    assert list(exchange.response.headers) == expected


def test_a_part_of_a_body(rig: Rig) -> None:
    client, server, head = rig.ask("GET /part\nRange: bytes=2-4")
    assert head.get("range") == "bytes=2-4"
    server.send(answer("cde", "206 Partial Content", content_range="bytes 2-4/10", content_type="video/mp4"))
    head, body = client.message()
    assert (head.status, head.get("content-range"), body) == (206, "bytes 2-4/10", b"cde")
    (exchange,) = rig.recorded("/part")
    assert exchange.response is not None
    assert (exchange.response.status, read(exchange.response.body)) == (206, b"cde")


def test_a_client_that_waits_for_100_continue(rig: Rig) -> None:
    client, server, _ = rig.ask("POST /expecting\nExpect: 100-continue\nContent-Type: video/mp4\nContent-Length: 5")
    assert client.head().status == 100
    client.send("hello")
    assert server.exactly(5) == b"hello"
    server.send(answer("done"))
    assert client.message()[1] == b"done"
    assert read(rig.recorded("/expecting")[0].request.body) == b"hello"


def test_an_answer_before_the_request_has_ended(rig: Rig) -> None:
    client, server, _ = rig.ask("PUT /early\nContent-Type: video/mp4\nContent-Length: 10", b"first")
    server.exactly(5)
    server.send(answer("too much", "413 Payload Too Large"))
    assert client.message()[0].status == 413
    assert rig.recorded("/early")[0].state == "cut"  # as long as the request has not ended
    client.send("-last")
    assert server.exactly(5) == b"-last"
    exchange = wait_for(lambda: next((e for e in rig.recorded("/early") if e.state == "complete"), None))
    assert read(exchange.request.body) == b"first-last"


def test_a_connection_serves_many_requests(rig: Rig) -> None:
    client, server, _ = rig.ask("GET /many/1")
    server.send(answer("1"))
    assert client.message()[1] == b"1"
    client.send("GET /many/2 HTTP/1.1\r\nHost: x\r\n\r\nGET /many/3 HTTP/1.1\r\nHost: x\r\n\r\n")  # pipelined
    for number in "23":
        assert server.head().target == f"/many/{number}"
        server.send(answer(number))
        assert client.message()[1] == number.encode()
    for number in "123":
        (exchange,) = rig.recorded(f"/many/{number}")
        assert exchange.response is not None
        assert read(exchange.response.body) == number.encode()


def test_headers_keep_their_case_order_and_duplicates(rig: Rig) -> None:
    fields = ["X-oDD: 1", "x-odd: 2", "Cookie: session=SECRETSECRET1", "Authorization: Bearer SECRETTOKEN00"]
    client, server, head = rig.ask("\n".join(["GET /headers", *fields]))
    assert [f"{name}: {value}" for name, value in head.headers][1:] == fields
    given = [
        ("Set-COOKIE", "a=SECRETSECRET2; Path=/"),
        ("X-b", "1"),
        ("set-cookie", "b=SECRETSECRET3"),
        ("x-B", "2"),
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in given)
    server.send(f"HTTP/1.1 200 Fine By Me\r\n{lines}Content-Length: 0\r\n\r\n")
    head, _ = client.message()
    assert head.start == "HTTP/1.1 200 Fine By Me"
    assert head.headers[:4] == tuple(given)
    (exchange,) = rig.recorded("/headers")
    assert [name for name, _ in exchange.request.headers] == ["Host", "X-oDD", "x-odd", "Cookie", "Authorization"]
    assert exchange.response is not None
    assert [name for name, _ in exchange.response.headers][:4] == [name for name, _ in given]
    assert exchange.response.reason == "Fine By Me"
    first, second = exchange.response.headers.get_all("set-cookie")
    assert first.startswith("a=")
    assert first.endswith("; Path=/")
    assert second.startswith("b=")
    for file in rig.app.cassette.parent.glob("peertape.cassette*"):
        assert b"SECRET" not in file.read_bytes()


def test_the_messages_of_a_websocket(rig: Rig) -> None:
    client, server, _ = rig.ask(
        "GET /socket\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    )
    server.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    assert client.head().status == 101
    app, echo = Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    client.send(app.send(TextMessage("hello")))
    assert _received(server, echo) == TextMessage("hello")
    server.send(echo.send(TextMessage("hello")))
    server.send(echo.send(BytesMessage(b"\x00\x01")))
    assert _received(client, app) == TextMessage("hello")
    assert _received(client, app) == BytesMessage(bytearray(b"\x00\x01"))
    client.send(app.send(CloseConnection(1000)))
    close = _received(server, echo)
    assert isinstance(close, CloseConnection)
    server.send(echo.send(close.response()))
    (exchange,) = rig.recorded("/socket")
    assert exchange.state == "complete"
    seen = [(message.from_client, message.is_text, message.content) for message in exchange.messages]
    assert seen == [(True, True, b"hello"), (False, True, b"hello"), (False, False, b"\x00\x01")]
    closing = exchange.closing
    assert closing is not None
    assert (closing.from_client, closing.code) == (True, 1000)


def _received(wire: Wire, connection: Connection) -> Event:
    while (event := next(connection.events(), None)) is None:
        connection.receive_data(wire.some())
    return event


def test_the_instance_sees_its_own_host(rig: Rig) -> None:
    client, server, head = rig.ask("GET /host")
    assert head.all("host") == [rig.instance.authority]
    server.send(answer())
    client.message()
    (exchange,) = rig.recorded("/host")
    assert exchange.request.authority == rig.instance.authority
    assert exchange.request.headers.get("host") == rig.instance.authority
    assert exchange.client_host == rig.host


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_links_lead_back_to_us_and_are_stored_as_they_came(rig: Rig, framing: str) -> None:
    target = f"/api/v1/links/{framing}"
    client, server, _ = rig.ask(f"GET {target}")
    body = json.dumps({"url": f"{rig.instance.url}/w/1", "other": "http://other.example/"})
    if framing == "length":
        server.send(answer(body, content_type="application/json"))
    else:
        server.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        server.send(f"{len(body):x}\r\n{body}\r\n0\r\n\r\n")
    assert json.loads(client.message()[1]) == {"url": f"{rig.app.url}/w/1", "other": "http://other.example/"}
    (exchange,) = rig.recorded(target)
    assert exchange.response is not None
    assert read(exchange.response.body) == body.encode()


def test_an_etag_that_we_gave_is_understood(rig: Rig) -> None:
    body = json.dumps({"url": f"{rig.instance.url}/w/1"})
    theirs = 'W/"2a-its-own"'
    client, server, _ = rig.ask("GET /api/v1/tagged")
    server.send(answer(body, content_type="application/json", etag=_express(body)))
    ours = client.message()[0].get("etag")
    assert ours
    assert ours != _express(body)
    client.send(f"GET /api/v1/tagged HTTP/1.1\r\nHost: {rig.host}\r\nIf-None-Match: {ours}, {theirs}\r\n\r\n")
    assert server.head().get("if-none-match") == f"{_express(body)}, {theirs}"
    server.send(f"HTTP/1.1 304 Not Modified\r\nETag: {_express(body)}\r\n\r\n")
    assert client.message()[0].status == 304


def _express(body: str) -> str:
    from peertape.cassettes.etags import express_etag

    return express_etag(body.encode())


def test_headers_of_another_peertape_are_dropped(rig: Rig) -> None:
    client, server, head = rig.ask("GET /own\nPeertape-Session: a")
    server.send(answer("x", peertape_source="recorded; exchange=1", peertape_rules="6.3"))
    head, _ = client.message()
    assert head.all("peertape-source") == ["live"]
    assert head.get("peertape-rules") is None
    (exchange,) = rig.recorded("/own")
    assert exchange.response is not None
    names = [name.lower() for name, _ in [*exchange.request.headers, *exchange.response.headers]]
    assert not [name for name in names if name.startswith("peertape-")]


def test_the_control_api_is_for_us_alone(rig: Rig) -> None:
    head, body = rig.app.ask("GET /__peertape__/health")
    assert head.status == 200
    assert body
    assert rig.instance.untouched()
    client, server, _ = rig.ask("GET /after-control")
    server.send(answer())
    client.message()
    rig.recorded("/after-control")
    with_control = Cassette(rig.app.cassette)
    try:
        assert not [c.target for c in with_control.candidates() if "__peertape__" in c.target]
    finally:
        with_control.close()


def test_only_what_is_wanted_is_stored(peertape, instance: Instance) -> None:
    app = peertape(
        "record",
        "--upstream",
        instance.url,
        "--only",
        "GET /api/**",
        "--skip",
        "/api/v1/no",
        "--max-response-body",
        "10",
    )

    def serve(wire: Wire) -> None:
        while head := wire.head():
            wire.body(head)
            wire.send(answer("x" * (20 if "long" in head.target else 10), content_type="video/mp4"))

    with instance.serving(serve):
        for request in ("GET /api/v1/yes", "POST /api/v1/post", "GET /api/v1/no", "GET /static/1", "GET /api/v1/long"):
            head, body = app.ask(request)
            assert (head.status, len(body)) == (200, 20 if "long" in request else 10)
    assert app.stop() == 0
    cassette = Cassette(app.cassette)
    try:
        states = {candidate.target: str(candidate.state) for candidate in cassette.candidates()}
    finally:
        cassette.close()
    assert states == {"/api/v1/yes": "complete", "/api/v1/long": "unstored"}


class Counting:
    """An instance that says how often it was asked, in its own words: its generation and a number."""

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self.asked = 0

    def __call__(self, wire: Wire) -> None:
        while head := wire.head():
            wire.body(head)
            self.asked += 1
            wire.send(answer(f"{self.generation}{self.asked} {head.target}", content_type="text/plain"))


def test_record_modes(peertape, instance: Instance) -> None:
    """All of them over one cassette, one after another."""

    def run(mode: str, *targets: str) -> list[str]:
        app = peertape("record", "--upstream", instance.url, "--record-mode", mode)
        told = [_told(*app.ask(f"GET {target}")) for target in targets]
        assert app.stop() == 0, app.said
        return told

    counting = Counting("a")
    with instance.serving(counting):
        assert run("once", "/1", "/1") == ["live a1 /1", "live a2 /1"]
        assert run("once", "/1", "/1", "/2") == ["recorded a1 /1", "recorded a2 /1", "miss"]
        assert run("new_episodes", "/1", "/2", "/2") == ["recorded a1 /1", "live a3 /2", "live a4 /2"]
        assert run("all", "/1") == ["live a5 /1"]
        assert run("none", "/1", "/1", "/1", "/2", "/3") == [
            "recorded a1 /1",
            "recorded a2 /1",
            "recorded a5 /1",
            "recorded a3 /2",
            "miss",
        ]
        assert run("rewrite", "/3") == ["live a6 /3"]
        assert run("none", "/3", "/1") == ["recorded a6 /3", "miss"]


def _told(head: Head, body: bytes) -> str:
    source = (head.get("peertape-source") or "").partition(";")[0]
    return source if source == "miss" else f"{source} {body.decode()}"


def test_ctrl_c_in_the_middle_of_a_transfer(peertape, instance: Instance) -> None:
    app = peertape("record", "--upstream", instance.url)
    client = app.connect()
    client.send("GET /whole HTTP/1.1\r\nHost: x\r\n\r\n")
    server = instance.accept()
    server.head()
    server.send(answer("whole", content_type="video/mp4"))
    client.message()
    client.send("GET /film HTTP/1.1\r\nHost: x\r\n\r\n")
    server.head()
    server.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 100\r\n\r\nfirst")
    client.head()
    assert client.exactly(5) == b"first"
    assert app.stop(signal.SIGINT) == 0, app.said
    assert [file.name for file in app.cassette.parent.glob("peertape.cassette*")] == ["peertape.cassette"]
    (exchange,) = recorded(app.cassette, "/film")
    assert exchange.state == "cut"
    assert exchange.response is not None
    assert read(exchange.response.body) == b"first"

    copy = shutil.copy(app.cassette, app.folder / "copy.cassette")
    replay = peertape("replay", Path(copy))
    assert replay.ask("GET /whole")[1] == b"whole"
    assert replay.ask("GET /film")[0].status == 501
