"""Ratios of one peer to another, round by round, and what they have to be."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measured import Measured


@dataclass(frozen=True, slots=True)
class Spread:
    """Of the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Demand:
    """`ours` answers at least `least` times as many requests per second as `theirs` in the same round."""

    ours: str
    theirs: str
    least: float

    @property
    def concerned(self) -> tuple[str, ...]:
        return self.ours, self.theirs


@dataclass(frozen=True, slots=True)
class Promptness:
    """99 of 100 answers of `ours` come within `most` seconds."""

    ours: str
    most: float

    @property
    def concerned(self) -> tuple[str, ...]:
        return (self.ours,)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`found` is None where one of the two was not measured."""

    demand: str
    target: str
    found: str | None
    held: bool | None


def rate(measured: Measured) -> Spread:
    return Spread.of([load.rate for load in measured.loads])


def p50(measured: Measured) -> Spread:
    return Spread.of([load.p50 for load in measured.loads])


def p99(measured: Measured) -> Spread:
    return Spread.of([load.p99 for load in measured.loads])


def ratio(ours: Measured, theirs: Measured) -> Spread:
    """The rounds that both have."""
    return Spread.of([a.rate / b.rate for a, b in zip(ours.loads, theirs.loads, strict=False) if b.rate])


def usable(measured: Measured | None) -> bool:
    return measured is not None and not measured.why_not and any(load.rate for load in measured.loads)


def verdict(demand: Demand | Promptness, found: Mapping[str, Measured]) -> Verdict:
    ours = found.get(demand.ours)
    if isinstance(demand, Promptness):
        title, target = f"p99 of {ours.title if ours else demand.ours}", f"under {demand.most * 1000:g} ms"
        if ours is None or not usable(ours):
            return Verdict(title, target, None, None)
        spread = p99(ours)
        return Verdict(title, target, f"{_told(spread, 1000)} ms", spread.median < demand.most)
    theirs = found.get(demand.theirs)
    title = f"{ours.title if ours else demand.ours} : {theirs.title if theirs else demand.theirs}"
    target = f"at least {demand.least:g}"
    if ours is None or theirs is None or not usable(ours) or not usable(theirs):
        return Verdict(title, target, None, None)
    spread = ratio(ours, theirs)
    return Verdict(title, target, _told(spread), spread.median >= demand.least)


def _told(spread: Spread, scale: float = 1.0) -> str:
    return f"{figure(spread.median * scale)} ({figure(spread.least * scale)} to {figure(spread.most * scale)})"


def figure(value: float) -> str:
    """With as many digits as matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
