"""An instance behind a web server that compresses, recorded, replayed and away, with real clients."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Iterator
from functools import cache

import httpx
import pytest
from support import clients
from support.process import Peertape, recorded
from support.tube import Tube
from support.wire import Head, Wire, answer

from peertape.cassettes.bodies import read
from peertape.cassettes.codings import codings_of, decode, encode
from peertape.cassettes.etags import express_etag
from peertape.cassettes.store import Cassette

PLENTY = 1 << 20
TOKEN = "the-control-token"
CODINGS = ("br", "gzip", "zstd", "identity")
BIG = random.Random(1).randbytes(30_000) * 5_000  # 150 MB: more than is held in memory
VIDEOS = {coding: f"/api/v1/videos/{number}" for number, coding in enumerate(CODINGS)}
FILM = "/static/web-videos/1.mp4"


def text(origin: str) -> bytes:
    return json.dumps({"id": 1, "url": f"{origin}/w/1", "name": "soup " * 100}).encode()


@cache
def big_gzipped() -> bytes:
    return encode(BIG, ["gzip"])


@pytest.fixture
def tube() -> Iterator[Tube]:
    """Compresses as nginx does: in chunks, with the application's own ETag, for those who name the coding."""
    instance = Tube()

    def video(wire: Wire, head: Head) -> None:
        accepted = (head.get("accept-encoding") or "").replace(" ", "").split(",")
        body, coding = text(instance.url), next((name for name in CODINGS if name in accepted), "identity")
        fields = {"content_type": "application/json; charset=utf-8", "etag": express_etag(body)}
        if coding == "identity":
            wire.send(answer(body, **fields))
            return
        octets = encode(body, [coding])
        whole = answer(b"", **fields, vary="Accept-Encoding", content_encoding=coding, transfer_encoding="chunked")
        wire.send(whole.replace(b"\r\nContent-Length: 0", b""))
        for piece in (octets[:30], octets[30:]):
            wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        wire.send(b"0\r\n\r\n")

    for path in VIDEOS.values():
        instance.routes[f"GET {path}"] = video
    instance.says(f"GET {FILM}", big_gzipped(), content_type="video/mp4", content_encoding="gzip", etag='"strong"')
    yield instance
    instance.die()


def ask(app: Peertape, path: str, said: str | None, *fields: str) -> tuple[Head, bytes]:
    lines = [f"GET {path}", *fields, *([] if said is None else [f"Accept-Encoding: {said}"])]
    return app.ask("\n".join(lines))


def plain(head: Head, body: bytes) -> bytes:
    undone = decode(body, codings_of_head(head), PLENTY)
    assert undone is not None
    assert undone.whole
    return undone.octets


def codings_of_head(head: Head) -> tuple[str, ...]:
    return tuple(name for name in head.all("content-encoding"))


def test_recorded_in_one_coding_and_replayed_in_any(peertape: Callable[..., Peertape], tube: Tube) -> None:
    record = peertape("record", "--upstream", tube.url)
    for coding, path in VIDEOS.items():
        head, body = ask(record, path, coding)
        assert codings_of_head(head) == ((coding,) if coding != "identity" else ())
        assert plain(head, body) == text(record.url)
    assert record.stop() == 0
    cassette = Cassette(record.cassette)
    for coding, exchange in zip(CODINGS, cassette.exchanges(), strict=True):
        assert exchange.response is not None
        transferred = encode(text(tube.url), codings_of(exchange.response.headers))
        assert read(exchange.response.body) == transferred
        assert (transferred == text(tube.url)) == (coding == "identity")
    cassette.close()

    tube.die()
    replay = peertape("replay", record.cassette, "--limits", "off", "--strict=recorded,derived")
    wanted = text(replay.url)
    for coding, path in VIDEOS.items():
        for said in (coding, f"{coding}, deflate", "", None, "deflate, identity;q=0", "x, *;q=0"):
            head, body = ask(replay, path, said)
            assert plain(head, body) == wanted
            for etag in (head.get("etag"), express_etag(text(tube.url))):
                assert ask(replay, path, said, f"If-None-Match: {etag}")[0].status == 304
            head_only, _ = replay.ask(f"HEAD {path}" + ("" if said is None else f"\nAccept-Encoding: {said}"))
            assert head_only.get("content-encoding") == head.get("content-encoding")
            assert coding != "identity" or head.get("content-encoding") is None
        curl = clients.program("curl")
        for options in ([], ["--compressed"]):
            done = subprocess.run([curl, "-s", *options, replay.url + path], capture_output=True, check=True)
            assert done.stdout == wanted
        assert httpx.get(replay.url + path).content == wanted
    assert replay.stop() == 0


def test_a_big_body_is_decoded_as_it_is_sent(peertape: Callable[..., Peertape], tube: Tube) -> None:
    record = peertape("record", "--upstream", tube.url)
    assert ask(record, FILM, "gzip")[1] == big_gzipped()
    assert record.stop() == 0
    replay = peertape("replay", record.cassette)
    before = replay.memory_peak()
    head, body = ask(replay, FILM, "identity")
    assert (body == BIG, head.get("etag")) == (True, 'W/"strong"')
    assert head.get("peertape-source") == "derived; exchange=1; match=identity; coding=identity"
    assert ask(replay, FILM, "gzip, br")[1] == big_gzipped()
    assert ask(replay, FILM, None, 'If-None-Match: "strong"')[0].status == 304
    with httpx.stream("GET", replay.url + FILM) as response:
        assert b"".join(response.iter_bytes()) == BIG
    assert replay.memory_peak() - before < len(BIG)


def test_away_as_live(peertape: Callable[..., Peertape], tube: Tube) -> None:
    proxy = peertape("proxy", "--upstream", tube.url, environment={"PEERTAPE_TOKEN": TOKEN})
    head, body = ask(proxy, VIDEOS["br"], "br, gzip")
    assert (head.get("peertape-source"), codings_of_head(head)) == ("live", ("br",))
    assert plain(head, body) == text(proxy.url)
    recorded(proxy.cassette, VIDEOS["br"])
    proxy.control("upstream", TOKEN, {"offline": True})
    for said, source in (("br, gzip", "recorded"), ("gzip", "derived"), (None, "derived")):
        head, body = ask(proxy, VIDEOS["br"], said)
        assert plain(head, body) == text(proxy.url)
        assert (head.get("peertape-source") or "").startswith(source)
