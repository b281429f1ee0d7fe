"""Which of several recordings comes next: sequences, recorded time, and reads after writes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from peertape.cassettes.candidates import Candidate
from peertape.proxy.engine.matching import Match, Tier
from peertape.proxy.engine.model import SAFE
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.state.interface import UNENDING, Turn


class Repeat(StrEnum):
    """What repeated identical requests get."""

    SEQUENCE = "sequence"  # the recorded answers in order, then the last one again and again
    LAST = "last"
    FIRST = "first"


@dataclass(slots=True)
class Writes:
    """The last successful writes of a session: by cassette and identity, the ids of exchanges."""

    last: dict[tuple[str, str], int] = field(default_factory=dict)


def last_write(session: Session, cassette: str, identity: str) -> int:
    """0: none."""
    return session.recall(Writes).last.get((cassette, identity), 0)


def reached(session: Session, cassette: str, key: bytes, identity: str, tier: Tier) -> set[int]:
    """The exchanges from which a choice among recordings of that key goes on."""
    progress = session.in_cassette(cassette)
    return {progress.reached(key if tier is Tier.EXACT else None), last_write(session, cassette, identity)}


@dataclass(frozen=True, slots=True)
class Chosen:
    """`turns`: when it is chosen; always, if there are none."""

    candidate: Candidate
    turns: tuple[Turn, ...] = ()


def choose(
    match: Match, key: bytes, identity: str, session: Session, repeat: Repeat = Repeat.SEQUENCE, *, peek: bool = False
) -> Chosen:
    """The recording to answer with, which counts as played. `peek` asks for the present one, without moving on (HEAD,
    Range).
    """
    progress = session.in_cassette(match.cassette.name)
    pool = match.candidates
    chosen = {Repeat.LAST: pool[-1], Repeat.FIRST: pool[0]}.get(repeat)
    if chosen is None and pool[0].method in SAFE:
        pool = after_write(pool, last_write(session, match.cassette.name, identity))
    if chosen is None and len(pool) == 1:
        chosen = pool[0]
    is_exact = match.tier is Tier.EXACT
    if chosen is not None:
        if not peek:
            progress.note(key, chosen.id)
        return Chosen(chosen)
    ids = [candidate.id for candidate in pool]
    if peek:
        reached = progress.reached(key if is_exact else None)
        at = max(0, bisect_right(ids, reached) - 1)
        present = [0, *ids[1:], UNENDING]
    else:
        at = ids.index(progress.take(ids, key, in_all=not is_exact))
        present = [0, *ids[:-1], UNENDING]
    turn = Turn(match.cassette.name, key if is_exact else None, present[at], present[at + 1])
    return Chosen(pool[at], (turn,))


def latest(match: Match) -> Candidate:
    """On a timeline, the last answer that was known counts."""
    return match.candidates[-1]


def played(candidate: Candidate, key: bytes, cassette: str, writer: str, session: Session) -> None:
    """Notes that a recording, which was found otherwise, was given as an answer."""
    session.in_cassette(cassette).note(key, candidate.id)
    written(candidate, cassette, writer, session)


def written(candidate: Candidate, cassette: str, writer: str, session: Session) -> None:
    """Notes that it was given if it is a write; `writer` is the identity whose reads it divides."""
    is_write = candidate.method not in SAFE and candidate.status is not None and 200 <= candidate.status < 300
    if is_write and last_write(session, cassette, writer) < candidate.id:
        with session.changing(Writes) as writes:
            writes.last[cassette, writer] = candidate.id


def after_write(pool: Sequence[Candidate], write: int) -> tuple[Candidate, ...]:
    """What was recorded after the write; if nothing was, all."""
    return tuple(candidate for candidate in pool if candidate.id > write) or tuple(pool)
