"""What is played of a script, and when: laws that hold for every conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.proxy.engine.choice import Repeat
from peertape.proxy.engine.clock import Clock
from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.sockets.performance import Pace, Performance
from peertape.proxy.engine.sockets.script import AT_ONCE, Line, Script, Write, parts_of

BEGAN = 1000.0


@dataclass
class Hands:
    """Of a clock that only the test moves."""

    at: float = 5000.0
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.session = Session("test", Clock(real=lambda: self.at))


@pytest.fixture
def hands() -> Hands:
    return Hands()


def no_write(after: float, until: float) -> Write | None:  # noqa: ARG001
    return None


def client(at: float, said: str, subject: str | None = None) -> Line[str]:
    return Line(BEGAN + at, True, said, said, subject)


def server(at: float, said: str, subject: str | None = None, *, answer: bool = False) -> Line[str]:
    return Line(BEGAN + at, False, said, None, subject, answer)


def script(*lines: Line[str], key: str = "a", write: Callable[[float, float], Write | None] = no_write) -> Script[str]:
    return Script(key, "tape", 1, BEGAN, parts_of(BEGAN, lines, write))


def taken(performance: Performance[str]) -> list[str]:
    return [cue.said for cue in performance.take()]


def test_what_is_said_upon_the_opening_comes_after_its_delay(hands: Hands) -> None:
    performance = Performance([script(server(0.1, "hello"), server(10, "news"))], hands.session, Pace())
    assert taken(performance) == ["hello"]
    assert performance.due_next() == hands.at + 10
    hands.at += 9.9
    assert taken(performance) == []
    hands.at += 0.1
    assert taken(performance) == ["news"]
    assert performance.due_next() is None


def test_an_answer_comes_at_once_and_what_follows_later_by_the_clock(hands: Hands) -> None:
    lines = (client(1, "ask"), server(1.1, "answer"), server(3, "later"))
    performance = Performance([script(*lines)], hands.session, Pace())
    assert taken(performance) == []
    assert performance.hear("ask", "ask")
    hands.session.clock.freeze(True)
    assert taken(performance) == ["answer"]
    hands.at += 100
    assert taken(performance) == []  # the clock stands still
    hands.session.clock.advance(2)
    assert taken(performance) == ["later"]


@pytest.mark.parametrize(("scale", "after"), [(1.0, 10.0), (0.5, 5.0), (0.0, 0.0), (3.0, 30.0)])
def test_delays_are_scaled(hands: Hands, scale: float, after: float) -> None:
    performance = Performance([script(server(10, "news"))], hands.session, Pace(scale))
    assert performance.due_next() == hands.at + after


def test_an_answer_by_the_protocol_waits_for_nothing_however_slow_it_was(hands: Hands) -> None:
    performance = Performance([script(client(0, "hi"), server(4, "ack", answer=True))], hands.session, Pace())
    performance.hear("hi", "hi")
    assert taken(performance) == ["ack"]


def test_what_was_never_said_starts_nothing(hands: Hands) -> None:
    performance = Performance([script(client(1, "ask"), server(1.1, "answer"))], hands.session, Pace())
    assert not performance.hear("another", "another")
    assert performance.due_next() is None


def test_in_turn_the_next_line_stands_for_what_is_not_found(hands: Hands) -> None:
    lines = (client(1, "one"), server(1, "1"), client(2, "two"), server(2, "2"))
    performance = Performance([script(*lines)], hands.session, Pace())
    assert performance.hear("a stamp 17", "a stamp 17", in_turn=True)
    assert performance.hear("a stamp 18", "a stamp 18", in_turn=True)
    assert taken(performance) == ["1", "2"]
    assert not performance.hear("a stamp 19", "a stamp 19", in_turn=True)


def test_a_message_belongs_to_what_was_said_about_the_same_subject(hands: Hands) -> None:
    lines = (client(1, "announce A", "A"), client(2, "scrape B", "B"), server(3, "offer for A", "A"))
    performance = Performance([script(*lines)], hands.session, Pace())
    performance.hear("announce A", "announce A")
    hands.at += 2
    assert taken(performance) == ["offer for A"]


def test_repeated_conversations_are_a_sequence_whose_last_stays(hands: Hands) -> None:
    scripts = [script(server(0, name), key=name) for name in ("first", "second")]
    played = [taken(Performance(scripts, hands.session, Pace())) for _ in range(4)]
    assert played == [["first"], ["second"], ["second"], ["second"]]
    assert taken(Performance(scripts, hands.session, Pace(repeat=Repeat.FIRST))) == ["first"]
    hands.session.reset()
    assert taken(Performance(scripts, hands.session, Pace(repeat=Repeat.LAST))) == ["second"]
    assert taken(Performance(scripts, hands.session, Pace())) == ["first"]


def test_what_another_conversation_knows_is_taken_from_there(hands: Hands) -> None:
    scripts = [script(client(1, "a"), server(1, "A"), key="1"), script(client(1, "b"), server(1, "B"), key="2")]
    performance = Performance(scripts, hands.session, Pace())
    assert performance.hear("b", "b")
    assert performance.hear("a", "a")
    assert taken(performance) == ["B", "A"]


def test_what_was_taken_back_is_not_said(hands: Hands) -> None:
    performance = Performance([script(client(1, "subscribe"), server(9, "news"))], hands.session, Pace())
    performance.hear("subscribe", "subscribe")
    performance.forget("subscribe")
    assert performance.due_next() is None


class TestWrites:
    """A message that was recorded right after a write comes right after that write, if the session plays it."""

    WRITE = Write("tape", 7, BEGAN + 8.9)
    LINES = (client(1, "connect"), server(5, "before"), server(9, "raised"), server(20, "after"))

    def play(self, hands: Hands) -> Performance[str]:
        def last_write(after: float, until: float) -> Write | None:
            return self.WRITE if after < self.WRITE.at <= until else None

        performance = Performance([script(*self.LINES, write=last_write)], hands.session, Pace())
        performance.hear("connect", "connect")
        return performance

    def write(self, hands: Hands) -> None:
        at = hands.session.clock.now()
        hands.session.journal.add(Entry(at, "test", "user", "POST", "/x", 200, "recorded", "", 7, "tape"))

    def test_unplayed_it_does_not_matter(self, hands: Hands) -> None:
        performance = self.play(hands)
        hands.at += 7.9
        assert taken(performance) == ["before"]
        hands.at += 0.1
        assert taken(performance) == ["raised"]

    def test_played_it_raises_the_message_and_all_that_came_before(self, hands: Hands) -> None:
        performance = self.play(hands)
        hands.at += 1
        self.write(hands)
        assert taken(performance) == ["before", "raised"]
        assert performance.due_next() == pytest.approx(hands.at + 18)

    def test_played_before_the_client_connected_it_was_for_another(self, hands: Hands) -> None:
        self.write(hands)
        hands.at += 1
        assert taken(self.play(hands)) == []


times = st.floats(0, 100, allow_nan=False)


@st.composite
def conversations(draw: st.DrawFn) -> list[Line[str]]:
    """Any conversation; each line says something of its own."""
    sides = draw(st.lists(st.booleans(), max_size=12))
    moments = sorted(draw(st.lists(times, min_size=len(sides), max_size=len(sides))))
    lines = (client if side else server for side in sides)
    return [line(at, f"{number}") for number, (line, at) in enumerate(zip(lines, moments, strict=True))]


def played_whole(hands: Hands, lines: Sequence[Line[str]]) -> list[tuple[float, str]]:
    """A client that says at its time what was recorded; what it gets, and when."""
    performance = Performance([script(*lines)], hands.session, Pace())
    started, heard = hands.at, list[tuple[float, str]]()

    def until(moment: float) -> None:
        while (due := performance.due_next()) is not None and due <= moment:
            hands.at = max(hands.at, due)
            heard.extend((hands.at - started, said) for said in taken(performance))
        hands.at = max(hands.at, moment)

    for line in lines:
        if line.from_client:
            until(started + line.at - BEGAN)
            performance.hear(line.said, line.said)
    until(started + 1000)
    return heard


@given(conversations())
def test_everything_is_said_once_in_order_and_at_its_time(lines: list[Line[str]]) -> None:
    said = [line for line in lines if not line.from_client]
    heard = played_whole(Hands(), lines)
    assert sorted(text for _, text in heard) == sorted(line.said for line in said)
    at = {text: moment for moment, text in heard}
    for line in said:
        assert line.at - BEGAN - AT_ONCE - 1e-6 <= at[line.said] <= line.at - BEGAN + 1e-6


@given(conversations())
def test_replies_to_one_message_keep_their_order(lines: list[Line[str]]) -> None:
    order = [text for _, text in played_whole(Hands(), lines)]
    for part in script(*lines).parts:
        replies = [reply.said for reply in part.replies]
        assert [text for text in order if text in replies] == replies


@given(conversations())
def test_without_delays_nothing_is_left_waiting(lines: list[Line[str]]) -> None:
    hands = Hands()
    performance = Performance([script(*lines)], hands.session, Pace(0.0))
    out = taken(performance)
    for line in lines:
        if line.from_client:
            performance.hear(line.said, line.said)
            out += taken(performance)
    assert sorted(out) == sorted(line.said for line in lines if not line.from_client)
    assert performance.due_next() is None
