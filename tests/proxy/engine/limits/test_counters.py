"""The laws of fixed windows."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from peertape.proxy.engine.limits.counters import MOST, Counters

KEY = ("api", "192.0.2.1")
gaps = st.lists(st.integers(0, 20_000), min_size=1, max_size=200)


@given(gaps, st.integers(1, 30_000))
def test_windows(gaps: list[int], length: int) -> None:
    """Each begins with a request, is as long as it should be, and holds all that comes before its end."""
    counters, now, opened, used = Counters(), 1_000_000, None, 0
    for gap in gaps:
        now += gap
        window = counters.count(KEY, length, now)
        if opened is None or now >= opened + length:
            opened, used = now, 0
        used += 1
        assert (window.opened, window.ends, window.used) == (opened, opened + length, used)


@given(gaps, st.integers(1, 50), st.integers(1, 30_000))
def test_no_more_than_the_maximum_passes_in_any_window(gaps: list[int], most: int, length: int) -> None:
    counters, now = Counters(), 0
    passed: dict[int, int] = {}
    for gap in gaps:
        now += gap
        window = counters.count(KEY, length, now)
        if window.used <= most:
            passed[window.opened] = passed.get(window.opened, 0) + 1
    assert max(passed.values()) <= most
    begins = sorted(passed)
    assert all(later - earlier >= length for earlier, later in pairwise(begins))


@given(st.lists(st.booleans(), max_size=50))
def test_what_is_given_back_was_never_counted(failed: list[bool]) -> None:
    counters = Counters()
    for failure in failed:
        counters.count(KEY, 1000, 0)
        if failure:
            counters.give_back(KEY)
    assert counters.count(KEY, 1000, 0).used == failed.count(False) + 1


def test_addresses_and_buckets_do_not_see_each_other() -> None:
    counters = Counters()
    for key in (KEY, ("login", KEY[1]), ("api", "192.0.2.2")):
        assert counters.count(key, 1000, 0).used == 1


def test_a_clock_that_is_set_back_begins_anew() -> None:
    counters = Counters()
    counters.count(KEY, 1000, 500_000)
    window = counters.count(KEY, 1000, 0)
    assert (window.used, window.ends) == (1, 1000)


def test_a_client_that_makes_up_addresses_fills_no_memory() -> None:
    counters = Counters()
    for number in range(MOST + 100):
        counters.count(("api", str(number)), 10**9, number)
    assert len(counters.windows) == MOST
    counters.count(("api", "late"), 1000, 10**12)
    assert [key for key, _ in counters.open(10**12)] == [("api", "late")]
    assert len(counters.windows) == 1


def test_giving_back_what_nobody_counted() -> None:
    counters = Counters()
    counters.give_back(KEY)
    counters.count(KEY, 1000, 0)
    counters.give_back(KEY)
    counters.give_back(KEY)
    assert counters.count(KEY, 1000, 0).used == 1
