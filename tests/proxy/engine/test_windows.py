from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.etags import express_etag
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer, Source
from peertape.proxy.engine.windows import DerivedPage, Page, window, window_answer


def express(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def page(elements: list[object], start: int, count: int) -> Page:
    return Page(start, count, express({"total": len(elements), "data": elements[start : start + count]}))


def videos(total: int, views: int = 0) -> list[object]:
    return [{"id": number, "name": f"№ {number} ]}}", "views": views} for number in range(total)]


def body(derived: DerivedPage | None) -> bytes | None:
    return derived.body if derived else None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(json_values, max_size=30, unique_by=express),
    st.lists(st.tuples(st.integers(0, 35), st.integers(1, 20)), min_size=1, max_size=6),
    st.integers(0, 35),
    st.integers(1, 20),
)
def test_a_window_of_pages_is_that_window_of_the_list(
    elements: list[object], asked: list[tuple[int, int]], start: int, count: int
) -> None:
    derived = window(start, count, [page(elements, *ask) for ask in asked])
    known = {position for first, size in asked for position in range(first, first + size)}
    if known.issuperset(range(start, min(start + count, len(elements)))):
        assert body(derived) == page(elements, start, count).body
    else:
        assert derived is None


def test_spelling_of_elements_and_members_is_kept() -> None:
    text = b'{"total":2,"more":{"a":1.0},"data":[{"n":1e2,"s":"\\u00e9\\/"},{"n":-0.0}],"last":null}'
    derived = window(0, 1, [Page(0, 15, text)])
    assert body(derived) == b'{"total":2,"more":{"a":1.0},"data":[{"n":1e2,"s":"\\u00e9\\/"}],"last":null}'


def test_beyond_the_end() -> None:
    assert body(window(50, 10, [page(videos(20), 0, 5)])) == b'{"total":20,"data":[]}'


@pytest.mark.parametrize(("start", "count"), [(0, 0), (0, 101), (-1, 5)])
def test_what_the_instance_would_refuse(start: int, count: int) -> None:
    assert window(start, count, [page(videos(20), 0, 100)]) is None


def test_the_newest_page_tells_the_total() -> None:
    older, newer = page(videos(20), 0, 15), page(videos(21), 15, 15)
    assert window(0, 15, [older, newer]) is None
    assert body(window(15, 6, [older, newer])) == newer.body


def test_a_page_that_contradicts_a_newer_one_is_dropped() -> None:
    old, new = videos(20), list(reversed(videos(20)))
    assert window(5, 10, [page(old, 0, 20), page(new, 0, 10)]) is None
    moved = [old[-1], *old[:-1]]
    assert window(0, 20, [page(old, 10, 10), page(moved, 0, 10)]) is None, "video 9 would be there twice"


def test_the_newest_spelling_of_an_element_is_taken() -> None:
    old, new = videos(20), videos(20, views=1)
    derived = window(0, 20, [page(old, 0, 20), page(new, 0, 10)])
    assert body(derived) == express({"total": 20, "data": new[:10] + old[10:]})
    assert derived is not None
    assert (derived.used, derived.newest) == ((0, 1), 1)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b"{}",
        b'{"total":3}',
        b'{"data":[1]}',
        b'{"total":"3","data":[1,2,3]}',
        b'{"total":true,"data":[1]}',
        b'{"total":3,"data":[1,2]}',
        b'{"total":2,"data":[1,2,3]}',
        b'{"total":3,"data":[1,2,3]}x',
        b'{"total":3,"data":[1,2,3}',
        b'{"total":3,"data":{"a":1}}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_no_list_as_asked(text: bytes) -> None:
    assert window(0, 1, [Page(0, 15, text)]) is None


def test_a_list_that_ignores_start_is_not_trusted() -> None:
    assert window(6, 1, [Page(5, 15, b'{"total":8,"data":[0,1,2,3,4,5,6,7]}')]) is None


def test_the_answer_gets_its_length_and_etag_anew() -> None:
    newest = page(videos(20), 0, 15)
    headers = Headers.of([("Tk", "N"), ("Content-Length", "1"), ("ETag", 'W/"1-x"'), ("Connection", "keep-alive")])
    recorded = Answer(200, headers, BytesBody(newest.body), "OK", exchange=3)
    answer = window_answer(3, 4, [(newest, recorded)])
    assert answer is not None
    text = page(videos(20), 3, 4).body
    assert read(answer.body) == text
    assert answer.headers.pairs[1:3] == (("Content-Length", str(len(text))), ("ETag", express_etag(text)))
    assert answer.source is Source.DERIVED
    assert answer.source_text == "derived; exchange=3; derived=window"
    assert window_answer(10, 10, [(newest, recorded)]) is None
