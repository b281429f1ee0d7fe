"""What a session can do, wherever it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.limits.counters import Charge
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.state.interface import Prepared, Turn

API = ("api", "192.0.2.1")
LOGIN = ("login", "192.0.2.1")
ENTRY = Entry(1.0, "default", "anonymous", "GET", "/x", 200, "recorded", "recorded; exchange=7", 7, "tape")


@dataclass
class Notes:
    texts: list[str] = field(default_factory=list)


def prepared(session: Session, *most: int) -> Prepared:
    charges = [Charge(key, 10_000, limit) for key, limit in zip((API, LOGIN), most, strict=False)]
    return Prepared(session.revision, [Turn("tape", None, until=8)], charges, [("tape", b"key", 7)])


def test_the_revision_moves_with_clock_and_memory_alone() -> None:
    session, seen = Session("default"), set[int]()
    for change in (
        lambda: session.clock.advance(1),
        lambda: session.clock.freeze(True),
        lambda: session.clock.set(5.0),
        session.reset,
    ):
        seen.add(session.revision)
        change()
        assert session.revision not in seen
    before = session.revision
    session.in_cassette("tape").note(b"key", 7)
    session.counters.charge([Charge(API, 1000, 50)], 0)
    session.recall(Notes)
    assert session.revision == before
    with session.changing(Notes) as notes:
        notes.texts.append("seen")
    assert session.revision not in (*seen, before)
    assert session.recall(Notes).texts == ["seen"]


def test_a_prepared_answer_is_given_at_once() -> None:
    session = Session("default")
    first, second = session.give(prepared(session, 2, 1), ENTRY) or ()
    assert (first.used, second.used) == (1, 1)
    assert session.in_cassette("tape").reached(b"key") == 7
    assert session.journal.answered_at("tape", 7) == 1.0


def test_a_prepared_answer_does_nothing_once_it_is_stale_or_a_limit_would_be_over() -> None:
    session = Session("default")
    session.in_cassette("tape").note(b"key", 7)
    stale = prepared(session, 50)
    session.clock.advance(1)
    assert session.give(stale, ENTRY) is None
    assert session.give(prepared(session, 50, 1), ENTRY) is not None
    assert session.give(prepared(session, 50, 1), ENTRY) is None
    assert {key: window.used for key, window in session.counters.open(1000)} == {
        API: 1,
        LOGIN: 1,
    }
    assert len(session.journal.entries) == 1
    session.in_cassette("tape").note(b"other", 9)
    assert session.give(prepared(session, 50, 2), ENTRY) is None
