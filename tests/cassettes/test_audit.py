"""The audit looks wherever redaction would, and only there."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import samples

from peertape.cassettes.audit import Auditor, Finding, Kind, Needles, search_bodies, search_files, search_tables
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, Message
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.sqlite.place import FilePlace
from peertape.cassettes.store import Cassette

SECRET = "Kq7wZ1xY9vB3nM5tL8rD2sF6gH4jP0aE"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def cassette(tmp_path: Path) -> Iterator[Cassette]:
    opened = Cassette(samples.record(tmp_path / "small.cassette"))
    yield opened
    opened.close()


@pytest.fixture
def auditor(cassette: Cassette) -> Auditor:
    return Auditor(cassette, RedactionRules.default())


def sent(target: str = "/", headers: Mapping[str, str] | None = None, body: bytes = b"") -> Exchange:
    return samples.made(1, "POST", target, 200, request_headers=headers, request_body=body)


def answered(body: bytes, headers: Mapping[str, str]) -> Exchange:
    return samples.made(1, "GET", "/", 200, body, headers)


def multipart(name: str, value: str) -> Exchange:
    body = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--b--\r\n'.encode()
    return sent(headers={"Content-Type": "multipart/form-data; boundary=b"}, body=body)


EXPOSING = {
    "target": sent(f"/feeds/a.xml?token={SECRET}"),
    "request header Cookie": sent(headers={"Cookie": f"session={SECRET}"}),
    "request header Authorization": sent(headers={"Authorization": f"Bearer {SECRET}"}),
    "request header x-peertube-video-password": sent(headers={"x-peertube-video-password": SECRET}),
    "request header Referer": sent(headers={"Referer": f"https://tube.example/?videoFileToken={SECRET}"}),
    "response header Set-Cookie": answered(b"", {"Set-Cookie": f"a={SECRET}; Path=/"}),
    "request body": sent(headers=FORM, body=f"username=a&password={SECRET}".encode()),
    "response body": answered(json.dumps({"data": [{"streamKey": SECRET}]}).encode(), JSON),
}


@pytest.mark.parametrize("place", EXPOSING)
def test_every_position(auditor: Auditor, place: str) -> None:
    assert auditor.exposed(EXPOSING[place]) == [Finding(Kind.EXPOSED, f"exchange 0, {place}", SECRET)]


def test_bodies_are_decoded(auditor: Auditor) -> None:
    body = gzip.compress(json.dumps({"token": SECRET}).encode())
    found = auditor.exposed(answered(body, {**JSON, "Content-Encoding": "gzip"}))
    assert [finding.value for finding in found] == [SECRET]


def test_playlists_multipart_fields_and_messages(auditor: Auditor) -> None:
    playlist = answered(f"#EXTM3U\n/hls/0.m3u8?videoFileToken={SECRET}\n".encode(), {"Content-Type": "audio/mpegurl"})
    message = Message(1.0, from_client=True, is_text=True, content=b'40{"accessToken":"%s"}' % SECRET.encode())
    for exchange in (playlist, multipart("password", SECRET), replace(sent(), messages=(message,))):
        assert [finding.value for finding in auditor.exposed(exchange)] == [SECRET]


def test_trailers(auditor: Auditor) -> None:
    exchange = sent()
    trailers = Headers.of([("Set-Cookie", f"a={SECRET}")])
    assert exchange.response is not None
    exchange = replace(exchange, response=replace(exchange.response, trailers=trailers))
    assert auditor.exposed(exchange) == [
        Finding(Kind.EXPOSED, "exchange 0, response trailer header Set-Cookie", SECRET)
    ]


@pytest.mark.parametrize(
    "harmless",
    [
        sent("/?token="),
        sent(headers={"Cookie": "a="}),
        sent(headers={"Authorization": ""}),
        sent(headers=FORM, body=b"password=&token=***"),
        answered(b'{"token": "", "password": null, "streamKey": "--", "passwords": []}', JSON),
        answered(b'{"uri": "alice@tube.example"}', JSON),
        multipart("password", ""),
    ],
)
def test_where_there_is_nothing_to_replace(auditor: Auditor, harmless: Exchange) -> None:
    assert auditor.exposed(harmless) == []


def test_issued_pseudonyms_are_fine(cassette: Cassette, auditor: Auditor) -> None:
    found = [finding for exchange in cassette.exchanges() for finding in auditor.exposed(exchange)]
    assert [(finding.kind, finding.place) for finding in found] == [(Kind.SUSPECT, "exchange 10, response body")]
    assert found[0].is_warning


@pytest.mark.parametrize(
    ("text", "suspect"),
    [
        (f"authorization: 'Token {SECRET}'", SECRET),
        (f"api_key={SECRET}", SECRET),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln from", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln"),
        ("the token is not valid anymore, please log in", None),
        ("Password: must have more than twentyfourcharacters", None),
        (f"infoHash: {SECRET}", None),
    ],
)
def test_what_looks_like_a_token(auditor: Auditor, text: str, suspect: str | None) -> None:
    found = auditor.exposed(answered(text.encode(), {"Content-Type": "text/plain"}))
    assert [finding.value for finding in found if finding.kind is Kind.SUSPECT] == ([suspect] if suspect else [])


def test_little_is_shown() -> None:
    assert Finding(Kind.FOUND, "x", SECRET).shortened == "Kq7w… (32 characters)"
    assert Finding(Kind.FOUND, "x", "geheim").shortened == "g… (6 characters)"
    assert Finding(Kind.FOUND, "x", "pin").shortened == "… (3 characters)"


@given(secret=st.text(min_size=8, max_size=40), before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_each_spelling_is_found(secret: str, before: bytes, after: bytes) -> None:
    needles, octets = Needles([secret]), secret.encode("utf-8", "surrogateescape") if secret.isprintable() else b""
    if not octets:
        return
    spelled = [octets, quote(octets).encode(), json.dumps(secret).encode(), base64.b64encode(before + octets + after)]
    for spelling in spelled:
        if spelling == spelled[1] and quote(octets) != quote(octets, safe=""):
            continue
        assert needles.within([before + spelling + after]) == [secret]


@given(at=st.integers(0, 31), size=st.integers(1, 9))
def test_secrets_torn_between_pieces(at: int, size: int) -> None:
    whole = b"x" * at + SECRET.encode() + b"y" * 9
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert Needles([SECRET, "nothing like it"]).within(pieces) == [SECRET]


def test_no_secrets_no_search() -> None:
    assert not Needles([])
    assert not Needles([""])


def test_the_file_and_its_log(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    path.write_bytes(b"0" * 2_000_000 + SECRET.encode())
    path.with_name("a.cassette-wal").write_bytes(SECRET[::-1].encode())
    assert list(search_files(FilePlace(path), Needles([SECRET, SECRET[::-1]]))) == [
        Finding(Kind.FOUND, "file a.cassette", SECRET),
        Finding(Kind.FOUND, "file a.cassette-wal", SECRET[::-1]),
    ]


def test_tables_and_bodies(cassette: Cassette) -> None:
    assert {f.place for f in search_tables(cassette, Needles(["lazy-static"]))} == {
        f"table {place}"
        for place in (f"exchanges, row {samples.IMAGE}", f"exchanges, row {samples.IMAGE_AGAIN}", "paths, row 4")
    }
    found = [f for exchange in cassette.exchanges() for f in search_bodies(exchange, Needles(["Čas", "alice"]))]
    assert {(f.place, f.value) for f in found} == {
        ("exchange 1, request body", "alice"),
        ("exchange 2, response body", "alice"),
        ("exchange 3, response body", "Čas"),
    }


def test_a_bomb_is_told_and_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peertape.cassettes.audit.MOST_DECODED", 1000)
    bomb = answered(gzip.compress(b"0" * 100_000), {**JSON, "Content-Encoding": "gzip"})
    (found,) = search_bodies(bomb, Needles([SECRET]))
    assert (found.kind, found.is_warning) == (Kind.UNREAD, True)
