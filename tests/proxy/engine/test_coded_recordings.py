"""Recordings of an instance behind a web server that compresses, asked for by clients that take other codings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.codings import codings_of, decode, encode
from peertape.cassettes.etags import express_etag
from peertape.proxy.engine.choice import Repeat
from peertape.proxy.engine.model import Answer

if TYPE_CHECKING:
    from .conftest import Player, Tape

PLENTY = 1 << 20
BROWSER = "gzip, deflate, br, zstd"
VIDEO = "/api/v1/videos/1"
TEXT = json.dumps({"id": 1, "name": "soup " * 50, "url": "https://tube.example/w/1"}).encode()
ETAG = express_etag(TEXT)
JSON = ("Content-Type", "application/json; charset=utf-8")

Play = Callable[..., "Player"]


def add(
    tape: Tape,
    text: bytes = TEXT,
    *codings: str,
    said: str = BROWSER,
    target: str = VIDEO,
    method: str = "GET",
    **more: Any,
) -> int:
    headers = [JSON, ("ETag", more.pop("etag", express_etag(text)))]
    headers += [("Content-Encoding", ", ".join(codings))] if codings else []
    return tape.add(
        method,
        target,
        encode(text, codings),
        headers=(("Accept-Encoding", said),) if said else (),
        response_headers=(*headers, *more.pop("headers", ())),
        **more,
    )


def saying(said: str, **more: str) -> dict[str, Any]:
    headers = [("Accept-Encoding", said)] if said else []
    return {"headers": (*headers, *((name.replace("_", "-"), value) for name, value in more.items()))}


def plain(answer: Answer) -> bytes:
    undone = decode(read(answer.body), codings_of(answer.headers), PLENTY)
    assert undone is not None
    assert undone.whole
    return undone.octets


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_to_each_what_it_takes(tape: Tape, play: Play, coding: str) -> None:
    add(tape, TEXT, coding)
    player = play(tape)
    same = player.get(VIDEO, **saying(BROWSER))
    assert (same.source_text, read(same.body)) == ("recorded; exchange=1", encode(TEXT, [coding]))
    taken = player.get(VIDEO, **saying(f"{coding};q=0.1"))
    assert (taken.source_text, read(taken.body)) == ("recorded; exchange=1; match=identity", encode(TEXT, [coding]))
    for said in ("", "identity", "deflate"):
        answer = player.get(VIDEO, **saying(said))
        assert answer.source_text == "derived; exchange=1; match=identity; coding=identity"
        assert read(answer.body) == TEXT
        assert answer.headers.get("content-length") == str(len(TEXT))


@pytest.mark.parametrize("said", ["", BROWSER, "br, identity;q=0", "*;q=0"])
def test_a_plain_peertube_compresses_nothing(tape: Tape, play: Play, said: str) -> None:
    add(tape)
    answer = play(tape).get(VIDEO, **saying(said))
    assert answer.source.value == "recorded"
    assert (read(answer.body), answer.headers.get("content-encoding")) == (TEXT, None)


def test_of_several_codings_the_one_that_is_liked_best(tape: Tape, play: Play) -> None:
    for coding in ("gzip", "br", "zstd"):
        add(tape, TEXT, coding, said=coding)
    add(tape, said="")
    player = play(tape, repeat=Repeat.FIRST)
    wanted = {"br, gzip;q=0.5": 2, "zstd;q=0.9": 3, "gzip, br;q=0.9": 1, "identity;q=0, br": 2, "deflate": 4}
    for said, exchange in wanted.items():
        assert player.get(VIDEO, **saying(said)).source_text == f"recorded; exchange={exchange}; match=identity"


def test_content_goes_before_coding(tape: Tape, play: Play) -> None:
    """A sequence plays in its order, whatever its answers were coded in."""
    add(tape, b'{"state":1}', "br")
    add(tape, b'{"state":2}', "gzip", said="gzip")
    add(tape, b'{"state":2}', "br")
    player = play(tape)
    answers = [player.get(VIDEO, **saying("gzip, deflate")) for _ in range(3)]
    assert [json.loads(plain(answer))["state"] for answer in answers] == [1, 2, 2]
    assert [answer.source.value for answer in answers] == ["derived", "recorded", "recorded"]
    assert [codings_of(answer.headers) for answer in answers] == [(), ("gzip",), ("gzip",)]


@pytest.mark.parametrize("etag", [ETAG, '"5f-61"'])
def test_conditions_hold_in_either_form_of_the_etag(tape: Tape, play: Play, etag: str) -> None:
    add(tape, TEXT, "br", etag=etag)
    player = play(tape)
    for said in ("", "br"):
        given = player.get(VIDEO, **saying(said)).headers.get("etag") or ""
        for known in (etag, given):
            answer = player.get(VIDEO, **saying(said, If_None_Match=known))
            assert (answer.status, answer.body.size) == (304, 0)
            assert "content-encoding" not in answer.headers
        assert player.get(VIDEO, **saying(said, If_None_Match='"other"')).status == 200


def test_a_head_tells_what_a_get_would(tape: Tape, play: Play) -> None:
    add(tape, TEXT, "br")
    player = play(tape)
    for said in ("", "br", "identity;q=0, gzip"):
        head, get = player.ask("HEAD", VIDEO, **saying(said)), player.get(VIDEO, **saying(said))
        assert head.body.size == 0
        for name in ("content-length", "content-encoding", "vary", "etag"):
            assert head.headers.get(name) == get.headers.get(name)


def test_links_lead_to_the_client_in_every_coding(tape: Tape, play: Play) -> None:
    add(tape, TEXT, "br")
    player = play(tape, public_url="https://tube.example")
    there = TEXT.replace(b"https://tube.example", b"http://127.0.0.1:8990")
    for said, codings in (("br", ("br",)), ("", ()), ("gzip, identity;q=0", ("gzip",))):
        answer = player.get(VIDEO, host="127.0.0.1:8990", **saying(said))
        assert codings_of(answer.headers) == codings
        assert plain(answer) == there
        assert answer.headers.get("etag") == express_etag(there)
        assert answer.headers.get("content-length") == str(answer.body.size)
        for known in (ETAG, express_etag(there)):
            again = player.get(VIDEO, host="127.0.0.1:8990", **saying(said, If_None_Match=known))
            assert again.status == 304


def test_ranges_are_cut_from_what_the_client_gets(tape: Tape, play: Play) -> None:
    add(tape, TEXT, "gzip", headers=(("Accept-Ranges", "bytes"),))
    player = play(tape)
    answer = player.get(VIDEO, **saying("", Range="bytes=5-14"))
    assert (answer.status, read(answer.body)) == (206, TEXT[5:15])
    assert answer.headers.get("content-range") == f"bytes 5-14/{len(TEXT)}"
    octets = encode(TEXT, ["gzip"])
    answer = player.get(VIDEO, **saying("gzip", Range="bytes=5-14"))
    assert (answer.status, read(answer.body)) == (206, octets[5:15])
    assert answer.headers.get("content-encoding") == "gzip"


def part(tape: Tape, first: int, last: int, *codings: str, said: str = BROWSER) -> None:
    octets = encode(TEXT, codings)
    headers = [JSON, ("ETag", '"1"'), ("Accept-Ranges", "bytes")]
    headers += [("Content-Range", f"bytes {first}-{last}/{len(octets)}")]
    headers += [("Content-Encoding", ", ".join(codings))] if codings else []
    tape.add(
        "GET",
        VIDEO,
        octets[first : last + 1],
        206,
        headers=(("Accept-Encoding", said), ("Range", f"bytes={first}-{last}")),
        response_headers=tuple(headers),
    )


def test_a_part_of_a_coded_body_is_no_use_to_who_does_not_take_it(tape: Tape, play: Play) -> None:
    part(tape, 0, 9, "gzip")
    player = play(tape)
    taken = player.get(VIDEO, **saying("gzip", Range="bytes=0-9"))
    assert (taken.status, taken.source_text) == (206, "recorded; exchange=1; match=identity")
    missed = player.get(VIDEO, **saying("identity", Range="bytes=0-9"))
    assert missed.status == 501
    assert missed.nearest[0].differences == (
        "header accept-encoding: asked 'identity'; a part of a body in gzip cannot be decoded",
    )


def test_parts_that_are_the_whole_coded_body_can_be_decoded(tape: Tape, play: Play) -> None:
    size = len(encode(TEXT, ["gzip"]))
    part(tape, 0, 39, "gzip")
    part(tape, 40, size - 1, "gzip")
    player = play(tape)
    answer = player.get(VIDEO, **saying("", Range="bytes=5-14"))
    assert (answer.status, read(answer.body)) == (206, TEXT[5:15])
    assert answer.source_text == "derived; exchange=2; match=tolerant; derived=parts; coding=identity; derived=range"
    assert read(player.get(VIDEO, **saying("gzip")).body) == encode(TEXT, ["gzip"])


def test_parts_of_different_codings_are_never_joined(tape: Tape, play: Play) -> None:
    part(tape, 0, 99)
    part(tape, 20, 39, "gzip")
    player = play(tape)
    identity = player.get(VIDEO, **saying("", Range="bytes=10-29"))
    assert (identity.status, read(identity.body)) == (206, TEXT[10:30])
    coded = player.get(VIDEO, **saying("gzip, identity;q=0.1", Range="bytes=30-35"))
    assert read(coded.body) == encode(TEXT, ["gzip"])[30:36]


def test_windows_of_coded_lists(tape: Tape, play: Play) -> None:
    page = json.dumps({"total": 3, "data": [{"id": 1}, {"id": 2}, {"id": 3}]}, separators=(",", ":")).encode()
    add(tape, page, "br", target="/api/v1/videos?start=0&count=10")
    player = play(tape)
    for said in ("", "br"):
        answer = player.get("/api/v1/videos?start=1&count=1", **saying(said))
        assert read(answer.body) == b'{"total":3,"data":[{"id":2}]}'
        assert answer.source_text == "derived; exchange=1; match=tolerant; coding=identity; derived=window"
        assert answer.headers.get("etag") == express_etag(read(answer.body))
        assert "content-encoding" not in answer.headers


def test_a_recorded_head_of_a_coded_body(tape: Tape, play: Play) -> None:
    add(tape, b"", "gzip", method="HEAD")
    answer = play(tape).ask("HEAD", VIDEO, **saying(""))
    assert answer.source_text == "derived; exchange=1; match=identity; coding=identity"
    assert "content-encoding" not in answer.headers


def test_refusals_are_decoded_too(tape: Tape, play: Play) -> None:
    add(tape, b'{"error":"no"}', "br", target="/api/v1/videos/404", status=404)
    answer = play(tape).get("/api/v1/videos/404", **saying(""))
    assert (answer.status, read(answer.body)) == (404, b'{"error":"no"}')
