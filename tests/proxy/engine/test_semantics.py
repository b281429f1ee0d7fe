from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.semantics import derive, from_partials, needs_derivation, plain

DATA = bytes(number % 251 for number in range(1000))
FILE_HEADERS = Headers.of(
    [
        ("x-powered-by", "PeerTube"),
        ("Accept-Ranges", "bytes"),
        ("Last-Modified", "Mon, 23 Nov 2026 07:30:17 GMT"),
        ("ETag", 'W/"3e8-1a207500f28"'),
        ("Content-Type", "video/mp4"),
        ("Content-Length", "1000"),
        ("Date", "Mon, 23 Nov 2026 07:50:17 GMT"),
        ("Connection", "keep-alive"),
    ]
)
FILE = Answer(200, FILE_HEADERS, BytesBody(DATA), "OK", exchange=7, cassette="c", recorded_host="h")


def ask(method: str = "GET", **fields: str) -> Request:
    return Request(method, "/f", Headers.of((name.replace("_", "-"), value) for name, value in fields.items()))


def part(first: int, last: int, data: bytes = DATA, etag: str = 'W/"3e8-1a207500f28"') -> Answer:
    whole = replace(
        FILE,
        body=BytesBody(data),
        headers=FILE_HEADERS.replaced("ETag", etag).replaced("Content-Length", str(len(data))),
    )
    return replace(derive(ask(range=f"bytes={first}-{last}"), whole), source=Source.RECORDED, remark=())


def names(answer: Answer) -> list[str]:
    return [name for name, _ in answer.headers]


def test_a_plain_get_is_left_alone() -> None:
    assert derive(ask(), FILE) is FILE
    assert derive(ask("POST", range="bytes=0-1"), FILE) is FILE
    assert not needs_derivation(ask())
    assert not needs_derivation(ask("POST", if_match="*"))


def test_plain_takes_away_what_derives() -> None:
    request = ask("HEAD", range="bytes=0-1", if_none_match="x", if_range="y", accept="z")
    assert needs_derivation(request)
    assert plain(request) == ask(accept="z")


def test_a_range() -> None:
    answer = derive(ask(range="bytes=10-19"), FILE)
    assert (answer.status, answer.reason, read(answer.body)) == (206, "Partial Content", DATA[10:20])
    assert names(answer)[4:7] == ["Content-Type", "Content-Range", "Content-Length"]
    assert answer.headers.get("content-range") == "bytes 10-19/1000"
    assert answer.headers.get("content-length") == "10"
    assert answer.source_text == "derived; exchange=7; derived=range"
    assert answer.recorded_host == "h"


def test_416_is_the_problem_document_of_the_recordings() -> None:
    answer = derive(ask(range="bytes=1000-"), FILE)
    assert answer.status == 416
    assert answer.headers.get("content-range") == "bytes */1000"
    assert answer.headers.get("content-length") == "216"
    assert answer.headers.get("etag") == FILE.headers.get("etag")
    assert list(json.loads(read(answer.body))) == ["type", "detail", "status", "code", "error"]


def test_412_comes_before_304_and_range() -> None:
    answer = derive(ask(if_match='"x"', if_none_match="*", range="bytes=0-1"), FILE)
    assert (answer.status, answer.body.size, answer.headers.get("content-length")) == (412, 210, "210")
    assert "content-range" not in answer.headers


def test_304_comes_before_range() -> None:
    answer = derive(ask(if_none_match='W/"3e8-1a207500f28"', range="bytes=0-1"), FILE)
    assert (answer.status, answer.body.size) == (304, 0)
    assert not {"Content-Type", "Content-Length"} & set(names(answer))


def test_the_api_knows_no_if_match() -> None:
    api = replace(FILE, headers=FILE_HEADERS.without("accept-ranges"))
    assert derive(ask(if_match='"x"'), api) is api
    assert derive(ask(range="bytes=0-1"), api) is api


def test_errors_have_no_conditions() -> None:
    missing = replace(FILE, status=404)
    assert derive(ask(if_none_match="*", range="bytes=0-1"), missing) is missing


@pytest.mark.parametrize(
    ("fields", "status", "length"),
    [({}, 200, "1000"), ({"range": "bytes=0-99"}, 206, "100"), ({"range": "bytes=1000-"}, 416, "216")],
)
def test_head_is_get_without_the_body(fields: dict[str, str], status: int, length: str) -> None:
    get, head = derive(ask(**fields), FILE), derive(ask("HEAD", **fields), FILE)
    assert (head.status, head.headers, head.body.size) == (status, get.headers, 0)
    assert head.headers.get("content-length") == length
    assert head.source is Source.DERIVED
    assert [name for name, _ in head.remark] == ["derived"]


def test_head_has_none_of_the_framing_that_node_adds() -> None:
    own = [("Connection", "keep-alive"), ("Keep-Alive", "timeout=5")]
    for framing in (("Transfer-Encoding", "chunked"), ("Content-Length", "39")):
        base = Answer(200, Headers.of([*own, framing]), BytesBody(DATA))
        assert derive(ask("HEAD"), base).headers == Headers.of(own)
    set_by_the_application = Headers.of([("Content-Length", "39"), *own])
    assert derive(ask("HEAD"), Answer(200, set_by_the_application)).headers == set_by_the_application


def test_http2_keeps_its_lack_of_reasons_and_capitals() -> None:
    base = replace(FILE, reason="", headers=Headers.of((name.lower(), value) for name, value in FILE_HEADERS))
    answer = derive(ask(range="bytes=0-9"), base)
    assert answer.reason == ""
    assert all(name == name.lower() for name in names(answer))


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=1, max_size=8), st.data())
def test_merged_parts_equal_the_slice_of_the_whole(spans: list[tuple[int, int]], data: st.DataObject) -> None:
    spans = [(min(span), max(span)) for span in spans]
    covered = {position for first, last in spans for position in range(first, last + 1)}
    first = data.draw(st.integers(0, 999))
    last = data.draw(st.integers(first, 999))
    request = ask(range=f"bytes={first}-{last}")
    answer = from_partials(request, [part(*span) for span in spans])
    if covered.issuperset(range(first, last + 1)):
        assert answer is not None
        assert (answer.status, read(answer.body)) == (206, DATA[first : last + 1])
        assert answer.headers == derive(request, FILE).headers
        assert b"".join(answer.body.pieces(1, 5)) == DATA[first : last + 1][1:5]
    else:
        assert answer is None


def test_parts_that_cover_everything_are_the_whole() -> None:
    parts = [part(500, 999), part(0, 499)]
    whole = from_partials(ask(), parts)
    assert whole is not None
    assert (whole.status, whole.reason, read(whole.body), whole.headers) == (200, "OK", DATA, FILE_HEADERS)
    assert whole.remark == (("derived", "parts"),)
    suffix = from_partials(ask(range="bytes=-600"), parts)
    assert suffix is not None
    assert read(suffix.body) == DATA[-600:]


def test_what_needs_no_octets_is_known_from_any_part() -> None:
    parts = [part(0, 9)]
    assert from_partials(ask(), parts) is None
    statuses = [
        answer.status
        for request in (ask("HEAD"), ask(if_none_match="*"), ask(range="bytes=1000-"), ask(if_match='"x"'))
        if (answer := from_partials(request, parts))
    ]
    assert statuses == [200, 304, 416, 412]


def test_the_newest_version_of_a_file_wins() -> None:
    newer = bytes(reversed(DATA))
    parts = [part(0, 999), part(0, 99, newer, 'W/"new"'), part(100, 199, newer, 'W/"new"')]
    answer = from_partials(ask(range="bytes=50-149"), parts)
    assert answer is not None
    assert read(answer.body) == newer[50:150]
    assert from_partials(ask(range="bytes=150-250"), parts) is None


def test_a_recorded_head_is_no_part() -> None:
    head = derive(ask("HEAD", range="bytes=0-9"), FILE)
    assert from_partials(ask(range="bytes=0-9"), [head]) is None
    assert from_partials(ask(), []) is None
