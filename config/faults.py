"""Faults and latency as users write them: `503*2@GET /api/v1/videos`, `lognormal(120ms,0.6)`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from peertape.config.patterns import Pattern, PatternError, pattern

EXPIRED_TOKEN, RESET, CUT_BODY, STALL = "expired-token", "reset", "cut-body", "stall"
NAMED = (EXPIRED_TOKEN, RESET, CUT_BODY, STALL)
FIRST_STATUS, LAST_STATUS = 200, 599  # what is below is no final answer
LONGEST_DELAY = 3600.0  # seconds
LARGEST_SIGMA = 10.0

_EXAMPLE = re.compile(r"[^/\s]+")
_HEAD = re.compile(r"(?P<name>[^*=]*)(?:\*(?P<times>[^=]*))?(?:=(?P<probability>.*))?", re.DOTALL)
_TIMES = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?", re.ASCII)
_DURATION = re.compile(rf"({_NUMBER.pattern})(ms|s)", re.ASCII)
_LOGNORMAL = re.compile(rf"lognormal\(\s*(.+?)\s*,\s*({_NUMBER.pattern})\s*\)", re.ASCII)


class FaultError(ValueError):
    """A fault or a latency that cannot be read; its text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`times` None: without end. `probability`: of striking a request that it could strike.

    `name`: a status, one of NAMED, or a documented error of the route: `403/video_requires_password`.
    """

    name: str
    times: int | None = None
    probability: float = 1.0
    where: Pattern | None = None

    @property
    def status(self) -> int | None:
        """The status that it answers with; None for the faults with names."""
        return None if self.name in NAMED else int(self.name.partition("/")[0])

    @property
    def example(self) -> str | None:
        """The name of the documented error."""
        return self.name.partition("/")[2] or None

    @property
    def is_random(self) -> bool:
        return self.probability < 1

    def is_for(self, method: str, path: str) -> bool:
        return self.where is None or self.where.matches(method, path)

    def __str__(self) -> str:
        times = "" if self.times is None else f"*{self.times}"
        probability = f"={self.probability!r}" if self.is_random else ""
        return f"{self.name}{times}{probability}{'' if self.where is None else f'@{self.where.text}'}"


def fault(text: str) -> Fault:
    """Reads NAME[*TIMES][=PROBABILITY][@PATTERN]; raises FaultError."""
    head, at, where = text.strip().partition("@")
    found = _HEAD.fullmatch(head.strip())
    assert found is not None
    return Fault(
        _name(text, found["name"].strip()),
        _times(text, found["times"]),
        _probability(text, found["probability"]),
        _where(text, at, where),
    )


def _name(text: str, name: str) -> str:
    if name in NAMED:
        return name
    status, slash, example = name.partition("/")
    if re.fullmatch(r"[0-9]{3}", status, re.ASCII):
        if slash and not _EXAMPLE.fullmatch(example):
            raise FaultError(f"{text!r} is no fault: behind '/' stands an error's name; see `peertape errors`.")
        if FIRST_STATUS <= int(status) <= LAST_STATUS:
            return name
        raise FaultError(f"{text!r} is no fault: a status that answers lies from {FIRST_STATUS} to {LAST_STATUS}.")
    raise FaultError(
        f"{text!r} is no fault: write a status such as 503 or 429, a documented error such as "
        f"403/video_requires_password, or one of {', '.join(NAMED)}."
    )


def _times(text: str, times: str | None) -> int | None:
    if times is None:
        return None
    if not _TIMES.fullmatch(times.strip()):
        raise FaultError(f"{text!r} is no fault: behind '*' stands how often, for example 503*2.")
    return int(times)


def _probability(text: str, probability: str | None) -> float:
    if probability is None:
        return 1.0
    value = float(probability) if _NUMBER.fullmatch(probability.strip()) else 0.0
    if not 0 < value <= 1:
        raise FaultError(f"{text!r} is no fault: behind '=' stands how likely, above 0 and at most 1, as in 503=0.2.")
    return value


def _where(text: str, at: str, where: str) -> Pattern | None:
    if not at:
        return None
    try:
        return pattern(where)
    except PatternError as error:
        raise FaultError(f"{text!r} is no fault: {error}") from error


class Kind(StrEnum):
    NONE = "none"
    RECORDED = "recorded"  # as long as the recorded answer took
    FIXED = "fixed"
    LOGNORMAL = "lognormal"


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers take. `seconds`: always, or the median; `sigma`: of the logarithm."""

    kind: Kind = Kind.NONE
    seconds: float = 0.0
    sigma: float = 0.0

    @property
    def is_random(self) -> bool:
        return self.kind is Kind.LOGNORMAL

    def __str__(self) -> str:
        match self.kind:
            case Kind.FIXED:
                return _spelled(self.seconds)
            case Kind.LOGNORMAL:
                return f"lognormal({_spelled(self.seconds)},{self.sigma!r})"
            case _:
                return self.kind.value


NO_LATENCY = Latency()


def latency(text: str) -> Latency:
    """Reads none, recorded, 200ms, 1.5s or lognormal(120ms,0.6); raises FaultError."""
    wish = text.strip()
    if wish in (Kind.NONE, Kind.RECORDED):
        return Latency(Kind(wish))
    if found := _LOGNORMAL.fullmatch(wish):
        sigma = float(found[2])
        if sigma > LARGEST_SIGMA:
            raise FaultError(f"{text!r} is no latency: sigma is at most {LARGEST_SIGMA:g}.")
        return Latency(Kind.LOGNORMAL, _seconds(text, found[1]), sigma)
    return Latency(Kind.FIXED, _seconds(text, wish))


def _seconds(text: str, duration: str) -> float:
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise FaultError(f"{text!r} is no latency: write none, recorded, 200ms, 1.5s or lognormal(120ms,0.6).")
    seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
    if not seconds <= LONGEST_DELAY or not math.isfinite(seconds):
        raise FaultError(f"{text!r} is no latency: nobody waits longer than {LONGEST_DELAY:g}s.")
    return seconds


def _spelled(seconds: float) -> str:
    """In whole milliseconds where that says it."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds / 1000 == seconds else f"{seconds!r}s"
