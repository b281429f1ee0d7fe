"""The relay, in a proxy that runs as its users run it: what an instance says streams through as it is."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.certificates import server_context
from support.process import Peertape, recorded, wait_for
from support.tube import Tube
from support.wire import PATIENCE, Head, Wire, answer

from peertape.cassettes.bodies import read
from peertape.cassettes.model import State

BIG = 9 * 1024 * 1024  # more than a request body that is held


@pytest.fixture
def tube() -> Iterator[Tube]:
    instance = Tube()
    yield instance
    instance.die()


@pytest.fixture
def proxy(peertape: Callable[..., Peertape], tube: Tube) -> Callable[..., Peertape]:
    def start(*options: str) -> Peertape:
        return peertape("proxy", "--upstream", tube.url, *options)

    return start


def head_of(app: Peertape, request: str, *fields: str) -> str:
    return "\r\n".join([f"{request} HTTP/1.1", f"Host: {app.host}:{app.port}", *fields, "", ""])


def test_heads_pass_as_they_stand(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    pairs = (("Date", "today"), ("x-ODD-Case", " 1"), ("Set-Cookie", "a=1"), ("ETag", '"x"'), ("Set-Cookie", "b=2"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    tube.routes["GET /a%2Fb//c"] = lambda wire, _: wire.send(
        f"HTTP/1.1 299 Odd but Fine\r\n{lines}Content-Length: 2\r\n\r\nok"
    )
    app = proxy()
    wire = app.connect()
    wire.send(
        head_of(app, "GET /a%2Fb//c?b=2&a=%7e", "x-Second: 2", "Accept-Encoding: br", "X-First: 1", "x-second: 3")
    )
    head, body = wire.message()
    assert (head.start, body) == ("HTTP/1.1 299 Odd but Fine", b"ok")
    received = [(name, value) for name, value in head.headers if name != "Peertape-Source"]
    assert received == [(name, value.strip()) for name, value in pairs] + [("Content-Length", "2")]
    assert head.get("peertape-source") == "live"
    (asked,) = tube.asked
    assert asked.start == "GET /a%2Fb//c?b=2&a=%7e HTTP/1.1"
    assert list(asked.headers) == [
        ("Host", tube.authority),
        ("x-Second", "2"),
        ("Accept-Encoding", "br"),
        ("X-First", "1"),
        ("x-second", "3"),
    ]
    (exchange,) = recorded(app.cassette, "/a%2Fb//c?b=2&a=%7e")
    assert exchange.response is not None
    assert (exchange.request.scheme, exchange.request.authority) == ("http", tube.authority)
    assert exchange.response.reason == "Odd but Fine"
    assert [name for name, _ in exchange.response.headers] == [name for name, _ in pairs] + ["Content-Length"]


def test_one_connection_serves_every_kind_of_answer(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    tube.routes["HEAD /file"] = lambda wire, _: wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    tube.routes["GET /same"] = lambda wire, _: wire.send('HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n')
    tube.routes["DELETE /gone"] = lambda wire, _: wire.send("HTTP/1.1 204 No Content\r\n\r\n")
    tube.routes["GET /chunks"] = lambda wire, _: wire.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    )
    tube.says("POST /form", "thanks", "201 Created")
    tube.says("GET /gateway", "dead behind me", "502 Bad Gateway")
    app = proxy()
    wire = app.connect()
    for request, fields, sent, bodiless, status, body in (
        ("HEAD /file", (), b"", True, 200, b""),
        ("GET /same", ('If-None-Match: "x"',), b"", False, 304, b""),
        ("DELETE /gone", (), b"", False, 204, b""),
        ("GET /chunks", (), b"", False, 200, b"abc"),
        ("POST /form", ("Content-Length: 3",), b"a=b", False, 201, b"thanks"),
        ("POST /form", ("Transfer-Encoding: chunked",), b"3\r\na=b\r\n0\r\n\r\n", False, 201, b"thanks"),
        ("GET /caf\u00e9", (), b"", False, 404, b"not here"),
        ("GET /gateway", (), b"", False, 502, b"dead behind me"),
    ):
        wire.send(head_of(app, request, *fields))
        wire.send(sent)
        head, received = wire.message(bodiless=bodiless)
        assert (head.status, received) == (status, body)
        assert head.get("peertape-source") == "live"
    assert "away" not in app.said
    forms = [head for head in tube.asked if head.target == "/form"]
    assert [head.get("transfer-encoding") for head in forms] == [None, "chunked"]


def test_the_first_octet_comes_before_the_last_is_sent(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    came = threading.Event()

    def slowly(wire: Wire, _: Head) -> None:
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 10\r\n\r\nfirst")
        assert came.wait(PATIENCE)
        wire.send("-last")

    tube.routes["GET /slow"] = slowly
    tube.says("GET /quick", "now")
    app = proxy()
    wire = app.connect()
    wire.send(head_of(app, "GET /slow"))
    wire.head()
    assert wire.exactly(5) == b"first"
    assert app.ask("GET /quick")[1] == b"now"  # another client does not wait
    came.set()
    assert wire.exactly(5) == b"-last"
    assert read(recorded(app.cassette, "/slow")[0].response.body) == b"first-last"


def test_an_upload_streams_to_the_instance_and_is_known_again(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    film = hashlib.sha256(b"seed").digest() * (BIG // 32)
    began = threading.Event()

    def upload(wire: Wire, head: Head) -> None:
        octets = wire.exactly(1024)
        began.set()
        octets += wire.exactly(int(head.get("content-length") or 0) - 1024)
        wire.send(answer(hashlib.sha256(octets).hexdigest(), content_type="text/plain"))

    tube.routes["PUT /upload"] = upload
    fields = ("Content-Type: application/octet-stream", f"Content-Length: {BIG}")
    app = proxy()
    wire = app.connect()
    wire.send(head_of(app, "PUT /upload", *fields))
    wire.send(film[: BIG // 2])
    assert began.wait(PATIENCE)
    wire.send(film[BIG // 2 :])
    head, body = wire.message()
    assert head.get("peertape-source") == "live"
    assert body == hashlib.sha256(film).hexdigest().encode()
    (exchange,) = recorded(app.cassette, "/upload")
    assert exchange.request.body.size == BIG

    def dies_in_the_middle(wire: Wire, _: Head) -> None:
        wire.exactly(BIG // 2)
        wire.abort()

    tube.routes["PUT /upload"] = dies_in_the_middle
    for _ in range(2):  # while it is sent; then at once
        wire = app.connect()
        wire.send(head_of(app, "PUT /upload", *fields))
        wire.send(film)
        head, again = wire.message()
        assert head.get("peertape-source") == f"recorded; exchange={exchange.id}"
        assert again == body
        tube.die()
    failed = recorded(app.cassette, "/upload", 2)[1]
    assert failed.state is State.FAILED


def test_a_client_that_goes_cancels_what_it_asked_for(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    ended: list[str] = []

    def until_the_end(wire: Wire, head: Head) -> None:
        if head.target == "/begun":
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 1000\r\n\r\nsome")
        wire.rest()
        ended.append(head.target)

    tube.routes["GET /begun"] = tube.routes["GET /waiting"] = until_the_end
    app = proxy("--upstream-timeout", "1000")
    for target in ("/begun", "/waiting"):
        wire = app.connect()
        wire.send(head_of(app, f"GET {target}"))
        if target == "/begun":
            wire.head()
            wire.exactly(4)
        wait_for(lambda: tube.heads(target))  # noqa: B023
        wire.abort()
        wait_for(lambda: target in ended)  # noqa: B023
        (exchange,) = recorded(app.cassette, target)
        assert exchange.state is (State.CUT if target == "/begun" else State.FAILED)
    assert "away" not in app.said


@pytest.mark.parametrize("framing", ["Content-Length: 10", "Transfer-Encoding: chunked"])
def test_a_cut_is_a_cut(tube: Tube, proxy: Callable[..., Peertape], framing: str) -> None:
    def cut(wire: Wire, _: Head) -> None:
        half = "half!" if "Length" in framing else "5\r\nhalf!\r\n"
        wire.send(f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n{framing}\r\n\r\n{half}")
        raise EOFError

    tube.routes["GET /film"] = cut
    app = proxy()
    wire = app.connect()
    wire.send(head_of(app, "GET /film"))
    head = wire.head()
    assert head.get("peertape-source") == "live"
    assert wire.exactly(5) == b"half!" if "Length" in framing else wire.chunk() == b"half!"
    with pytest.raises(EOFError):
        wire.exactly(1)
    (exchange,) = recorded(app.cassette, "/film")
    assert exchange.state is State.CUT
    tube.die()
    assert app.ask("GET /film")[0].status == 501  # half an answer is none
    assert "Traceback" not in app.said


def test_an_instance_that_hangs_is_away(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    tube.says("GET /page", "one")
    app = proxy("--upstream-timeout", "0.5")
    assert app.ask("GET /page")[1] == b"one"
    recorded(app.cassette, "/page")
    tube.hang()
    head, body = app.ask("GET /page")
    assert (head.get("peertape-source"), body) == ("recorded; exchange=1", b"one")
    assert "the instance is away (no answer within 0.5 s): the recording answers" in app.said
    asked = len(tube.asked)
    assert app.ask("GET /page")[1] == b"one"
    assert len(tube.asked) == asked  # for a while nobody waits again


def test_a_write_that_was_sent_is_waited_for(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    """A film that was uploaded is looked at before the instance answers; an answer of ours would be a lie."""
    arrived, looked_at = threading.Event(), threading.Event()

    def upload(wire: Wire, head: Head) -> None:
        wire.body(head)
        arrived.set()
        assert looked_at.wait(PATIENCE)
        wire.send(answer("published"))

    def never(wire: Wire, _: Head) -> None:
        wire.rest()

    tube.routes["POST /upload"], tube.routes["GET /page"] = upload, never
    app = proxy("--upstream-timeout", "0.5")
    wire = app.connect()
    wire.send(head_of(app, "POST /upload", "Content-Length: 4") + "film")
    assert arrived.wait(PATIENCE)
    assert app.ask("GET /page")[0].status == 501  # it waited as long as a read does
    looked_at.set()
    head, body = wire.message()
    assert (head.status, head.get("peertape-source"), body) == (200, "live", b"published")


def test_websockets_pass_natively(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    def socket(wire: Wire, _: Head) -> None:
        wire.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )
        wire.send(b"\x81\x05hello")
        wire.rest()

    tube.routes["GET /socket"] = socket
    tube.says("GET /page", "here")
    app = proxy()
    upgrade = (
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    wire = app.connect()
    wire.send(head_of(app, "GET /socket", *upgrade))
    assert wire.head().status == 101
    assert wire.exactly(7) == b"\x81\x05hello"
    wire.close()
    (exchange,) = recorded(app.cassette, "/socket")
    tube.die()
    assert app.ask("GET /page")[0].status == 501  # the instance is away by now
    for _ in range(2):
        wire = app.connect()
        wire.send(head_of(app, "GET /socket", *upgrade))
        head = wire.head()
        assert head.status == 101
        assert head.get("peertape-source") == f"recorded; exchange={exchange.id}"
        assert wire.exactly(7) == b"\x81\x05hello"
    tube.start()
    wait_for(lambda: app.ask("GET /page")[0].get("peertape-source") == "live" or None)
    wire = app.connect()
    wire.send(head_of(app, "GET /socket", *upgrade))
    head = wire.head()
    assert (head.status, head.get("peertape-source")) == (101, "live")


def test_a_poll_that_is_held_is_no_sign_of_being_away(tube: Tube, proxy: Callable[..., Peertape]) -> None:
    news = threading.Event()

    def hold(wire: Wire, _: Head) -> None:
        news.wait(PATIENCE)
        wire.send(answer("42[]"))

    tube.routes["GET /socket.io/"] = hold
    tube.routes["GET /silent"] = lambda wire, _: wire.rest() and None
    app = proxy("--upstream-timeout", "0.5")
    wire = app.connect()
    wire.send(head_of(app, "GET /socket.io/?EIO=4&transport=polling&sid=a"))
    wait_for(lambda: tube.heads("/socket.io/"))
    assert app.ask("GET /silent")[0].status == 501  # it has waited as long as it does
    news.set()
    head, body = wire.message()
    assert (head.get("peertape-source"), body) == ("live", b"42[]")


def test_tls_and_the_forward_proxy(peertape: Callable[..., Peertape], tmp_path: Path) -> None:
    tube = Tube(server_context(tmp_path, "127.0.0.1"))
    tube.says("GET /page", "sealed")
    arguments = ("proxy", "--upstream", tube.url, "--forward", "127.0.0.1:0")
    app = peertape(*arguments)
    assert app.ask("GET /page")[0].status == 501
    assert "the instance is away (TLS: self-signed certificate; --upstream-ca FILE names" in app.said
    app.stop()
    app = peertape(*arguments, "--insecure")
    assert app.ask("GET /page")[1] == b"sealed"
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    for source in ("live", "recorded"):
        wire = app.connect(forward=True)
        wire.send(f"CONNECT {tube.authority} HTTP/1.1\r\nHost: {tube.authority}\r\n\r\n")
        assert wire.head().status == 200
        sealed = Wire(client.wrap_socket(wire.socket))
        sealed.send(f"GET /page HTTP/1.1\r\nHost: {tube.authority}\r\n\r\n")
        head, body = sealed.message()
        sealed.close()
        assert (head.get("peertape-source") or "").startswith(source)
        assert body == b"sealed"
        complete = [found for found in recorded(app.cassette, "/page", 3) if found.state is State.COMPLETE]
        assert {found.request.scheme for found in complete} == {"https"}
        assert {found.request.authority for found in complete} == {tube.authority}
        tube.die()
