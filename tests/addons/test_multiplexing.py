"""A client that reads slowly over HTTP/2: mitmproxy does not read its film into memory, and other streams go on."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from support.process import Peertape

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter

HOST = "tube.example"
FILM = bytes(96 << 20)  # compresses well, so that the cassette is read fast


@pytest.fixture
def replay(peertape: Callable[..., Any], tmp_path: Path) -> Peertape:
    path = tmp_path / "film.cassette"
    writer = CassetteWriter(path, RedactionRules.default(), upstream=f"https://{HOST}")
    for target, body in (("/film.mp4", FILM), ("/small", b"small")):
        request = RecordedRequest("GET", target, "https", HOST, "HTTP/1.1", Headers((("Host", HOST),)))
        fields = (("Content-Type", "video/mp4"), ("Accept-Ranges", "bytes"), ("Content-Length", str(len(body))))
        response = RecordedResponse(200, "OK", "HTTP/1.1", Headers(fields), BytesBody(body))
        writer.add(Exchange(request, response, Timing(1.0, 1.0, 1.0, 1.0)))
    writer.close()
    started: Peertape = peertape("replay", path, "--forward", "127.0.0.1:0", "--limits", "off")
    return started


class Client:
    """An HTTP/2 client whose windows are small, and grow only when it says so."""

    def __init__(self, app: Peertape) -> None:
        wire = app.connect(forward=True)
        wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n")
        assert wire.head().status == 200
        context = ssl.create_default_context(cafile=app.folder / ".mitmproxy" / "mitmproxy-ca-cert.pem")
        context.set_alpn_protocols(["h2"])
        self._socket = wire.socket = context.wrap_socket(wire.socket, server_hostname=HOST)
        assert self._socket.selected_alpn_protocol() == "h2"
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self._http.initiate_connection()
        self._http.increment_flow_control_window(2**30)  # of the connection: only the streams' own are small
        self.received: dict[int, int] = {}
        self.ended: set[int] = set()

    def get(self, target: str) -> int:
        stream = self._http.get_next_available_stream_id()
        fields = [(":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", target)]
        self._http.send_headers(stream, fields, end_stream=True)
        self.received[stream] = 0
        self._send()
        return stream

    def until(self, done: Callable[[], bool], *, reading: int | None = None) -> None:
        """Takes what comes; the window of the stream `reading` stays open."""
        while not done():
            data = self._socket.recv(65536)
            assert data
            taken = 0
            for event in self._http.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    self.received[event.stream_id] += len(event.data)
                    taken += event.flow_controlled_length if event.stream_id == reading else 0
                elif isinstance(event, h2.events.StreamEnded):
                    self.ended.add(event.stream_id)
            if taken and reading not in self.ended:
                self._http.increment_flow_control_window(taken, reading)
            self._send()

    def _send(self) -> None:
        self._socket.sendall(self._http.data_to_send())


def test_a_slow_client_of_http2(replay: Peertape) -> None:
    client = Client(replay)
    small = client.get("/small")
    client.until(lambda: small in client.ended)
    before = replay.memory_peak()
    film = client.get("/film.mp4")
    client.until(lambda: film in client.ended, reading=film)
    assert client.received[film] == len(FILM)
    assert replay.memory_peak() - before < len(FILM) // 2


def test_many_films_that_nobody_watches_keep_nothing_from_anybody(replay: Peertape) -> None:
    client = Client(replay)
    films = [client.get("/film.mp4") for _ in range(8)]
    client.until(lambda: all(client.received[film] for film in films))
    last = client.get("/film.mp4")
    client.until(lambda: client.received[last] > 0)
    assert replay.memory_peak() < len(films) * len(FILM) // 2
