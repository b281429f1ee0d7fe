"""Offline is offline: a replay connects to nothing outside, whatever it is asked."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.wire import Instance

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter


@pytest.fixture
def listener() -> Any:
    """Stands where the recording says that the instance is, and counts."""
    opened = socket.create_server(("127.0.0.1", 0))
    opened.setblocking(False)
    yield opened
    opened.close()


def attempts(listener: socket.socket) -> int:
    """Connections that wait at the listener: the system has accepted them, nobody has taken them."""
    count = 0
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return count
        connection.close()
        count += 1


def test_no_socket_is_opened_to_the_instance(
    peertape: Callable[..., Any], listener: socket.socket, tmp_path: Path
) -> None:
    host, port = listener.getsockname()
    authority = f"{host}:{port}"
    path = tmp_path / "c.cassette"
    writer = CassetteWriter(path, RedactionRules.default(), upstream=f"http://{authority}")
    request = RecordedRequest("GET", "/api/v1/ping", "http", authority, "HTTP/1.1", Headers((("Host", authority),)))
    response = RecordedResponse(
        200, "OK", "HTTP/1.1", Headers((("Content-Length", "2000000"),)), BytesBody(b"x" * 2_000_000)
    )
    writer.add(Exchange(request, response, Timing(1.0, 1.0, 1.0, 1.0)))
    writer.close()

    process = peertape("replay", path, "--forward", "127.0.0.1:0")
    statuses = [
        process.ask("GET /api/v1/ping")[0].status,
        process.ask("GET /api/v1/videos")[0].status,
        process.ask("GET /api/v1/nothing")[0].status,
        process.ask("POST /api/v1/videos/upload\nContent-Type: video/mp4", b"y" * 10_000_000)[0].status,
        process.ask(f"GET http://{authority}/api/v1/videos")[0].status,
    ]
    assert statuses[:4] == [200, 501, 400, 401]
    forward = socket.create_connection(process.forward)
    forward.sendall(
        f"GET http://{authority}/api/v1/videos HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n".encode()
    )
    while forward.recv(65536):
        pass
    forward.close()
    for target in (authority, "192.0.2.1:443"):
        tunnel = socket.create_connection(process.forward)
        tunnel.settimeout(30)
        tunnel.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\nGET / HTTP/1.1\r\n\r\n".encode())
        tunnel.shutdown(socket.SHUT_WR)
        while tunnel.recv(65536):
            pass
        tunnel.close()
    process.stop()
    assert attempts(listener) == 0


def test_the_count_counts(listener: socket.socket, instance: Instance) -> None:
    """The proof above can fail."""
    assert instance is not None
    socket.create_connection(listener.getsockname()).close()
    assert attempts(listener) == 1
