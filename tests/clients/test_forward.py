"""A replay as the app's HTTP proxy, in a network that has no other host and no DNS: what clients get through it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support import isolation
from support.clients import module, program
from support.process import Peertape

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter

ORIGIN = "https://tube.example"
FILM = bytes(range(256)) * 4096 * 4  # longer than mitmproxy may hold
CONFIG = json.dumps({"instance": {"name": "Tube"}, "avatar": f"{ORIGIN}/a.png"}).encode()
FETCH = """
import os, ssl, sys, httpx
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
with httpx.Client(http2=True, verify=context) as client:
    answer = client.get(sys.argv[1])
print(answer.http_version, answer.status_code, answer.headers["peertape-source"])
"""

Curl = Callable[..., subprocess.CompletedProcess[str]]


def exchange(origin: str, target: str, body: bytes, content_type: str) -> Exchange:
    scheme, _, authority = origin.partition("://")
    request = RecordedRequest("GET", target, scheme, authority, "HTTP/1.1", Headers((("Host", authority),)))
    headers = Headers((("Content-Type", content_type), ("Content-Length", str(len(body))), ("Accept-Ranges", "bytes")))
    response = RecordedResponse(200, "OK", "HTTP/1.1", headers, BytesBody(body))
    return Exchange(request, response, Timing(1.0, 1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peertape]:
    isolation.demand()
    folder = tmp_path_factory.mktemp("forward")
    writer = CassetteWriter(folder / "c.cassette", RedactionRules.default(), upstream=ORIGIN)
    writer.add(exchange(ORIGIN, "/api/v1/config", CONFIG, "application/json; charset=utf-8"))
    writer.add(exchange(ORIGIN, "/static/web-videos/film.mp4", FILM, "video/mp4"))
    for origin in ("http://plain.example", "https://files.example:8443", "https://[2001:db8::7]:9443"):
        writer.add(exchange(origin, "/file", origin.encode(), "text/plain"))
    writer.close()
    process = Peertape(
        folder,
        *("replay", "c.cassette", "--limits", "off", "--alias", "app.example"),
        *("--listen", "127.0.0.1:0", "--forward", "127.0.0.1:0"),
        prepare=isolation.alone,
    )
    yield process
    process.kill()


def surroundings(replay: Peertape) -> Mapping[str, str]:
    """What an app's environment says of the proxy."""
    host, port = replay.forward
    proxy, certificate = f"http://{host}:{port}", str(replay.folder / ".mitmproxy" / "mitmproxy-ca-cert.pem")
    names = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return names | {
        "HTTPS_PROXY": proxy,
        "http_proxy": proxy,
        "SSL_CERT_FILE": certificate,
        "REQUESTS_CA_BUNDLE": certificate,
        "CURL_CA_BUNDLE": certificate,
    }


def run(replay: Peertape, *command: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        list(map(str, command)),
        env=surroundings(replay),
        preexec_fn=isolation.beside(replay.pid),
        capture_output=True,
        timeout=60,
        check=False,
    )
    # Not as text, which Python would give other line ends.
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")
    )


@pytest.fixture
def curl(replay: Peertape) -> Curl:
    """`curl ARGUMENTS`, then the version, the status, and the status of CONNECT."""
    tell = "\n%{http_version} %{http_code} %{http_connect}"
    return lambda *arguments: run(replay, program("curl"), "-sS", "-w", tell, *arguments)


def test_there_is_no_way_out(curl: Curl) -> None:
    """What follows would prove nothing otherwise."""
    done = curl("--noproxy", "*", "https://tube.example/api/v1/config")
    assert "Could not resolve" in done.stderr
    assert curl("--noproxy", "*", "http://192.0.2.1/").returncode == 7


def test_https_and_http2(curl: Curl) -> None:
    done = curl("https://tube.example/api/v1/config")
    assert done.stdout == CONFIG.decode() + "\n2 200 200", done.stderr  # octet by octet: the Host is the recorded one


@pytest.mark.parametrize("option", ["--http1.1", "--no-alpn", "--tls-max"])
def test_older_clients(curl: Curl, option: str) -> None:
    options = (option, "1.2") if option == "--tls-max" else (option,)
    done = curl(*options, "https://tube.example/api/v1/config")
    version = "2" if option == "--tls-max" else "1.1"
    assert done.stdout == CONFIG.decode() + f"\n{version} 200 200", done.stderr


def test_a_long_body_and_a_part_of_it(curl: Curl) -> None:
    url = "https://tube.example/static/web-videos/film.mp4"
    assert curl(url).stdout == FILM.decode("latin-1") + "\n2 200 200"
    assert curl("-r", "4000000-4000009", url).stdout == FILM[4000000:4000010].decode("latin-1") + "\n2 206 200"


@pytest.mark.parametrize("origin", ["http://plain.example", "https://files.example:8443", "https://[2001:db8::7]:9443"])
def test_other_hosts_ports_and_addresses(curl: Curl, origin: str) -> None:
    done = curl(f"{origin}/file")
    assert done.stdout.startswith(f"{origin}\n"), (done.stdout, done.stderr)
    assert " 200 " in done.stdout


def test_plain_http_where_https_was_recorded(curl: Curl) -> None:
    assert curl("http://tube.example/api/v1/config").stdout == CONFIG.decode() + "\n1.1 200 000"


def test_an_address_behind_which_a_name_is_asked_for(curl: Curl) -> None:
    """As an app does that has looked the name up itself."""
    done = curl("--connect-to", "tube.example:443:192.0.2.10:443", "https://tube.example/api/v1/config")
    assert done.stdout == CONFIG.decode() + "\n2 200 200", done.stderr


def test_an_alias(curl: Curl) -> None:
    done = curl("https://app.example/api/v1/config")
    assert done.stdout == CONFIG.decode().replace("tube.example", "app.example") + "\n2 200 200", done.stderr
    plain = curl("http://app.example:8080/api/v1/config")
    assert '"http://app.example:8080/a.png"' in plain.stdout


def test_a_host_that_was_not_recorded(replay: Peertape, curl: Curl) -> None:
    done = curl("https://other.example/api/v1/config", "--include")
    assert done.returncode == 56
    assert "HTTP/1.1 502 Not recorded by peertape" in done.stdout
    assert done.stdout.endswith("000 502")
    plain = curl("http://other.example/api/v1/config")
    assert '"urn:peertape:miss"' in plain.stdout
    address = curl("https://192.0.2.10/api/v1/config")
    assert '"urn:peertape:miss"' in address.stdout
    asked = curl("--noproxy", "*", f"{replay.url}/__peertape__/unmatched").stdout.rpartition("\n")[0]
    entries = json.loads(asked)["entries"]
    assert [(entry["method"], entry["target"], entry["status"]) for entry in entries] == [
        ("CONNECT", "other.example:443", 502),
        ("GET", "/api/v1/config", 501),
        ("GET", "/api/v1/config", 501),
    ]


def test_no_http_at_all(replay: Peertape) -> None:
    """A tunnel is no way out either."""
    host, port = replay.forward
    code = f"""
import socket
tunnel = socket.create_connection(("{host}", {port}), 30)
tunnel.sendall(b"CONNECT 192.0.2.1:25 HTTP/1.1\\r\\nHost: 192.0.2.1:25\\r\\n\\r\\n")
tunnel.recv(1000)
tunnel.sendall(b"\\x00EHLO me\\r\\n")
print(tunnel.recv(1000))
"""
    assert run(replay, sys.executable, "-c", code).stdout == "b''\n"


def test_httpx_finds_its_way_by_the_environment(replay: Peertape) -> None:
    module("h2")
    done = run(replay, sys.executable, "-c", FETCH, "https://tube.example/api/v1/config")
    assert done.stdout == "HTTP/2 200 recorded; exchange=1; match=identity\n", done.stderr


def test_requests_finds_its_way_by_the_environment(replay: Peertape) -> None:
    module("requests")
    code = "import requests; print(requests.get('https://tube.example/api/v1/config').json()['avatar'])"
    done = run(replay, sys.executable, "-c", code)
    assert done.stdout == f"{ORIGIN}/a.png\n", done.stderr
