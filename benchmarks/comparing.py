"""Ratios of one peer to another, round by round, and what they have to be."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

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
class Faster:
    """`ours` answers at least `least` times as many requests per second as `theirs` in the same round."""

    ours: str
    theirs: str
    least: float

    @property
    def concerned(self) -> tuple[str, ...]:
        return self.ours, self.theirs

    @property
    def told(self) -> str:
        return f"at least {self.least:g} times as many requests per second"

    def judged(self, ours: Measured, theirs: Measured) -> tuple[str, bool]:
        spread = ratio(ours, theirs)
        return told_of(spread), spread.median >= self.least


@dataclass(frozen=True, slots=True)
class NoMore:
    """What `ours` needs of one quantity is at most `most` times what `theirs` needs."""

    ours: str
    theirs: str
    quantity: Quantity
    most: float

    @property
    def concerned(self) -> tuple[str, ...]:
        return self.ours, self.theirs

    @property
    def told(self) -> str:
        return f"{self.quantity.value}: at most {self.most:g} times as much"

    def judged(self, ours: Measured, theirs: Measured) -> tuple[str, bool]:
        found = self.quantity.of(ours) / self.quantity.of(theirs)
        return figure(found), found <= self.most


@dataclass(frozen=True, slots=True)
class Within:
    """What `ours` needs of one quantity is less than `most`, in milliseconds."""

    ours: str
    quantity: Quantity
    most: float

    @property
    def concerned(self) -> tuple[str, ...]:
        return (self.ours,)

    @property
    def told(self) -> str:
        return f"{self.quantity.value}: under {self.most:g} ms"

    def judged(self, ours: Measured) -> tuple[str, bool]:
        found = self.quantity.of(ours) * 1000
        return f"{figure(found)} ms", found < self.most


Target = Faster | NoMore | Within


class Quantity(Enum):
    """What is the less the better. Times in seconds."""

    P50 = "median time of an answer"
    P99 = "time of the slowest hundredth"
    STARTED = "time to the first answer"
    MEMORY = "memory"

    def of(self, one: Measured) -> float:
        match self:
            case Quantity.P50:
                return p50(one).median
            case Quantity.P99:
                return p99(one).median
            case Quantity.STARTED:
                return one.started
            case Quantity.MEMORY:
                return one.memory


@dataclass(frozen=True, slots=True)
class Verdict:
    """`found` and `held` are None where one of those concerned was not measured, or answered wrongly."""

    concerned: str
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
    """Of the requests per second, in the rounds that both have."""
    return Spread.of([a.rate / b.rate for a, b in zip(ours.loads, theirs.loads, strict=False) if b.rate])


def usable(measured: Measured) -> bool:
    return not measured.why_not and any(load.rate for load in measured.loads)


def verdict(target: Target, found: Mapping[str, Measured]) -> Verdict:
    those = [found[name] for name in target.concerned if name in found]
    concerned = " : ".join(one.title for one in those) or ", ".join(target.concerned)
    if len(those) < len(target.concerned) or not all(map(usable, those)):
        return Verdict(concerned, target.told, None, None)
    told, held = target.judged(*those)
    return Verdict(concerned, target.told, told, held)


def told_of(spread: Spread) -> str:
    return f"{figure(spread.median)} ({figure(spread.least)} to {figure(spread.most)})"


def figure(value: float) -> str:
    """With as many digits as matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
