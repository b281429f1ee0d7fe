"""The laws of fixed windows."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from peertape.proxy.engine.limits.counters import MOST, Charge, Key, LocalCounters, Window

KEY = ("api", "192.0.2.1")
WITHOUT_END = 10**6
gaps = st.lists(st.integers(0, 20_000), min_size=1, max_size=200)


def count(counters: LocalCounters, key: Key, length: int, now: int) -> Window:
    return counters.charge([Charge(key, length, WITHOUT_END)], now)[0]


@given(gaps, st.integers(1, 30_000))
def test_windows(gaps: list[int], length: int) -> None:
    """Each begins with a request, is as long as it should be, and holds all that comes before its end."""
    counters, now, opened, used = LocalCounters(), 1_000_000, None, 0
    for gap in gaps:
        now += gap
        window = count(counters, KEY, length, now)
        if opened is None or now >= opened + length:
            opened, used = now, 0
        used += 1
        assert (window.opened, window.ends, window.used) == (opened, opened + length, used)


@given(gaps, st.integers(1, 50), st.integers(1, 30_000))
def test_no_more_than_the_maximum_passes_in_any_window(gaps: list[int], most: int, length: int) -> None:
    counters, now = LocalCounters(), 0
    passed: dict[int, int] = {}
    for gap in gaps:
        now += gap
        window = count(counters, KEY, length, now)
        if window.used <= most:
            passed[window.opened] = passed.get(window.opened, 0) + 1
    assert max(passed.values()) <= most
    begins = sorted(passed)
    assert all(later - earlier >= length for earlier, later in pairwise(begins))


@given(st.lists(st.booleans(), max_size=50))
def test_what_is_given_back_was_never_counted(failed: list[bool]) -> None:
    counters = LocalCounters()
    for failure in failed:
        count(counters, KEY, 1000, 0)
        if failure:
            counters.give_back([KEY])
    assert count(counters, KEY, 1000, 0).used == failed.count(False) + 1


def test_addresses_and_buckets_do_not_see_each_other() -> None:
    counters = LocalCounters()
    for key in (KEY, ("login", KEY[1]), ("api", "192.0.2.2")):
        assert count(counters, key, 1000, 0).used == 1


def test_a_clock_that_is_set_back_begins_anew() -> None:
    counters = LocalCounters()
    count(counters, KEY, 1000, 500_000)
    window = count(counters, KEY, 1000, 0)
    assert (window.used, window.ends) == (1, 1000)


def test_a_client_that_makes_up_addresses_fills_no_memory() -> None:
    counters = LocalCounters()
    for number in range(MOST + 100):
        count(counters, ("api", str(number)), 10**9, number)
    assert len(counters.windows) == MOST
    count(counters, ("api", "late"), 1000, 10**12)
    assert [key for key, _ in counters.open(10**12)] == [("api", "late")]
    assert len(counters.windows) == 1


def test_giving_back_what_nobody_counted() -> None:
    counters = LocalCounters()
    counters.give_back([KEY])
    count(counters, KEY, 1000, 0)
    counters.give_back([KEY])
    counters.give_back([KEY])
    assert count(counters, KEY, 1000, 0).used == 1
