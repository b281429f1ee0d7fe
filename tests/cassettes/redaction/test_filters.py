"""Bodies on their way to the disk."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from itertools import pairwise
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.filters import BodyFilter, request_body_filter, response_body_filter
from peertape.cassettes.redaction.pseudonyms import Pseudonyms
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.redaction.rules import RedactionRules

TOKEN = "5b3bbf3a8b455900ec538bdf754962850b336d98"
REDACTOR = Redactor(Pseudonyms(b"k" * 32, b"s" * 16), RedactionRules.default())
FAKE = Pseudonyms(b"k" * 32, b"s" * 16).of(TOKEN, False)
JSON = f'{{"token":"{TOKEN}"}}'.encode()
JSON_AFTER = JSON.replace(TOKEN.encode(), FAKE.encode())


def head(kind: str = "", coding: str = "") -> Headers:
    pairs = [("Content-Type", kind), ("Content-Encoding", coding)]
    return Headers.of((name, value) for name, value in pairs if value)


def request(body: bytes, kind: str = "", coding: str = "", **options: Any) -> tuple[bytes, BodyFilter]:
    one = request_body_filter(head(kind, coding), REDACTOR, **options)
    return one.feed(body) + one.finish(), one


def response(body: bytes, kind: str = "", coding: str = "", **options: Any) -> tuple[bytes, BodyFilter]:
    one = response_body_filter(head(kind, coding), REDACTOR, **options)
    return one.feed(body) + one.finish(), one


@pytest.mark.parametrize("kind", ["video/mp4", "image/svg+xml", "application/octet-stream", "text/css", "audio/mp4"])
def test_media_passes_as_it_comes(kind: str) -> None:
    for choose in (request_body_filter, response_body_filter):
        one = choose(head(kind), REDACTOR)
        assert one.feed(JSON) == JSON
        assert one.finish() == b""
        assert not one.changed
        if choose is request_body_filter:
            assert one.digest == hashlib.sha256(JSON).digest()


@pytest.mark.parametrize(
    "kind", ["application/json", "application/problem+json; charset=utf-8", "text/plain", "text/html", ""]
)
def test_json_however_declared(kind: str) -> None:
    for stored, one in (request(JSON, kind), response(JSON, kind)):
        assert stored == JSON_AFTER == one.stored == one.text
        assert one.original == JSON == one.plain
        assert one.changed


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain", ""])
def test_a_form_however_declared(kind: str) -> None:
    stored, _ = request(f"a=1&client_secret={TOKEN}".encode(), kind)
    assert stored == f"a=1&client_secret={FAKE}".encode()


def test_json_as_multipart() -> None:
    assert request(JSON, "multipart/form-data; boundary=x")[0] == JSON_AFTER
    assert request(JSON, "multipart/form-data")[0] == JSON_AFTER


def test_lines_of_fields() -> None:
    assert request(f"a=1\r\ntoken={TOKEN}\r\n".encode(), "text/plain")[0] == f"a=1\r\ntoken={FAKE}\r\n".encode()


def test_wide_charsets() -> None:
    stored, _ = request(JSON.decode().encode("utf-16"), "application/json; charset=utf-16")
    assert stored.decode("utf-16") == JSON_AFTER.decode()


def test_playlists() -> None:
    stored, _ = response(f"#EXTM3U\na.m3u8?videoFileToken={TOKEN}\n".encode(), "audio/mpegurl")
    assert FAKE.encode() in stored


def test_untyped_media_passes() -> None:
    body = b"\0\0\0 ftypisom" + JSON * 100
    one = response_body_filter(Headers(), REDACTOR)
    assert one.feed(body) == body


RAW = zlib.compressobj(wbits=-15)
CODED = {
    "gzip": gzip.compress(JSON[:10]) + gzip.compress(JSON[10:]),
    "deflate": zlib.compress(JSON),
    "Deflate": RAW.compress(JSON) + RAW.flush(),
    "br": brotli.compress(JSON),
    "zstd": zstandard.ZstdCompressor().compress(JSON),
    "gzip, br": brotli.compress(gzip.compress(JSON)),
    "identity": JSON,
}


@pytest.mark.parametrize("coding", CODED)
def test_codings(coding: str) -> None:
    stored, one = response(CODED[coding], "application/json", coding)
    assert one.text == JSON_AFTER
    again, two = response(stored, "application/json", coding)
    assert two.text == JSON_AFTER
    assert again == stored
    assert not two.changed


def test_unchanged_coded_bodies_stay() -> None:
    body = gzip.compress(b'{"a":1}', compresslevel=1)
    assert response(body, "application/json", "gzip")[0] == body


def test_what_cannot_be_decoded() -> None:
    assert request(JSON, "application/json", "nonsense")[0] == JSON_AFTER
    assert request(JSON, "application/json", "gzip")[0] == JSON_AFTER
    assert request(b"\xff\xfe", "application/json", "br")[0] == b"\xff\xfe"
    cut = gzip.compress(JSON + b" " * 5000)[:-20]
    stored, one = request(cut, "application/json", "gzip")
    assert one.text is not None
    assert TOKEN.encode() not in one.text
    assert TOKEN.encode() not in zlib.decompressobj(31).decompress(stored)


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_oversize(coding: str) -> None:
    body = b'{"a":"' + b"x" * 2000 + b'"}'
    stored, one = response(gzip.compress(body) if coding else body, "application/json", coding, limit=1000)
    assert stored == b""
    assert one.oversize
    assert one.text is None


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data; boundary=x", "video/mp4"])
def test_empty(kind: str) -> None:
    stored, one = request(b"", kind)
    assert stored == b""
    assert one.digest == hashlib.sha256(b"").digest()


def digest(body: str | bytes, kind: str = "application/json") -> bytes:
    return request(body.encode() if isinstance(body, str) else body, kind)[1].digest


def test_digest_of_json_is_by_meaning() -> None:
    assert digest('{"a":1,"b":"\\u00e9"}') == digest('{ "b": "é",\n"a": 1.0 }') == digest('{"b":"é","a":1}', "")
    assert digest('{"a":1}') != digest('{"a":"1"}')
    assert digest("[1,2]") != digest("[2,1]")
    assert digest(JSON) == digest(JSON_AFTER)
    assert digest('{"a":1') == hashlib.sha256(b'{"a":1').digest()
    assert digest("[" * 100_000) == hashlib.sha256(b"[" * 100_000).digest()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def turned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: turned(member) for name, member in reversed(value.items())}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(st.dictionaries(st.sampled_from("abcdefg"), JSON_VALUES))
def test_digest_of_json_in_any_order(value: dict[str, Any]) -> None:
    assert digest(json.dumps(value)) == digest(
        json.dumps(turned(value), indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass")
    )


def test_digest_of_forms_is_by_fields() -> None:
    form = "application/x-www-form-urlencoded"
    assert digest("a=1&b=x+y", form) == digest("b=x%20y&a=%31", form)
    assert digest("a=1&a=2", form) != digest("a=2&a=1", form)
    assert digest("a=1b", form) != digest("a=1&b", form)
    assert digest(f"token={TOKEN}", form) == digest(f"token={FAKE}", form)


BODIES = st.sampled_from(
    [
        (JSON, "application/json"),
        (JSON, ""),
        (b"a=1&token=abcdef", ""),
        (b" " * 600 + JSON, ""),
        (b"\0" * 600 + JSON, ""),
        (gzip.compress(JSON), ""),
        (gzip.compress(JSON), "text/plain"),
        (b"a\n" * 400 + b"?token=abc", "text/plain"),
    ]
)


@given(BODIES, st.lists(st.integers(0, 700)))
def test_pieces_do_not_matter(body: tuple[bytes, str], cuts: list[int]) -> None:
    octets, kind = body
    coding = "gzip" if octets[:2] == b"\x1f\x8b" else ""
    stored, whole = request(octets, kind, coding)
    one = request_body_filter(head(kind, coding), REDACTOR)
    edges = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    pieces = [one.feed(octets[start:stop]) for start, stop in pairwise(edges)]
    assert b"".join(pieces) + one.finish() == stored
    assert (one.digest, one.changed, one.text) == (whole.digest, whole.changed, whole.text)


class TestPolls:
    """Bodies of engine.io: packets of socket.io, one after the other."""

    BODY = f'40/runners,{{"runnerToken":"{TOKEN}"}}\x1e42["a",{{"token":"{TOKEN}"}}]\x1e6'.encode()
    AFTER = BODY.replace(TOKEN.encode(), FAKE.encode())

    @pytest.mark.parametrize("kind", ["text/plain;charset=UTF-8", "text/plain", ""])
    def test_requests(self, kind: str) -> None:
        assert request(self.BODY, kind)[0] == self.AFTER

    def test_responses(self) -> None:
        one = response_body_filter(head("text/plain; charset=UTF-8"), REDACTOR)
        assert one.feed(self.BODY) + one.finish() == self.AFTER

    @pytest.mark.parametrize("first", ["6", "41/n,", '51-/n,3["a"]', '0{"sid":"x"}', "40"])
    def test_whatever_packet_comes_first(self, first: str) -> None:
        body = f'{first}\x1e40/x,{{"token":"{TOKEN}"}}'.encode()
        assert request(body, "text/plain")[0] == body.replace(TOKEN.encode(), FAKE.encode())
