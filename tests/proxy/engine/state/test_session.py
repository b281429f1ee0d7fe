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
    first, second = session.give(prepared(session, 2, 1), ENTRY, ENTRY.at) or ()
    assert (first.used, second.used) == (1, 1)
    assert session.in_cassette("tape").reached(b"key") == 7
    assert session.journal.answered_at("tape", 7) == 1.0


def test_a_prepared_answer_does_nothing_once_it_is_stale_or_a_limit_would_be_over() -> None:
    session = Session("default")
    session.in_cassette("tape").note(b"key", 7)
    stale = prepared(session, 50)
    session.clock.advance(1)
    assert session.give(stale, ENTRY, ENTRY.at) is None
    assert session.give(prepared(session, 50, 1), ENTRY, ENTRY.at) is not None
    assert session.give(prepared(session, 50, 1), ENTRY, ENTRY.at) is None
    assert {key: window.used for key, window in session.counters.open(1000)} == {
        API: 1,
        LOGIN: 1,
    }
    assert len(session.journal.entries) == 1
    session.in_cassette("tape").note(b"other", 9)
    assert session.give(prepared(session, 50, 2), ENTRY, ENTRY.at) is None


def test_a_prepared_answer_is_given_as_long_as_it_is_its_turn() -> None:
    session = Session("default")
    tape = session.in_cassette("tape")
    again = Prepared(session.revision, [Turn("tape", b"key", since=7, until=9)], [], [("tape", b"key", 7)])
    tape.note(b"key", 7)
    for at in (2.0, 3.0, 4.0):
        assert session.give(again, ENTRY, at) == []
    assert session.journal.answered_at("tape", 7) == 4.0
    tape.note(b"other", 8)
    assert tape.reached(None) == 8
    assert session.give(again, ENTRY, 5.0) == []
    assert (tape.reached(None), tape.reached(b"other")) == (7, 8)
    tape.note(b"key", 8)
    assert session.give(again, ENTRY, 6.0) == []  # 8 is before 9: it is the next one still
    assert tape.reached(b"key") == 7
    tape.note(b"key", 9)
    assert session.give(again, ENTRY, 7.0) is None
    assert [entry.at for entry in session.journal.entries] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert session.journal.sources == {"recorded": 5}


def test_the_moment_of_an_answer_in_a_journal_is_its_own() -> None:
    session = Session("default")
    again = prepared(session)
    for at in (2.0, 3.0):
        session.give(again, ENTRY, at)
    session.journal.add(ENTRY._replace(exchange=8, at=4.0))
    assert list(session.journal.entries) == [
        ENTRY._replace(at=2.0),
        ENTRY._replace(at=3.0),
        ENTRY._replace(exchange=8, at=4.0),
    ]
    assert session.journal.used == 2
    session.reset()
    assert list(session.journal.entries) == []
    assert session.journal.answered_at("tape", 7) is None
