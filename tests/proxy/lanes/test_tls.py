"""https on the address at which peertape listens: the same port, a certificate for every name it is reached by."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from OpenSSL import SSL
from support.clients import program
from support.process import Peertape, recorded, wait_for
from support.tube import Tube
from support.wire import PATIENCE, Wire

NAMES = ("127.0.0.1", "::1", "localhost", "t17.localhost", "10.0.2.2", "phone.lan", "192.0.2.7", "tube.example")
TOKEN = "the-control-token"


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peertape]:
    process = Peertape(
        tmp_path_factory.mktemp("tls"),
        *("replay", "--listen", "127.0.0.1:0", "--limits", "off"),
        *("--tls-host", "phone.lan", "--tls-host", "192.0.2.7"),
        environment={"PEERTAPE_TOKEN": TOKEN},
    )
    yield process
    process.kill()


def trusting(process: Peertape, *protocols: str) -> ssl.SSLContext:
    """As Python verifies by default, and strictly: chain, dates, and the name."""
    context = ssl.create_default_context(cafile=process.folder / ".mitmproxy" / "mitmproxy-ca-cert.pem")
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def secured(process: Peertape, context: ssl.SSLContext, name: str, host: str = "127.0.0.1") -> Wire:
    plain = socket.create_connection((host, process.port), PATIENCE)
    return Wire(context.wrap_socket(plain, server_hostname=name))


def get(wire: Wire, target: str, host: str) -> tuple[int, bytes]:
    with closing(wire):
        wire.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        head, body = wire.message()
    return head.status, body


@pytest.mark.parametrize("name", NAMES)
def test_every_name_verifies(replay: Peertape, name: str) -> None:
    wire = secured(replay, trusting(replay), name)
    host = f"[{name}]" if ":" in name else name
    assert get(wire, "/api/v1/ping", f"{host}:{replay.port}")[0] == 200


def test_links_lead_back_by_https(replay: Peertape) -> None:
    authority = f"localhost:{replay.port}"
    wire = secured(replay, trusting(replay), "localhost")
    status, body = get(wire, "/api/v1/videos?count=1", authority)
    (video,) = json.loads(body)["data"]
    assert status == 200
    assert video["url"].startswith(f"https://{authority}/")
    assert b"http://" not in body


def test_the_host_names_the_session(replay: Peertape) -> None:
    wire = secured(replay, trusting(replay), "t18.localhost")
    assert get(wire, "/api/v1/config", f"t18.localhost:{replay.port}")[0] == 200
    _, body = replay.ask("GET /__peertape__/journal\nPeertape-Session: t18")
    assert [entry["target"] for entry in json.loads(body)["entries"]] == ["/api/v1/config"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_versions_and_protocols(replay: Peertape, version: ssl.TLSVersion, protocol: str) -> None:
    context = trusting(replay, protocol)
    context.minimum_version = context.maximum_version = version
    wire = secured(replay, context, "localhost")
    assert isinstance(wire.socket, ssl.SSLSocket)
    assert wire.socket.selected_alpn_protocol() == protocol
    assert wire.socket.version() == version.name.replace("_", ".")
    wire.close()


def test_http2_and_http1_give_the_same(replay: Peertape) -> None:
    url = f"https://127.0.0.1:{replay.port}/api/v1/videos?count=3"
    with (
        httpx.Client(http2=True, http1=False, verify=trusting(replay), trust_env=False) as second,
        httpx.Client(verify=trusting(replay), trust_env=False) as first,
    ):
        new, old = second.get(url), first.get(url)
    assert (new.http_version, old.http_version) == ("HTTP/2", "HTTP/1.1")
    assert new.content == old.content
    assert set(old.headers.items()) - {("connection", "keep-alive"), ("date", old.headers["date"])} <= set(
        new.headers.items()
    )


def test_curl_is_content(replay: Peertape) -> None:
    url = f"https://t17.localhost:{replay.port}/api/v1/ping"
    ca = replay.folder / ".mitmproxy" / "mitmproxy-ca-cert.pem"
    command = [program("curl"), "-sS", "--fail", "--noproxy", "*", "--cacert", ca, url, "-w", "\n%{http_version}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout == "pong\n2", done.stderr


@pytest.mark.parametrize("name", [b"a..b", b"x" * 80, b"under_score", b"spa ce", b"\xff\xfe", b"*"])
def test_a_name_that_is_none(replay: Peertape, name: bytes) -> None:
    """Whatever a client asks for, it gets a certificate, and nobody stumbles."""
    connection = SSL.Connection(
        SSL.Context(SSL.TLS_CLIENT_METHOD), socket.create_connection(("127.0.0.1", replay.port))
    )
    connection.set_tlsext_host_name(name)
    connection.set_connect_state()
    connection.setblocking(1)
    connection.do_handshake()
    assert connection.get_peer_certificate() is not None
    connection.close()
    assert "Traceback" not in replay.said


def test_the_address_of_arrival_is_in_the_certificate(tmp_path: Path) -> None:
    process = Peertape(tmp_path, "replay", "--listen", "0.0.0.0:0")
    try:
        wire = secured(process, trusting(process), "127.0.0.9", host="127.0.0.9")
        assert get(wire, "/api/v1/ping", f"127.0.0.9:{process.port}")[0] == 200
    finally:
        process.kill()


def test_a_client_that_does_not_trust_is_told_of_once(peertape: Callable[..., Peertape]) -> None:
    process = peertape("replay")
    strangers = ssl.create_default_context()
    for _ in range(3):
        with pytest.raises(ssl.SSLCertVerificationError):
            secured(process, strangers, "localhost")
    assert get(secured(process, trusting(process), "localhost"), "/api/v1/ping", "localhost")[0] == 200
    assert process.stop() == 0
    said = [line for line in process.said.splitlines() if "TLS" in line or "trust" in line]
    assert said == [
        f"also https://127.0.0.1:{process.port}; `peertape ca` tells how clients trust the certificate",
        "a client does not trust the certificate that peertape showed for localhost: `peertape ca` tells how it can",
    ]


def test_recording_and_relaying_over_tls(peertape: Callable[..., Peertape]) -> None:
    tube = Tube()
    tube.says("GET /api/v1/videos/1", json.dumps({"url": f"{tube.url}/w/1"}), content_type="application/json")
    try:
        for command in ("record", "proxy"):
            process = peertape(command, "--upstream", tube.url, "--public-url", tube.url)
            authority = f"localhost:{process.port}"
            with httpx.Client(http2=True, verify=trusting(process), trust_env=False) as client:
                answer = client.get(f"https://{authority}/api/v1/videos/1")
            assert answer.http_version == "HTTP/2"
            assert answer.headers["peertape-source"] == "live"
            assert answer.json() == {"url": f"https://{authority}/w/1"}
            assert process.stop() == 0, process.said
        exchanges = recorded(process.cassette, "/api/v1/videos/1", 2)
        assert {exchange.request.scheme for exchange in exchanges} == {"http"}  # by which the instance was asked
    finally:
        tube.die()


def test_the_command_is_told(peertape: Callable[..., Peertape]) -> None:
    tell = "import os, sys; print({n: v for n, v in os.environ.items() if n.startswith('PEERTAPE')}, file=sys.stderr)"
    process = peertape("replay", "--forward", "127.0.0.1:0", "--", sys.executable, "-c", tell)
    said = wait_for(lambda: next((line for line in process.said.splitlines() if line.startswith("{")), None))
    told = json.loads(said.replace("'", '"'))
    assert told["PEERTAPE_HTTPS_URL"] == f"https://127.0.0.1:{process.port}"
    assert told["PEERTAPE_PROXY"].startswith("http://127.0.0.1:")
    assert Path(told["PEERTAPE_CA"]).read_bytes().startswith(b"-----BEGIN CERTIFICATE")


def test_the_fast_lane(peertape: Callable[..., Peertape]) -> None:
    process = peertape("serve", "--tls", "--tls-host", "phone.lan", "--limits", "off")
    assert process.url == f"https://127.0.0.1:{process.port}"
    for name in ("127.0.0.1", "::1", "localhost", "10.0.2.2", "phone.lan"):
        status, body = get(secured(process, trusting(process, "http/1.1"), name), "/api/v1/ping", "localhost")
        assert (status, body) == (200, b"pong")
    authority = f"localhost:{process.port}"
    with httpx.Client(http2=True, http1=False, verify=trusting(process), trust_env=False) as client:
        answer = client.get(f"https://{authority}/api/v1/videos?count=1", headers={"Peertape-Session": "t19"})
    assert answer.http_version == "HTTP/2"
    assert answer.json()["data"][0]["url"].startswith(f"https://{authority}/")
    assert "`peertape ca` tells how" in process.said
    assert process.stop() == 0, process.said
