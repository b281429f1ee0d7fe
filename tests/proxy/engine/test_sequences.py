"""What comes next: sequences, recorded time, reads after writes, the timeline, sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes import keyed
from peertape.cassettes.bodies import read
from peertape.cassettes.candidates import Candidate
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import State
from peertape.proxy.engine import matching
from peertape.proxy.engine.choice import Chosen, Repeat, Writes, choose
from peertape.proxy.engine.matching import Match, Tier
from peertape.proxy.engine.model import Request, Source
from peertape.proxy.engine.session import MOST, LocalProgress, Session, Sessions, session_name

Play = Callable[..., Any]


def test_repeated_requests_play_in_order_and_the_last_stays(tape: Any, play: Play) -> None:
    for answer in ("first", "second", "third"):
        tape.add("GET", "/api/v1/jobs/a", answer)
    player = play(tape)
    assert [player.value("/api/v1/jobs/a") for _ in range(5)] == ["first", "second", "third", "third", "third"]


@pytest.mark.parametrize(("repeat", "expected"), [(Repeat.FIRST, "first"), (Repeat.LAST, "second")])
def test_repeat(tape: Any, play: Play, repeat: Repeat, expected: str) -> None:
    tape.add("GET", "/api/v1/jobs/a", "first")
    tape.add("GET", "/api/v1/jobs/a", "second")
    player = play(tape, repeat=repeat)
    assert [player.value("/api/v1/jobs/a") for _ in range(2)] == [expected] * 2


def test_a_recorded_429_never_enters_a_sequence(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/videos", "first")
    tape.add("GET", "/api/v1/videos", "too many", 429)
    tape.add("GET", "/api/v1/videos", "second")
    tape.add("GET", "/api/v1/only", "too many", 429)
    player = play(tape)
    assert [player.value("/api/v1/videos") for _ in range(3)] == ["first", "second", "second"]
    assert player.get("/api/v1/only").source is Source.MISS


def test_a_read_after_a_write_prefers_what_was_recorded_after_it(tape: Any, play: Play) -> None:
    tape.login("alice", "a" * 40)
    tape.add("GET", "/api/v1/users/me/about", "before", token="a" * 40)
    tape.add("GET", "/api/v1/users/me/about", "still before", token="a" * 40)
    tape.add("GET", "/api/v1/users/me/quota", "only before", token="a" * 40)
    tape.add("PUT", "/api/v1/users/me", "", 204, token="a" * 40, body={"description": "new"})
    tape.add("GET", "/api/v1/users/me/about", "after", token="a" * 40)
    player = play(tape)
    assert player.value("/api/v1/users/me/about", token="a" * 40) == "before"
    assert player.ask("PUT", "/api/v1/users/me", token="a" * 40, body={"description": "new"}).status == 204
    assert player.value("/api/v1/users/me/about", token="a" * 40) == "after"
    assert player.value("/api/v1/users/me/quota", token="a" * 40) == "only before"


def test_the_write_of_another_user_divides_nothing(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/x", "before")
    tape.login("alice", "a" * 40)
    tape.add("POST", "/api/v1/y", "", 204, token="a" * 40)
    tape.add("GET", "/api/v1/x", "after")
    player = play(tape)
    player.ask("POST", "/api/v1/y", token="a" * 40)
    assert player.value("/api/v1/x") == "before"


def test_a_refused_write_divides_nothing(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/x", "before")
    tape.add("POST", "/api/v1/y", "no", 400)
    tape.add("GET", "/api/v1/x", "after")
    player = play(tape)
    player.ask("POST", "/api/v1/y")
    assert player.value("/api/v1/x") == "before"


def test_candidates_of_the_second_tier_follow_recorded_time(tape: Any, play: Play) -> None:
    gzip = (("Accept-Encoding", "gzip"),)
    tape.add("GET", "/api/v1/poll", "one", headers=gzip)
    tape.add("GET", "/api/v1/between", "between", headers=gzip)
    tape.add("GET", "/api/v1/poll", "two", headers=gzip)
    tape.add("GET", "/api/v1/poll", "three", headers=gzip)
    player = play(tape)
    assert player.value("/api/v1/between") == "between"
    assert [player.value("/api/v1/poll") for _ in range(3)] == ["two", "three", "three"]


def test_head_and_range_do_not_move_on_and_a_conditional_request_does(tape: Any, play: Play) -> None:
    for text in (b"one", b"two"):
        tape.add(
            "GET", "/static/x", text, response_headers=(("Accept-Ranges", "bytes"), ("ETag", f'W/"{text.decode()}"'))
        )
    player = play(tape)
    assert read(player.get("/static/x").body) == b"one"
    assert player.ask("HEAD", "/static/x").headers.get("ETag") == 'W/"one"'
    part = player.get("/static/x", headers=(("Range", "bytes=0-0"),))
    assert (part.status, read(part.body), part.source) == (206, b"o", Source.DERIVED)
    changed = player.get("/static/x", headers=(("If-None-Match", 'W/"one"'),))
    assert (changed.status, read(changed.body)) == (200, b"two")
    same = player.get("/static/x", headers=(("If-None-Match", 'W/"two"'),))
    assert (same.status, same.source_text) == (304, "derived; exchange=2; match=tolerant; derived=304") or (
        same.status == 304 and same.source is Source.DERIVED
    )


def test_sessions_do_not_see_each_other(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/jobs/a", "first")
    tape.add("GET", "/api/v1/jobs/a", "second")
    player = play(tape)
    assert player.value("/api/v1/jobs/a", session="t1") == "first"
    assert player.value("/api/v1/jobs/a", session="t1") == "second"
    assert player.value("/api/v1/jobs/a", session="t2") == "first"
    player.session("t1").reset()
    assert player.value("/api/v1/jobs/a", session="t1") == "first"
    assert player.value("/api/v1/jobs/a", session="t2") == "second"
    assert len(player.session("t2").journal.entries) == 2
    assert len(player.session("t1").journal.entries) == 1


def test_the_timeline_knows_nothing_of_later(tape: Any, play: Play) -> None:
    tape.add("GET", "/api/v1/x", "first")  # answered at 1000000.5
    tape.add("GET", "/api/v1/y", "y")
    tape.add("GET", "/api/v1/x", "second")  # answered at 1000002.5
    player = play(tape)
    clock = player.session().clock
    clock.set(1_000_001.0)
    clock.freeze(stop=True)
    assert player.value("/api/v1/x") == "first"
    assert player.value("/api/v1/x") == "first"
    assert player.get("/api/v1/y").source is Source.MISS
    clock.set(1_000_003.0)
    assert player.value("/api/v1/x") == "second"
    player.session().reset()
    assert player.value("/api/v1/x") == "first"


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ((("Host", "127.0.0.1:8990"),), "default"),
        ((("Host", "localhost:8990"),), "default"),
        ((("Host", "t17.localhost:8990"),), "t17"),
        ((("Host", "T17.localhost"),), "t17"),
        ((("Host", "t17.localhost:8990"), ("peertape-session", "mine")), "mine"),
        ((("Host", "tube.example"),), "default"),
    ],
)
def test_which_session_a_request_names(headers: tuple[tuple[str, str], ...], name: str) -> None:
    asked = Request("GET", "/", Headers(headers))
    assert session_name(asked) == name
    assert Sessions().of(asked).name == name


class Named:
    name = "tape"


def candidates(numbers: list[int], method: str = "GET") -> tuple[Candidate, ...]:
    return tuple(
        Candidate(n, State.COMPLETE, method, "/", "http", "h", 200, None, float(n), float(n), b"", b"")
        for n in sorted(set(numbers))
    )


@given(st.lists(st.integers(1, 100), min_size=1), st.sampled_from([Tier.EXACT, Tier.IDENTITY]))
def test_playing_in_order_gives_each_once_and_then_the_last(numbers: list[int], tier: Tier) -> None:
    match = Match(Named(), tier, candidates(numbers))  # type: ignore[arg-type]
    session = Session("default")
    given_ids = []
    for _ in range(len(match.candidates) + 2):
        given_ids.append(choose(match, b"k", "anonymous", session).candidate.id)
    expected = sorted(set(numbers))
    assert given_ids == [*expected, expected[-1], expected[-1]]


@given(st.lists(st.integers(1, 100), min_size=1), st.integers(0, 120), st.integers(0, 120))
def test_a_write_never_hides_the_only_candidate(numbers: list[int], write: int, reached: int) -> None:
    match = Match(Named(), Tier.TOLERANT, candidates(numbers))  # type: ignore[arg-type]
    session = Session("default", progress={"tape": LocalProgress(last_played=reached)})
    session.recall(Writes).last["tape", "anonymous"] = write
    chosen = choose(match, b"k", "anonymous", session).candidate
    later = [n for n in numbers if n > write]
    assert chosen.id in numbers
    assert not later or chosen.id > write
    assert choose(match, b"k", "anonymous", session, peek=True).candidate.id in numbers


@given(
    st.lists(st.integers(1, 30), min_size=1),
    st.integers(0, 35),
    st.integers(0, 35),
    st.booleans(),
    st.sampled_from([Tier.EXACT, Tier.TOLERANT]),
)
def test_a_choice_tells_when_it_is_made(numbers: list[int], reached: int, later: int, peek: bool, tier: Tier) -> None:
    match = Match(Named(), tier, candidates(numbers))  # type: ignore[arg-type]

    def chosen(at: int) -> Chosen:
        session = Session("default", progress={"tape": LocalProgress({b"k": at}, at)})
        return choose(match, b"k", "anonymous", session, peek=peek)

    first, second = chosen(reached), chosen(later)
    is_due = all(turn.since <= later < turn.until for turn in first.turns)
    assert is_due == (first.candidate == second.candidate)


def test_the_session_that_was_named_longest_ago_is_forgotten_at_last() -> None:
    sessions = Sessions()
    first, second = sessions.get("first"), sessions.get("second")
    for number in range(MOST - 2):
        sessions.get(str(number))
    assert sessions.get("first") is first
    sessions.get("one more")
    assert len(sessions.names()) == MOST
    assert sessions.get("first") is first
    assert sessions.get("second") is not second


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three recordings are very many."""
    monkeypatch.setattr("peertape.cassettes.candidates.FEW", 2)
    monkeypatch.setattr(keyed, "PAGE", 2)
    monkeypatch.setattr(matching, "BESIDE", 1)


@pytest.mark.usefixtures("many")
def test_very_many_recordings_play_in_order_and_the_last_stays(tape: Any, play: Play) -> None:
    for number in range(9):
        tape.add("GET", "/api/v1/jobs/a", number)
        tape.add("GET", "/api/v1/jobs/a", "too many", 429)
    player = play(tape)
    assert [player.value("/api/v1/jobs/a") for _ in range(11)] == [*range(9), 8, 8]
    assert [player.value("/api/v1/jobs/a", session="other") for _ in range(2)] == [0, 1]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(("repeat", "expected"), [(Repeat.FIRST, 0), (Repeat.LAST, 5)])
def test_of_very_many_the_first_or_the_last(tape: Any, play: Play, repeat: Repeat, expected: int) -> None:
    for number in range(6):
        tape.add("GET", "/api/v1/jobs/a", number)
    player = play(tape, repeat=repeat)
    assert [player.value("/api/v1/jobs/a") for _ in range(2)] == [expected] * 2


@pytest.mark.usefixtures("many")
def test_of_very_many_recordings_of_others_those_of_the_user_are_found(tape: Any, play: Play) -> None:
    tokens = {name: name * 40 for name in "abcd"}
    for name, token in tokens.items():
        tape.login(name, token)
    for number in range(4):
        for token in tokens.values():
            tape.add("GET", "/api/v1/users/me", f"{token[0]} {number}", token=token)
    player = play(tape)
    more = (("X-Other", "header"),)
    assert [player.value("/api/v1/users/me", token=tokens["c"], headers=more) for _ in range(5)] == [
        *(f"c {number}" for number in range(4)),
        "c 3",
    ]


@pytest.mark.usefixtures("many")
def test_a_read_after_a_write_goes_on_behind_it_among_very_many(tape: Any, play: Play) -> None:
    tape.login("alice", "a" * 40)
    for number in range(5):
        tape.add("GET", "/api/v1/users/me/about", number, token="a" * 40)
    tape.add("PUT", "/api/v1/users/me", "", 204, token="a" * 40, body={"description": "new"})
    for number in range(5, 9):
        tape.add("GET", "/api/v1/users/me/about", number, token="a" * 40)
    player = play(tape)
    assert player.value("/api/v1/users/me/about", token="a" * 40) == 0
    assert player.ask("PUT", "/api/v1/users/me", token="a" * 40, body={"description": "new"}).status == 204
    assert [player.value("/api/v1/users/me/about", token="a" * 40) for _ in range(2)] == [5, 6]


@pytest.mark.usefixtures("many")
def test_the_same_meaning_among_very_many_other_queries(tape: Any, play: Play) -> None:
    for number in range(5):
        tape.add("GET", f"/api/v1/videos?sort=-likes&nsfw={number}", number)
        tape.add("GET", "/api/v1/videos?sort=-views", f"views {number}")
    player = play(tape)
    assert player.value("/api/v1/videos?nsfw=3&sort=%2Dlikes&start=0") == 3
    assert [player.value("/api/v1/videos?sort=%2Dviews&count=15") for _ in range(3)] == [
        "views 3",
        "views 4",
        "views 4",
    ]
