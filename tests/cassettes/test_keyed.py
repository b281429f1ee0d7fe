"""Recordings under one key, few or many: from any number on, upwards and downwards, none left out and none twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.keyed import Keyed


@dataclass(frozen=True)
class One:
    id: int


@given(st.sets(st.integers(1, 300)), st.integers(0, 301), st.sampled_from([2, 10, 400]))
def test_from_any_number_on(numbers: set[int], start: int, few: int) -> None:
    recorded = [One(number) for number in sorted(numbers)]

    def page(number: int, most: int, down: bool) -> Sequence[One]:
        beyond = [one for one in recorded if (one.id < number if down else one.id > number)]
        return (beyond[::-1] if down else beyond)[:most]

    keyed = Keyed(page(0, few + 1, False), len(recorded) <= few, page)
    assert list(keyed.after(start)) == [one for one in recorded if one.id > start]
    assert list(keyed.until(start)) == [one for one in reversed(recorded) if one.id <= start]
