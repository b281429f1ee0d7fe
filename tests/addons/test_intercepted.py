"""peertape as the app's HTTP proxy: into what it looks, what passes by, and what a replay answers.

Hosts are told apart by name, so each one here has an address of its own in 127.0.0.0/8.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from support.certificates import server_context
from support.process import PROGRAM, Peertape, recorded
from support.tube import Tube
from support.wire import Instance, Wire, answer

from peertape.cassettes.bodies import read
from peertape.cassettes.store import Cassette

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux listens on all of 127.0.0.0/8")


@dataclass(frozen=True)
class Hosts:
    main: Instance
    allowed: Instance
    storage: Instance
    mirror: Instance
    other: Instance


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    tls = server_context(tmp_path, *(f"127.0.0.{n}" for n in (1, 2, 3)))
    with ExitStack() as stack:
        found = Hosts(
            Instance("127.0.0.1", tls),
            Instance("127.0.0.2", tls),
            Instance("127.0.0.3", tls),
            Instance("127.0.0.4"),
            Instance("127.0.0.5"),
        )
        for instance in (found.main, found.allowed, found.storage, found.mirror, found.other):
            stack.callback(instance.close)
        yield found


def tunnel(app: Peertape, instance: Instance) -> tuple[int, Wire]:
    wire = app.connect(forward=True)
    wire.send(f"CONNECT {instance.authority} HTTP/1.1\r\nHost: {instance.authority}\r\n\r\n")
    return wire.head().status, wire


def secured(app: Peertape, instance: Instance) -> Wire:
    """A TLS connection through the proxy, whose certificate authority the app trusts."""
    status, wire = tunnel(app, instance)
    assert status == 200
    context = ssl.create_default_context(cafile=app.folder / ".mitmproxy" / "mitmproxy-ca-cert.pem")
    plain = wire.socket
    wire.socket = context.wrap_socket(plain, server_hostname=instance.host)
    return wire


def get(wire: Wire, instance: Instance, path: str, *, absolute: bool = False) -> None:
    target = f"{instance.url}{path}" if absolute else path
    wire.send(f"GET {target} HTTP/1.1\r\nHost: {instance.authority}\r\n\r\n")


def serve(instance: Instance, path: str, body: str, content_type: str) -> None:
    server = instance.accept()
    head = server.head()
    assert head.target == path
    assert head.get("host") == instance.authority
    server.send(answer(body, content_type=content_type))


def test_what_is_recorded_and_replayed(peertape, hosts: Hosts) -> None:
    forward = ("--forward", "127.0.0.1:0")
    app = peertape("record", "--upstream", hosts.main.url, "--insecure", "--allow-host", hosts.allowed.host, *forward)

    main = secured(app, hosts.main)
    get(main, hosts.main, "/api/v1/videos/1")
    files = [{"fileUrl": f"{hosts.storage.url}/film.mp4"}]
    named = {"files": files, "streamingPlaylists": [{"playlistUrl": f"{hosts.mirror.url}/master.m3u8"}]}
    serve(hosts.main, "/api/v1/videos/1", json.dumps(named), "application/json")
    assert json.loads(main.message()[1]) == named  # links are the real ones: the app names the hosts itself

    for instance, path in ((hosts.allowed, "/allowed"), (hosts.storage, "/film.mp4")):
        wire = secured(app, instance)
        get(wire, instance, path)
        serve(instance, path, path, "video/mp4")
        assert wire.message()[1] == path.encode()

    plain = app.connect(forward=True)
    get(plain, hosts.mirror, "/master.m3u8", absolute=True)
    serve(hosts.mirror, "/master.m3u8", "#EXTM3U", "application/vnd.apple.mpegurl")
    assert plain.message()[1] == b"#EXTM3U"

    status, untouched = tunnel(app, hosts.other)
    assert status == 200
    untouched.send(b"\x00no HTTP at all")
    server = hosts.other.accept()
    assert server.exactly(15) == b"\x00no HTTP at all"
    server.send(b"\x01indeed")
    assert untouched.exactly(7) == b"\x01indeed"

    elsewhere = app.connect(forward=True)
    get(elsewhere, hosts.other, "/elsewhere", absolute=True)
    serve(hosts.other, "/elsewhere", "x", "video/mp4")
    assert elsewhere.message()[1] == b"x"
    assert app.stop() == 0, app.said

    cassette = Cassette(app.cassette)
    try:
        seen = [(candidate.authority, candidate.target) for candidate in cassette.candidates()]
        assert set(cassette.meta()["named_origins"].split()) == {hosts.storage.url, hosts.mirror.url}
    finally:
        cassette.close()
    assert seen == [
        (hosts.main.authority, "/api/v1/videos/1"),
        (hosts.allowed.authority, "/allowed"),
        (hosts.storage.authority, "/film.mp4"),
        (hosts.mirror.authority, "/master.m3u8"),
    ]
    (film,) = recorded(app.cassette, "/film.mp4")
    assert film.request.scheme == "https"
    assert film.client_host is None
    assert film.response is not None
    assert read(film.response.body) == b"/film.mp4"

    for instance in (hosts.main, hosts.allowed, hosts.storage, hosts.mirror, hosts.other):
        instance.forget()
    replay = peertape("replay", app.cassette, *forward)
    for instance, path in ((hosts.main, "/api/v1/videos/1"), (hosts.allowed, "/allowed"), (hosts.storage, "/film.mp4")):
        wire = secured(replay, instance)
        get(wire, instance, path)
        head, _ = wire.message()
        assert (head.status, (head.get("peertape-source") or "")[:8]) == (200, "recorded")
    plain = replay.connect(forward=True)
    get(plain, hosts.mirror, "/master.m3u8", absolute=True)
    assert plain.message()[1] == b"#EXTM3U"
    elsewhere = replay.connect(forward=True)
    get(elsewhere, hosts.other, "/master.m3u8", absolute=True)  # another host's path
    assert elsewhere.message()[0].status == 501
    unknown = secured(replay, hosts.other)  # behind an address any host may be: the request tells
    get(unknown, hosts.other, "/master.m3u8")
    assert unknown.message()[0].status == 501
    assert replay.ask("GET /api/v1/videos/1")[0].status == 200  # the other way in
    for instance in (hosts.main, hosts.allowed, hosts.storage, hosts.mirror, hosts.other):
        assert instance.untouched()


def test_what_was_named_in_an_earlier_run(peertape, hosts: Hosts) -> None:
    arguments = ("record", "--upstream", hosts.main.url, "--insecure", "--forward", "127.0.0.1:0")
    app = peertape(*arguments)
    main = secured(app, hosts.main)
    get(main, hosts.main, "/api/v1/videos/1")
    body = json.dumps({"torrentUrl": f"{hosts.storage.url}/1.torrent"})
    serve(hosts.main, "/api/v1/videos/1", body, "application/json")
    main.message()
    assert app.stop() == 0, app.said
    app = peertape(*arguments)
    wire = secured(app, hosts.storage)
    get(wire, hosts.storage, "/film.mp4")
    serve(hosts.storage, "/film.mp4", "film", "video/mp4")
    assert wire.message()[1] == b"film"
    assert recorded(app.cassette, "/film.mp4")


def test_the_instances_certificate(peertape, tmp_path: Path) -> None:
    """Verified unless the user says otherwise; what is wrong is said once, and how to go on."""
    tube = Tube(server_context(tmp_path, "127.0.0.1"))  # its certificate is in instance.pem
    tube.says("GET /api/v1/config", "{}", content_type="application/json")
    try:
        arguments = ("--upstream", tube.url, "--forward", "127.0.0.1:0", "--cassette")
        app = peertape("record", *arguments, "refused.cassette")
        for _ in range(2):
            assert app.ask("GET /api/v1/config")[0].status == 502
        assert app.stop() == 0
        assert [line for line in app.said.splitlines() if "certificate of" in line or "handshake" in line] == [
            "the certificate of 127.0.0.1 is refused: self-signed certificate; "
            "--upstream-ca FILE names an authority of your own, --insecure does not check"
        ]
        for command in ("record", "proxy"):
            app = peertape(command, *arguments, f"{command}.cassette", "--upstream-ca", tmp_path / "instance.pem")
            assert app.ask("GET /api/v1/config")[0].get("peertape-source") == "live"
            host, port = app.forward
            context = ssl.create_default_context(cafile=app.folder / ".mitmproxy" / "mitmproxy-ca-cert.pem")
            proxy = f"http://{host}:{port}"
            with httpx.Client(http2=True, verify=context, proxy=proxy, trust_env=False) as client:
                answer = client.get(f"{tube.url}/api/v1/config")
            assert (answer.http_version, answer.headers["peertape-source"]) == ("HTTP/2", "live")
            assert app.stop() == 0
        assert {head.start.split(" ")[2] for head in tube.asked} == {"HTTP/1.1"}  # all that this instance speaks
    finally:
        tube.die()


def test_an_authority_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "nothing.pem").write_text("nothing")
    for name, reason in (("nothing.pem", "holds no certificate in PEM"), ("absent.pem", "No such file")):
        done = subprocess.run(
            [PROGRAM, "record", "--upstream", "https://tube.example", "--upstream-ca", name],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert reason in done.stderr
