"""An upload in pieces, as uploadx counts its octets."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Passed, Request
from peertape.proxy.engine.uploads.upload import After, Piece, Upload, piece_of

SIZE = 5000


def piece(start: int | None, octets: int, total: int | None = SIZE, **more: bool) -> Piece:
    return Piece(start, total, octets, octets, **more)


@given(st.integers(1, 10**12), st.lists(st.integers(1, 10**12), max_size=9))
def test_any_division_in_order_succeeds_and_the_ranges_add_up(size: int, cuts: list[int]) -> None:
    places = sorted({0, size, *(cut for cut in cuts if cut < size)})
    upload = Upload(size)
    for start, stop in itertools.pairwise(places):
        upload, after, come = upload.put(piece(start, stop - start, size))
        assert come == stop
        assert after is (After.DONE if stop == size else After.RESUME)
        if after is After.RESUME:
            assert upload.put(piece(None, 0, size))[1:] == (After.RESUME, stop)


@given(st.integers(0, SIZE), st.integers(0, SIZE))
def test_what_arrived_of_a_cut_piece_counts_and_the_rest_can_follow(start: int, arrived: int) -> None:
    arrived = min(arrived, SIZE - start)
    cut = Piece(start, SIZE, SIZE - start, arrived, is_cut=True)
    upload, after, _ = Upload(SIZE, start).put(cut)
    assert (after, upload.arrived) == (After.CUT, start + arrived)
    _, after, come = upload.put(piece(start + arrived, SIZE - start - arrived))
    assert (after, come) == (After.DONE, SIZE)


def test_of_a_cut_piece_with_a_checksum_nothing_stays() -> None:
    cut = Piece(1000, SIZE, 4000, 500, has_checksum=True, is_cut=True)
    assert Upload(SIZE, 2000).put(cut)[0] == Upload(SIZE, 1000)


def test_it_may_go_back_and_asked_it_tells_the_end_of_the_file() -> None:
    """user-session.mitm, flows 79 to 81."""
    upload, _, come = Upload(SIZE, 2000).put(piece(4000, 500))
    assert (upload.arrived, come) == (4500, 4500)
    upload, _, come = upload.put(piece(2000, 1000))
    assert (upload.arrived, come) == (4500, 3000)
    assert upload.put(piece(None, 0))[1:] == (After.RESUME, 4500)


def test_an_empty_piece_at_the_end_completes_it() -> None:
    assert Upload(SIZE, SIZE).put(piece(SIZE, 0))[1:] == (After.DONE, SIZE)


@pytest.mark.parametrize(
    "wrong",
    [
        piece(0, 3, 9999),  # errors.mitm, flow 216
        piece(0, 6000, 6000),  # 217
        piece(4000, 1001),
        Piece(0, 100, 0, 101),  # of no announced length, and more than there shall be
        Piece(0, None, 0, 5),  # a chunked body without Content-Range
    ],
)
def test_conflicts(wrong: Piece) -> None:
    assert Upload(SIZE).put(wrong)[1] is After.CONFLICT


def test_a_piece_may_say_that_the_file_is_smaller() -> None:
    upload, after, _ = Upload(SIZE).put(piece(0, 100, 100))
    assert (upload.size, after) == (100, After.DONE)


@pytest.mark.parametrize(
    ("told", "start", "total"),
    [
        (None, 0, None),
        ("bytes 0-2/5000", 0, 5000),
        ("bytes 98304-106020/106021", 98304, 106021),
        ("bytes */106021", None, 106021),
        ("bytes x-y/z", None, None),
        ("bytes", None, None),
        ("bytes 7", 7, None),
        ("bytes -5-9/20", -5, 20),
        (f"bytes {'9' * 400}-/1", 10**15 - 1, 1),
    ],
)
def test_content_range(told: str | None, start: int | None, total: int | None) -> None:
    headers = Headers((("Content-Range", told),)) if told is not None else Headers()
    found = piece_of(Request("PUT", "/", headers, b"abc"))
    assert (found.start, found.total, found.octets, found.announced) == (start, total, 3, 0)


def test_a_piece_that_was_streamed_by() -> None:
    headers = Headers((("Content-Length", "9"), ("Digest", "sha=abc")))
    found = piece_of(Request("PUT", "/", headers, passed=Passed(7, b"", is_cut=True)))
    assert (found.octets, found.announced, found.is_cut, found.has_checksum) == (7, 9, True, True)
