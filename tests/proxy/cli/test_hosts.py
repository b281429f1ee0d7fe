"""Files on other hosts in reverse mode: recorded and replayed under their own hosts, and asked of no others."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from support.certificates import server_context
from support.process import Peertape, recorded
from support.tube import Tube
from support.wire import Head, Instance, Wire, answer

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.etags import express_etag
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

FAR = "http://192.0.2.1"  # nobody's (RFC 5737)
JSON = "application/json"
HLS = "application/vnd.apple.mpegurl"
VIDEO = "/api/v1/videos/1"
CREDENTIALS = "\n".join(
    (
        "Authorization: Bearer of-the-instance",
        "Cookie: session=of-the-instance",
        "x-peertube-video-password: of-the-instance",
        "Referer: http://127.0.0.1/w/of-the-instance",
        "Peertape-Session: of-the-instance",
        "X-Custom: of-the-instance",
        "Range: bytes=0-3",
        "Origin: http://app.example",
    )
)


@dataclass(frozen=True)
class World:
    """An instance, the host of its files (by TLS), and a third that nobody names."""

    tube: Tube
    files: Tube
    other: Instance

    bodies: dict[str, bytes]

    @property
    def film(self) -> str:
        """Where links of the instance lead."""
        return f"/__peertape__/host/https/{self.files.authority}/film.mp4"

    def body(self, path: str) -> bytes:
        """What the instance says there."""
        return self.bodies[path]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        found = World(Tube(), Tube(server_context(tmp_path, "127.0.0.1")), Instance(), {})
        for tube in (found.tube, found.files):
            stack.callback(tube.die)
        stack.callback(found.other.close)
        video = {
            "isLocal": False,
            "url": f"{found.files.url}/w/1",
            "fileUrl": f"{found.files.url}/film.mp4",
            "playlistUrl": f"{found.files.url}/hls/master.m3u8",
        }
        text = json.dumps(video)
        found.bodies[VIDEO] = text.encode()
        found.tube.says(f"GET {VIDEO}", text, content_type=JSON, etag=express_etag(text.encode()))
        found.tube.says("GET /download/1.mp4", "", "302 Found", location=f"{found.files.url}/signed.mp4?sig=1")
        found.tube.says("POST /api/v1/videos/imports", "{}", content_type=JSON)
        for name in ("film", "signed"):
            found.files.says(f"GET /{name}.mp4", f"{name} octets", content_type="video/mp4", set_cookie="a=b")
        found.files.says("GET /hls/master.m3u8", "#EXTM3U\n360.m3u8\n/root.m3u8\n", content_type=HLS)
        found.files.says("GET /hls/360.m3u8", "#EXTM3U\n", content_type=HLS)
        found.files.says("GET /root.m3u8", "#EXTM3U\n# root\n", content_type=HLS)
        yield found


def get(app: Peertape, url: str, *fields: str) -> tuple[Head, bytes]:
    """`url` as a link leads there: to the origin by which the app reaches us."""
    parts = urlsplit(url)
    assert not parts.netloc or parts.netloc == f"{app.host}:{app.port}"
    query = f"?{parts.query}" if parts.query else ""
    return app.ask("\n".join((f"GET {parts.path}{query}", *fields)))


def watch(app: Peertape) -> dict[str, bytes]:
    """What an app sees that plays the video: by link, the links being those of the answers."""
    seen: dict[str, bytes] = {}
    video = json.loads(get(app, VIDEO)[1])
    seen[video["url"]] = b""
    seen["film"] = get(app, video["fileUrl"])[1]
    master = video["playlistUrl"]
    relative, rooted = get(app, master)[1].decode().splitlines()[1:]
    seen["relative"] = get(app, f"{master.rpartition('/')[0]}/{relative}")[1]
    seen["rooted"] = get(app, rooted)[1]
    head, _ = get(app, "/download/1.mp4")
    seen["redirected"] = get(app, head.get("location") or "")[1]
    return seen


def test_recorded_replayed_and_away(peertape: Callable[..., Peertape], world: World) -> None:
    app = peertape("record", "--upstream", world.tube.url, "--insecure")
    unnamed = app.ask(f"GET {world.film}")[0]
    assert unnamed.status == 403
    seen = watch(app)
    assert seen == {
        f"{world.files.url}/w/1": b"",  # a page of the other instance stays its page
        "film": b"film octets",
        "relative": b"#EXTM3U\n",
        "rooted": b"#EXTM3U\n# root\n",
        "redirected": b"signed octets",
    }
    head, _ = app.ask(f"GET {world.film}\n{CREDENTIALS}")
    assert head.get("set-cookie") is None
    assert (head.get("content-security-policy"), head.get("peertape-source")) == ("sandbox", "live")
    told = world.files.heads("/film.mp4")[-1]
    assert {name.lower() for name, _ in told.headers} == {"host", "connection", "range", "origin"}
    assert told.get("host") == world.files.authority
    assert app.stop() == 0, app.said

    (film, _) = recorded(app.cassette, "/film.mp4", 2)
    assert (film.request.scheme, film.request.authority) == ("https", world.files.authority)
    assert film.client_host == f"{app.host}:{app.port}"
    assert film.response is not None
    assert read(film.response.body) == b"film octets"
    assert "set-cookie" in film.response.headers
    (master,) = recorded(app.cassette, "/hls/master.m3u8")
    assert master.response is not None
    assert read(master.response.body) == b"#EXTM3U\n360.m3u8\n/root.m3u8\n"  # what was transferred

    asked = len(world.files.asked)
    proxy = peertape("proxy", "--upstream", world.tube.url, "--insecure")
    assert watch(proxy) == seen
    assert len(world.files.asked) == asked + 5
    world.files.die()
    assert watch(proxy) == seen
    assert get(proxy, VIDEO)[0].get("peertape-source") == "live"
    assert (proxy.ask(f"GET {world.film}")[0].get("peertape-source") or "").startswith("recorded")
    assert proxy.stop() == 0, proxy.said
    world.tube.die()

    replay = peertape("replay", app.cassette, "--forward", "127.0.0.1:0")
    assert watch(replay) == seen
    wire = replay.connect(forward=True)
    authority = world.tube.authority
    wire.send(f"GET http://{authority}{VIDEO} HTTP/1.1\r\nHost: {authority}\r\n\r\n")
    assert json.loads(wire.message()[1])["fileUrl"] == f"{world.files.url}/film.mp4"
    for scheme in ("http", "https"):
        assert replay.ask(f"GET /__peertape__/host/{scheme}/{world.other.authority}/")[0].status == 403
    assert world.other.untouched()


def test_nobody_else_is_asked(peertape: Callable[..., Peertape], world: World) -> None:
    """Whatever a page in the user's browser tries: no connection is opened."""
    port = world.other.port
    targets = [
        f"http/127.0.0.1:{port}/",
        f"https/127.0.0.1:{port}/",
        f"http/localhost:{port}/",
        f"http/[::1]:{port}/",
        f"http/{world.files.authority}@127.0.0.1:{port}/",
        f"https/{world.files.authority}/../../http/127.0.0.1:{port}/",
        f"http/{world.files.authority}%2f@127.0.0.1:{port}/",
        f"HTTP/127.0.0.1:{port}/",
        f"http//127.0.0.1:{port}/",
        f"http/127.1:{port}/",
        f"http/2130706433:{port}/",
    ]
    for command in ("record", "proxy"):
        app = peertape(command, "--upstream", world.tube.url, "--insecure")
        get(app, VIDEO)  # names the other host
        for target in targets:
            head, body = app.ask(f"GET /__peertape__/host/{target}")
            if "/../" in target:
                assert head.status == 404  # the named host's own answer
                continue
            assert (head.status, json.loads(body)["type"]) == (403, "urn:peertape:host"), target
            assert head.get("access-control-allow-origin") == "*"
        head, _ = app.ask(f"POST {world.film}", b"x")
        assert head.status == 405
        assert app.ask("GET /__peertape__/health")[0].status == 200
        assert app.stop() == 0, app.said
    assert world.other.untouched()
    assert {head.start.partition(" ")[0] for head in world.files.asked} == {"GET"}


def test_addresses_that_are_not_for_others_to_name(
    peertape: Callable[..., Peertape], world: World, tmp_path: Path
) -> None:
    """The instance is far away: what it names on this machine is not asked, unless the user says so."""
    link = f"/__peertape__/host/http/{world.other.authority}/film.mp4"
    cassette = far_cassette(tmp_path, f"{world.other.url}/film.mp4")
    for command in ("record", "proxy"):
        app = peertape(command, "--upstream", FAR, "--cassette", cassette)
        head, body = app.ask(f"GET {link}")
        assert (head.status, json.loads(body)["type"]) == (403, "urn:peertape:host")
        assert "--allow-host 127.0.0.1" in json.loads(body)["detail"]
        assert world.other.untouched()
        app.stop()
        app = peertape(command, "--upstream", FAR, "--cassette", cassette, "--allow-host", "127.0.0.1")
        wire = app.connect()
        wire.send(f"GET {link} HTTP/1.1\r\nHost: {app.host}:{app.port}\r\n\r\n")
        server = world.other.accept()
        assert server.head().target == "/film.mp4"
        server.send(answer("octets"))
        assert wire.message()[1] == b"octets"
        app.stop()
        world.other.forget()


def far_cassette(folder: Path, file_url: str) -> Path:
    """Of an instance far away, which names a file."""
    path = folder / "far.cassette"
    writer = CassetteWriter(path, RedactionRules.default(), upstream=FAR)
    asked = RecordedRequest("GET", VIDEO, "http", urlsplit(FAR).netloc, "HTTP/1.1", Headers())
    body = BytesBody(json.dumps({"fileUrl": file_url}).encode())
    told = RecordedResponse(200, "OK", "HTTP/1.1", Headers((("Content-Type", "application/json"),)), body)
    writer.add(Exchange(asked, told, Timing(1000.0, 1000.0, 1000.0, 1000.0)))
    writer.close()
    return path


def test_conditional_requests_know_both_forms(peertape: Callable[..., Peertape], world: World) -> None:
    """The instance, too, is asked in its own terms."""
    app = peertape("record", "--upstream", world.tube.url, "--insecure")
    head, body = get(app, VIDEO)
    ours, theirs = head.get("etag"), express_etag(world.body(VIDEO))
    assert ours == express_etag(body) != theirs
    assert head.get("content-length") == str(len(body))
    app.stop()
    for command in ("record", "proxy"):
        app = peertape(command, "--upstream", world.tube.url, "--insecure", "--cassette", "other.cassette")
        tag = get(app, VIDEO)[0].get("etag")
        for known in (tag, theirs):
            get(app, VIDEO, f"If-None-Match: {known}")
            assert world.tube.heads(VIDEO)[-1].get("if-none-match") == theirs
        app.stop()
    replay = peertape("replay", "peertape.cassette")
    head, body = get(replay, VIDEO)
    for tag in (head.get("etag"), theirs):
        assert get(replay, VIDEO, f"If-None-Match: {tag}")[0].status == 304


def test_links_lead_to_the_origin_by_which_the_app_came(peertape: Callable[..., Peertape], world: World) -> None:
    app = peertape("record", "--upstream", world.tube.url, "--insecure")

    def ask(of: Peertape, path: str, host: str) -> bytes:
        wire = of.connect()
        wire.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
        return wire.message()[1]

    def look(of: Peertape) -> None:
        host = f"t17.localhost:{of.port}"
        origin = f"http://{host}/__peertape__/host/https/{world.files.authority}"
        assert json.loads(ask(of, VIDEO, host))["fileUrl"] == f"{origin}/film.mp4"
        playlist = ask(of, f"/__peertape__/host/https/{world.files.authority}/hls/master.m3u8", host)
        assert playlist.decode().splitlines()[2] == f"{origin}/root.m3u8"
        # With the recorded Host all is as it was, octet by octet.
        assert ask(of, VIDEO, world.tube.authority) == world.body(VIDEO)
        summary = json.loads(ask(of, "/__peertape__/summary", host))
        assert (summary["session"], summary["answers"]) == ("t17", 2)

    look(app)
    app.stop()
    look(peertape("replay", app.cassette))


def test_links_that_are_handed_back(peertape: Callable[..., Peertape], world: World) -> None:
    app = peertape("record", "--upstream", world.tube.url, "--insecure")
    link = json.loads(get(app, VIDEO)[1])["fileUrl"]
    request = "POST /api/v1/videos/imports\nContent-Type: application/json"
    seen: list[bytes] = []

    def note(wire: Wire, head: Head) -> None:
        seen.append(wire.body(head))
        wire.send(answer("{}", content_type=JSON))

    world.tube.routes["POST /api/v1/videos/imports"] = note
    assert app.ask(request, json.dumps({"targetUrl": link}).encode())[0].status == 200
    assert [json.loads(body) for body in seen] == [{"targetUrl": f"{world.files.url}/film.mp4"}]
    world.tube.says("GET /api/v1/search/videos", "[]", content_type=JSON)
    app.ask(f"GET /api/v1/search/videos?search={quote(link, safe='')}")
    assert (
        world.tube.asked[-1].target == f"/api/v1/search/videos?search={quote(world.files.url + '/film.mp4', safe='')}"
    )
    app.stop()
    replay = peertape("replay", app.cassette, "--limits", "off")
    link = json.loads(get(replay, VIDEO)[1])["fileUrl"]
    for asked, body in (
        (request, json.dumps({"targetUrl": link}).encode()),
        (f"GET /api/v1/search/videos?search={quote(link, safe='')}", b""),
    ):
        assert (replay.ask(asked, body)[0].get("peertape-source") or "").startswith("recorded; exchange=")


@pytest.mark.parametrize("command", ["record", "proxy"])
def test_the_socket_of_a_tracker(peertape: Callable[..., Peertape], world: World, command: str) -> None:
    tracker = Tube()

    def socket(wire: Wire, _: Head) -> None:
        wire.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05hello"
        )
        wire.rest()

    def hear(of: Peertape) -> None:
        (link,) = json.loads(get(of, VIDEO)[1])["trackerUrls"]
        path = f"/__peertape__/host/http/{tracker.authority}/tracker/socket"
        assert link == f"ws://{of.host}:{of.port}{path}"
        wire = of.connect()
        wire.send(
            f"GET {path} HTTP/1.1\r\nHost: {of.host}:{of.port}\r\nCookie: x=y\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert wire.head().status == 101
        assert wire.exactly(7) == b"\x81\x05hello"
        wire.close()

    tracker.routes["GET /tracker/socket"] = socket
    named = json.dumps({"trackerUrls": [f"ws://{tracker.authority}/tracker/socket"]})
    world.tube.says(f"GET {VIDEO}", named, content_type=JSON)
    try:
        app = peertape(command, "--upstream", world.tube.url)
        hear(app)
        assert tracker.asked[-1].get("cookie") is None
        (heard,) = recorded(app.cassette, "/tracker/socket")
        assert (heard.request.authority, len(heard.messages)) == (tracker.authority, 1)
        assert app.stop() == 0, app.said
    finally:
        tracker.die()
    hear(peertape("replay", app.cassette))


def test_faults_strike_there_too(peertape: Callable[..., Peertape], world: World) -> None:
    app = peertape("proxy", "--upstream", world.tube.url, "--insecure", "--fault", "503*1@GET /film.mp4")
    get(app, VIDEO)
    head, _ = app.ask(f"GET {world.film}")
    assert (head.status, world.files.heads("/film.mp4")) == (503, [])
    assert app.ask(f"GET {world.film}")[1] == b"film octets"
    app.stop()
    replay = peertape("replay", app.cassette, "--fault", "cut-body@GET /film.mp4")
    get(replay, VIDEO)
    wire = replay.connect()
    wire.send(f"GET {world.film} HTTP/1.1\r\nHost: {replay.host}:{replay.port}\r\n\r\n")
    assert wire.head().get("content-length") == "11"
    assert wire.rest() == b"film "


def test_hosts_are_named_by_what_is_not_recorded_too(peertape: Callable[..., Peertape], world: World) -> None:
    app = peertape("record", "--upstream", world.tube.url, "--insecure", "--skip", "/api/**")
    assert app.ask(f"GET {world.film}")[0].status == 403
    assert get(app, json.loads(get(app, VIDEO)[1])["fileUrl"])[1] == b"film octets"
    assert app.stop() == 0, app.said
    with closing(Cassette(app.cassette)) as cassette:
        assert [candidate.target for candidate in cassette.candidates()] == ["/film.mp4"]


def test_many_at_once(peertape: Callable[..., Peertape], world: World) -> None:
    """Big files and small ones, each whole, and nothing of one in another."""
    files = {f"/big-{n}.mp4": bytes([n]) * (3_000_000 + n) for n in range(6)}
    for path, octets in files.items():
        world.files.says(f"GET {path}", octets, content_type="video/mp4")
    for command, options in (("record", ()), ("proxy", ()), ("replay", ("--limits", "off"))):
        upstream = () if command == "replay" else ("--upstream", world.tube.url, "--insecure")
        app = peertape(command, *upstream, *options, *(("peertape.cassette",) if command == "replay" else ()))
        get(app, VIDEO)
        wires = {path: app.connect() for path in files}
        for path, wire in wires.items():
            link = world.film.replace("/film.mp4", path)
            wire.send(f"GET {link} HTTP/1.1\r\nHost: {app.host}:{app.port}\r\n\r\n")
        for path, wire in wires.items():
            assert wire.message()[1] == files[path]
        assert app.stop() == 0, app.said
        if command == "proxy":
            world.files.die()


def test_a_host_that_is_away_while_recording(peertape: Callable[..., Peertape], world: World) -> None:
    app = peertape("record", "--upstream", world.tube.url, "--insecure")
    get(app, VIDEO)
    world.files.die()
    head, body = app.ask(f"GET {world.film}")
    assert (head.status, json.loads(body)["type"]) == (502, "urn:peertape:host")
    assert app.stop() == 0, app.said
    (failed,) = recorded(app.cassette, "/film.mp4")
    assert (failed.state, failed.response) == ("failed", None)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux listens on all of 127.0.0.0/8")
def test_recorded_by_the_forward_proxy(peertape: Callable[..., Peertape]) -> None:
    """What was recorded in one mode plays in the other."""
    tube, files = Instance("127.0.0.1"), Instance("127.0.0.2")
    try:
        app = peertape("record", "--upstream", tube.url, "--forward", "127.0.0.1:0")
        for instance, path, body, kind in (
            (tube, VIDEO, json.dumps({"fileUrl": f"{files.url}/film.mp4"}), JSON),
            (files, "/film.mp4", "octets", "video/mp4"),
        ):
            wire = app.connect(forward=True)
            wire.send(f"GET {instance.url}{path} HTTP/1.1\r\nHost: {instance.authority}\r\n\r\n")
            server = instance.accept()
            server.head()
            server.send(answer(body, content_type=kind))
            assert wire.message()[1] == body.encode()
        app.stop()
        replay = peertape("replay", app.cassette)
        link = json.loads(get(replay, VIDEO)[1])["fileUrl"]
        assert get(replay, link)[1] == b"octets"
    finally:
        tube.close()
        files.close()
