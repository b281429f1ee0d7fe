"""Which of several recordings comes next: sequences, recorded time, and reads after writes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from peertape.cassettes.store import Candidate
from peertape.proxy.engine.matching import Match, Tier
from peertape.proxy.engine.session import Progress

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Repeat(StrEnum):
    """What repeated identical requests get."""

    SEQUENCE = "sequence"  # the recorded answers in order, then the last one again and again
    LAST = "last"
    FIRST = "first"


def choose(
    match: Match, key: bytes, identity: str, progress: Progress, repeat: Repeat = Repeat.SEQUENCE, *, peek: bool = False
) -> Candidate:
    """The recording to answer with. `peek` asks for the present one, without moving on (HEAD, Range)."""
    pool = match.candidates
    if repeat is Repeat.LAST:
        return pool[-1]
    if repeat is Repeat.FIRST:
        return pool[0]
    if pool[0].method in SAFE:
        pool = after_write(pool, progress.last_write.get(identity, 0))
    reached = progress.positions.get(key, 0) if match.tier is Tier.EXACT else progress.last_played
    if peek:
        return next((candidate for candidate in reversed(pool) if candidate.id <= reached), pool[0])
    return next((candidate for candidate in pool if candidate.id > reached), pool[-1])


def latest(match: Match) -> Candidate:
    """On a timeline, the last answer that was known counts."""
    return match.candidates[-1]


def played(candidate: Candidate, key: bytes, writer: str, progress: Progress) -> None:
    """Notes that a recording was given as an answer; `writer` is the identity whose reads a write divides."""
    progress.positions[key] = candidate.id
    progress.last_played = candidate.id
    if candidate.method not in SAFE and candidate.status is not None and 200 <= candidate.status < 300:
        progress.last_write[writer] = max(candidate.id, progress.last_write.get(writer, 0))


def after_write(pool: Sequence[Candidate], write: int) -> tuple[Candidate, ...]:
    """What was recorded after the write; if nothing was, all."""
    return tuple(candidate for candidate in pool if candidate.id > write) or tuple(pool)
