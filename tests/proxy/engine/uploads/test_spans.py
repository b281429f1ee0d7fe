"""Stretches of a file: what is laid down later covers what was there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from peertape.proxy.engine.uploads.spans import Spans

SIZE = 40
STRETCHES = st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE), st.integers()), max_size=8)


@given(STRETCHES, st.integers(0, SIZE), st.integers(0, SIZE))
def test_they_are_as_octets_written_one_by_one(stretches: list[tuple[int, int, int]], start: int, stop: int) -> None:
    octets: list[int | None] = [None] * SIZE
    spans: Spans[int] = Spans()
    for begin, end, value in stretches:
        spans = spans.laid(begin, end, value)
        octets[begin:end] = [value] * max(0, end - begin)
    wanted = octets[start:stop]
    found = spans.within(start, stop)
    if None in wanted:
        assert found is None
    else:
        assert found is not None
        assert [span.value for span in found for _ in range(span.start, span.stop)] == wanted
        assert all(start <= span.start < span.stop <= stop for span in found)


@given(STRETCHES)
def test_they_never_overlap(stretches: list[tuple[int, int, int]]) -> None:
    spans: Spans[int] = Spans()
    for begin, end, value in stretches:
        spans = spans.laid(begin, end, value)
    places = [place for span in spans.all for place in (span.start, span.stop)]
    assert places == sorted(places)
