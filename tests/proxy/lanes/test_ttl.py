"""What is looked at not more often than once in a millisecond."""

from __future__ import annotations

from itertools import count

from peertape.proxy.lanes.ttl import TTL, TtlCached


def test_it_is_looked_at_again_once_the_time_is_over() -> None:
    now, numbers = [0.0], count()
    seen = TtlCached(lambda: next(numbers), lambda: now[0])
    assert [seen(), seen()] == [0, 0]
    now[0] += TTL / 2
    assert seen() == 0
    now[0] += TTL / 2
    assert [seen(), seen()] == [1, 1]
    now[0] += 100 * TTL
    assert seen() == 2
