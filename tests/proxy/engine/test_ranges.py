"""The values are those of media-playback.mitm, flows 58-81, on its file of 81958 octets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.ranges import (
    UNSATISFIABLE,
    WHOLE,
    Asked,
    Span,
    asked,
    parse_content_range,
    parse_range,
)

SIZE = 81958
FILE = Headers.of(
    [
        ("Accept-Ranges", "bytes"),
        ("Last-Modified", "Mon, 23 Nov 2026 07:30:17 GMT"),
        ("ETag", 'W/"14026-1a207500f28"'),
    ]
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-", Span(0, 81957)),
        ("bytes=0-0", Span(0, 0)),
        ("bytes=1000-1999", Span(1000, 1999)),
        ("bytes=81858-", Span(81858, 81957)),
        ("bytes=-500", Span(81458, 81957)),
        ("bytes=1000-82958", Span(1000, 81957)),
        ("bytes=0-99,100-199", Span(0, 199)),
        ("bytes=0-99,50-149", Span(0, 149)),
        ("bytes=50-149,0-99", Span(0, 149)),
        ("bytes=0-9,81959-", Span(0, 9)),
        ("bytes=7", Span(7, 81957)),
        ("bytes=0-99,200-299", WHOLE),
        ("bytes=0-9, -9", WHOLE),
        ("items=0-5", WHOLE),
        ("bytes 0-99", WHOLE),
        ("Bytes=0-99", WHOLE),
        (None, WHOLE),
        ("bytes=-9999999", UNSATISFIABLE),
        ("bytes=81958-", UNSATISFIABLE),
        ("bytes=81963-81968", UNSATISFIABLE),
        ("bytes=500-100", UNSATISFIABLE),
        ("bytes=abc", UNSATISFIABLE),
        ("bytes=-0", UNSATISFIABLE),
        ("bytes=", UNSATISFIABLE),
    ],
)
def test_ranges_mean_what_the_instance_took_them_for(value: str | None, expected: Asked) -> None:
    assert parse_range(value, SIZE) == expected


def test_an_empty_file_has_no_range() -> None:
    assert parse_range("bytes=0-", 0) == UNSATISFIABLE
    assert parse_range("bytes=-1", 0) == UNSATISFIABLE


@given(first=st.integers(0, 300), last=st.integers(0, 300), size=st.integers(0, 200))
def test_a_single_range_is_a_slice(first: int, last: int, size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    match parse_range(f"bytes={first}-{last}", size):
        case Span() as span:
            assert data[span.first : span.last + 1] == data[first : last + 1]
            assert span.size == len(data[first : last + 1])
        case other:
            assert other == UNSATISFIABLE
            assert data[first : last + 1] == b""


@given(st.text(max_size=30), st.integers(0, 1000))
def test_no_header_value_breaks_the_parser(value: str, size: int) -> None:
    for text in (value, f"bytes={value}"):
        match parse_range(text, size):
            case Span() as span:
                assert 0 <= span.first <= span.last < size


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('W/"14026-1a207500f28"', Span(0, 99)),
        ('W/"1-1"', WHOLE),
        ('"14026-1a207500f28"', WHOLE),
        ("Mon, 23 Nov 2026 07:30:17 GMT", Span(0, 99)),
        ("Mon, 01 Jan 2024 00:00:00 GMT", WHOLE),
        ("nonsense", WHOLE),
    ],
)
def test_if_range(condition: str, expected: Asked) -> None:
    base = Answer(200, FILE, BytesBody(bytes(SIZE)))
    request = Request("GET", "/", Headers.of([("Range", "bytes=0-99"), ("If-Range", condition)]))
    assert asked(request, base) == expected


def test_what_is_not_served_as_a_file_ignores_range() -> None:
    base = Answer(200, FILE.without("accept-ranges"), BytesBody(bytes(SIZE)))
    assert asked(Request("GET", "/", Headers.of([("Range", "bytes=0-99")])), base) == WHOLE


@pytest.mark.parametrize(
    "value", [None, "", "bytes */10", "bytes 0-9/*", "bytes 5-4/10", "bytes 0-10/10", "items 0-1/2"]
)
def test_content_ranges_that_place_nothing(value: str | None) -> None:
    assert parse_content_range(value) is None


def test_content_range_places_a_part() -> None:
    assert parse_content_range("bytes 1000-1999/81958") == (Span(1000, 1999), 81958)
