"""Ratios are of the same round; a target is judged by their median."""

from __future__ import annotations

from benchmarks.comparing import Faster, NoMore, Quantity, Within, ratio, verdict
from benchmarks.load import Load
from benchmarks.measured import Measured


def measured(name: str, *rates: int, p99: float = 0.005, why_not: str = "") -> Measured:
    loads = [Load(rate, 0, 1.0, 0, 0, p99 / 2, p99, p99) for rate in rates]
    return Measured(name, name, name, 10, starts=[0.5], loads=loads, why_not=why_not)


def test_a_ratio_is_of_one_round() -> None:
    spread = ratio(measured("a", 100, 20, 300), measured("b", 50, 10, 100))
    assert (spread.median, spread.least, spread.most) == (2, 2, 3)


def test_a_round_that_only_one_of_them_had_does_not_count() -> None:
    spread = ratio(measured("a", 100, 900), measured("b", 50))
    assert (spread.median, spread.most) == (2, 2)


def test_a_demand_is_held_by_the_median() -> None:
    found = {"a": measured("a", 10, 21, 25), "b": measured("b", 1, 1, 1)}
    assert verdict(Faster("a", "b", 20), found).held is True
    assert verdict(Faster("a", "b", 22), found).held is False


def test_what_answered_wrongly_proves_nothing() -> None:
    found = {"a": measured("a", 100), "b": measured("b", 1, why_not="its answers were wrong")}
    assert verdict(Faster("a", "b", 20), found).held is None
    assert verdict(Faster("a", "c", 20), found).held is None


def test_promptness_is_of_the_slowest_hundredth() -> None:
    assert verdict(Within("a", Quantity.P99, 10), {"a": measured("a", 5, p99=0.009)}).held is True
    assert verdict(Within("a", Quantity.P99, 10), {"a": measured("a", 5, p99=0.011)}).held is False


def test_what_is_needed_is_compared_with_what_another_needs() -> None:
    found = {"a": measured("a", 5, p99=0.015), "b": measured("b", 5, p99=0.010)}
    assert verdict(NoMore("a", "b", Quantity.P50, 1.6), found).held is True
    assert verdict(NoMore("a", "b", Quantity.P50, 1.4), found).held is False
    assert verdict(Within("a", Quantity.STARTED, 499), found).held is False


def test_refusals_are_no_answers() -> None:
    assert Load(100, 0, 2.0, 60, 0, 0, 0, 0).rate == 20
