"""The values are those of anonymous-browse.mitm, flows 255-310, and media-playback.mitm, flows 82-87."""

from __future__ import annotations

import pytest

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.conditional import (
    date_of,
    headers_of_304,
    is_route_cached,
    not_modified,
    precondition_failed,
)

ETAG = 'W/"110e-CKfn94ZkQf0lVfC6kSJNosgpOUA"'
API = Headers.of(
    [
        ("x-powered-by", "PeerTube"),
        ("Tk", "N"),
        ("Date", "Mon, 23 Nov 2026 07:44:11 GMT"),
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", "4366"),
        ("ETag", ETAG),
        ("Connection", "keep-alive"),
    ]
)
HIT = Headers.of(
    [
        ("x-powered-by", "PeerTube"),
        ("tk", "N"),
        ("date", "Mon, 23 Nov 2026 07:44:06 GMT"),
        ("content-type", "application/json; charset=utf-8"),
        ("content-length", "38995"),
        ("etag", ETAG),
        ("cache-control", "max-age=893"),
        ("Connection", "keep-alive"),
        ("Keep-Alive", "timeout=5"),
    ]
)
FILLING = Headers.of(
    (name if name in ("x-powered-by", "cache-control") else name.title().replace("Etag", "ETag"), value)
    for name, value in HIT
)
FILE = Headers.of(
    [
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", "public, max-age=0"),
        ("Last-Modified", "Mon, 23 Nov 2026 07:30:17 GMT"),
        ("ETag", 'W/"14026-1a207500f28"'),
        ("Content-Type", "video/mp4"),
        ("Content-Length", "81958"),
    ]
)
STRONG = ETAG.removeprefix("W/")


def sent(**fields: str) -> Headers:
    return Headers.of((name.replace("_", "-"), value) for name, value in fields.items())


@pytest.mark.parametrize(
    ("request_headers", "expected"),
    [
        (sent(if_none_match=ETAG), True),
        (sent(if_none_match=STRONG), True),
        (sent(if_none_match=f'"x", {ETAG}'), True),
        (sent(if_none_match="*"), True),
        (sent(if_none_match='"abc"'), False),
        (sent(if_none_match=ETAG, cache_control="no-cache"), False),
        (sent(if_none_match=ETAG, cache_control="max-age=0"), True),
        (sent(if_none_match=ETAG, if_modified_since="Mon, 23 Nov 2026 07:30:17 GMT"), False),
        (sent(), False),
    ],
)
def test_express(request_headers: Headers, expected: bool) -> None:
    assert not_modified(request_headers, API) is expected


@pytest.mark.parametrize(
    ("request_headers", "expected"),
    [
        (sent(if_none_match=ETAG), True),
        (sent(if_none_match=ETAG, cache_control="no-cache"), True),
        (sent(if_none_match=STRONG), False),
        (sent(if_none_match='"abc"'), False),
        (sent(if_none_match="*"), False),
        (sent(if_modified_since="Mon, 23 Nov 2026 07:44:06 GMT"), False),
    ],
)
@pytest.mark.parametrize("answer", [HIT, FILLING], ids=["hit", "filling"])
def test_the_route_cache_compares_octets(answer: Headers, request_headers: Headers, expected: bool) -> None:
    assert is_route_cached(answer)
    assert not_modified(request_headers, answer) is expected


@pytest.mark.parametrize(
    ("request_headers", "expected"),
    [
        (sent(if_none_match='W/"14026-1a207500f28"'), True),
        (sent(if_modified_since="Mon, 23 Nov 2026 07:30:17 GMT"), True),
        (sent(if_modified_since="Mon, 23 Nov 2026 07:30:16 GMT"), False),
        (sent(if_none_match='"x"', if_modified_since="Mon, 23 Nov 2026 07:30:17 GMT"), False),
    ],
)
def test_files(request_headers: Headers, expected: bool) -> None:
    assert not_modified(request_headers, FILE) is expected


@pytest.mark.parametrize(
    ("request_headers", "expected"),
    [
        (sent(if_match='"nope"'), True),
        (sent(if_match='W/"14026-1a207500f28"'), False),
        (sent(if_match='"14026-1a207500f28"'), False),
        (sent(if_match="*"), False),
        (sent(if_unmodified_since="Mon, 01 Jan 2024 00:00:00 GMT"), True),
        (sent(if_unmodified_since="Mon, 23 Nov 2026 07:30:17 GMT"), False),
        (sent(if_unmodified_since="whenever"), False),
        (sent(), False),
    ],
)
def test_preconditions_of_files(request_headers: Headers, expected: bool) -> None:
    assert precondition_failed(request_headers, FILE) is expected


def test_another_etag_of_the_same_octets() -> None:
    other = 'W/"1-other"'
    for answer in (API, HIT):
        assert not not_modified(sent(if_none_match=other), answer)
        assert not_modified(sent(if_none_match=other), answer, (other,))


def test_headers_of_a_304() -> None:
    assert [name for name, _ in headers_of_304(API)] == ["x-powered-by", "Tk", "Date", "ETag", "Connection"]
    assert headers_of_304(HIT) == HIT
    assert headers_of_304(FILLING) == HIT


def test_only_route_cached_answers_are_taken_for_such() -> None:
    assert not is_route_cached(API)
    assert not is_route_cached(FILE)
    over_http2 = Headers.of((name.lower(), value) for name, value in API if name != "Connection")
    assert not is_route_cached(over_http2)
    assert is_route_cached(over_http2.added("cache-control", "max-age=900"))


@pytest.mark.parametrize("text", [None, "", "nonsense", "Mon, 99 Nov 2026 07:30:17 GMT"])
def test_dates_that_are_none(text: str | None) -> None:
    assert date_of(text) is None
