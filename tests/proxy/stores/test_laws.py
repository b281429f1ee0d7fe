"""What holds wherever sessions are kept, whichever of the workers does what."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peertape.proxy.engine.journal import KEPT, Entry, Messages, Nearest
from peertape.proxy.engine.limits.counters import MOST, Charge, LocalCounters
from peertape.proxy.engine.session import LocalProgress, Session
from peertape.proxy.engine.sockets.ending import Ending
from peertape.proxy.engine.sockets.model import Close
from peertape.proxy.engine.state.interface import Prepared, Turn
from peertape.proxy.engine.twin.contract import book
from peertape.proxy.engine.twin.deeds import Deed, Deeds
from peertape.proxy.engine.twin.tokens import Tokens

if TYPE_CHECKING:
    from tests.proxy.stores.conftest import Place

laws = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

API, LOGIN, OTHER = ("api", "192.0.2.1"), ("login", "192.0.2.1"), ("api", "2001:db8::1")
who = st.integers(0, 2)
keys = st.sampled_from([API, LOGIN, OTHER])
counting = st.tuples(who, st.lists(keys, min_size=1, max_size=2, unique=True), st.integers(0, 3000))


def entry(number: int = 7, source: str = "recorded", at: float = 5.0, target: str = "/x") -> Entry:
    return Entry(at, "s", "anonymous", "GET", target, 200, source, f"{source}; exchange={number}", number, "tape")


def begin(*workers: Session) -> None:
    """Each has a turn, in which it learns what the others did."""
    for worker in workers:
        with worker.turn():
            pass


@laws
@given(asked=st.lists(counting, max_size=20), most=st.integers(1, 5), back=st.sets(st.integers(0, 19)))
def test_windows_are_those_of_one_process(
    place: Place, asked: list[tuple[int, list[tuple[str, str]], int]], most: int, back: set[int]
) -> None:
    workers, model, now = place.workers(3), LocalCounters(), 1_000_000
    for number, (worker, charged, gap) in enumerate(asked):
        now += gap
        charges = [Charge(key, 2000, most) for key in charged]
        expected = [(w.opened, w.ends, w.used) for w in model.charge(charges, now)]
        windows = workers[worker].counters.charge(charges, now)
        assert [(w.opened, w.ends, w.used) for w in windows] == expected
        if number in back:
            workers[-1 - worker].counters.give_back(charged)
            model.give_back(charged)
    told = {key: (w.opened, w.ends, w.used) for key, w in workers[0].counters.open(now)}
    assert told == {key: (w.opened, w.ends, w.used) for key, w in model.open(now)}


def test_windows_are_bounded(place: Place) -> None:
    one, other = place.workers()
    for number in range(MOST + 5):
        one.counters.charge([Charge(("api", str(number)), 10**9, 50)], number)
    open_ones = [int(address) for (_, address), _ in other.counters.open(MOST + 5)]
    assert sorted(open_ones) == list(range(5, MOST + 5))
    one.counters.charge([Charge(("api", "late"), 1000, 50)], 10**12)
    assert [address for (_, address), _ in other.counters.open(10**12)] == ["late"]


def test_a_clock_that_is_set_back_begins_a_window_anew(place: Place) -> None:
    one, other = place.workers()
    one.counters.charge([Charge(API, 1000, 5)], 500_000)
    (window,) = other.counters.charge([Charge(API, 1000, 5)], 0)
    assert (window.opened, window.used) == (0, 1)


takes = st.tuples(who, st.sets(st.integers(1, 9), min_size=1), st.sampled_from([b"a", b"b\0"]), st.booleans())


@laws
@given(taken=st.lists(takes, max_size=15))
def test_sequences_are_those_of_one_process(place: Place, taken: list[tuple[int, set[int], bytes, bool]]) -> None:
    workers, model = place.workers(3), LocalProgress()
    for worker, pool, key, in_all in taken:
        progress = workers[worker].in_cassette("tape")
        assert progress.take(sorted(pool), key, in_all=in_all) == model.take(sorted(pool), key, in_all=in_all)
    for worker in workers:
        for place_of in (b"a", b"b\0", None):
            assert worker.in_cassette("tape").reached(place_of) == model.reached(place_of)
        assert worker.in_cassette("other").reached(None) == 0


def test_what_was_noted_counts_at_the_end_of_the_turn_and_in_it(place: Place) -> None:
    one, other = place.workers()
    with one.turn():
        one.in_cassette("tape").note(b"key", 4)
        assert one.in_cassette("tape").take([3, 4, 5, 6], b"key", in_all=False) == 5
        one.in_cassette("tape").note(b"key", 6)
    assert other.in_cassette("tape").reached(b"key") == 6


def test_the_journal_is_one(place: Place) -> None:
    one, other = place.workers()
    near = Nearest(3, "tape", "GET /y", ("path",))
    missed = Entry(6.5, "s", "user:ä", "POST", "/\udc80", 501, "miss", "miss", nearest=(near,))
    with one.turn():
        one.journal.add(entry())
    with other.turn():
        other.journal.add(missed)
    for worker in (one, other):
        assert list(worker.journal.entries) == [entry(), missed]
        assert list(worker.journal.unmatched()) == [missed]
        assert dict(worker.journal.sources) == {"recorded": 1, "miss": 1}
        assert worker.journal.used == 1
        assert worker.journal.answered_at("tape", 7) == 5.0
        assert worker.journal.answered_at("tape", 8) is None


def test_the_journal_keeps_the_last(place: Place) -> None:
    one, other = place.workers()
    with one.turn():
        for number in range(KEPT + 3):
            one.journal.add(entry(number))
    assert [known.exchange for known in other.journal.entries] == list(range(3, KEPT + 3))
    assert other.journal.sources["recorded"] == KEPT + 3


def test_messages_of_open_sockets_are_told_until_they_end(place: Place) -> None:
    one, other = place.workers()
    messages = Messages()
    with one.turn():
        one.journal.add(Entry(1.0, "s", "anonymous", "GET", "/s", 101, "recorded", "", 1, "tape", messages=messages))
    messages.sent = 2
    begin(one)
    assert other.journal.entries[0].messages == Messages(sent=2)
    messages.received, messages.ended = 1, True
    begin(one)
    assert other.journal.entries[0].messages == Messages(sent=2, received=1, ended=True)


def test_what_is_remembered_is_known_to_all_and_moves_the_revision(place: Place) -> None:
    one, other = place.workers()
    begin(one, other)
    before = other.revision
    with one.turn(alone=True), one.changing(Tokens) as tokens:
        tokens.revoked.add("t")
    begin(other)
    assert other.recall(Tokens).revoked == {"t"}
    assert other.revision == one.revision != before
    with other.changing(Tokens) as tokens:
        tokens.revoked.discard("t")
    begin(one)
    assert one.recall(Tokens).revoked == set()


def test_what_only_grows_is_told_piece_by_piece(place: Place) -> None:
    one, other = place.workers()
    contract = book("6.3").contracts[0]
    for number in range(12):
        with (one, other)[number % 2].changing(Deeds) as deeds:
            deeds.done.append(Deed(contract, {"number": number}, "alice"))
    begin(one)
    held = one.recall(Deeds)
    (late,) = place.workers(1, one.name)
    begin(late, other)
    for worker in (one, other, late):
        assert [deed.names["number"] for deed in worker.recall(Deeds).done] == list(range(12))
    with other.changing(Deeds) as deeds:
        deeds.done.append(Deed(contract, {"number": 12}, "alice"))
    begin(one)
    assert one.recall(Deeds) is held  # with the world that comes of it
    assert len(held.done) == 13


def test_limits_positions_and_journal_do_not_move_the_revision(place: Place) -> None:
    one, other = place.workers()
    begin(one, other)
    before = one.revision
    with other.turn():
        other.counters.charge([Charge(API, 1000, 5)], 0)
        other.in_cassette("tape").note(b"key", 4)
        other.journal.add(entry())
    begin(one)
    assert one.revision == before


def test_the_clock_is_one(place: Place) -> None:
    one, other = place.workers()
    rung: list[None] = []
    begin(one, other)
    with one.turn(alone=True):
        one.clock.freeze(True)
        one.clock.set(1_000.0)
    with other.notifier.subscribed(lambda: rung.append(None)):
        begin(other)
    assert (other.clock.now(), other.clock.timeline, other.clock.frozen) == (1_000.0, 1_000.0, True)
    assert rung or one is other
    with other.turn(alone=True):
        other.clock.reset()
    begin(one)
    assert not one.clock.frozen
    assert one.clock.timeline is None


def test_a_reset_resets_all(place: Place) -> None:
    one, other = place.workers()
    with one.changing(Tokens) as tokens:
        tokens.revoked.add("t")
    with one.turn(alone=True):
        one.clock.set(5.0)
        one.journal.add(entry())
        one.in_cassette("tape").note(b"key", 4)
        one.counters.charge([Charge(API, 1000, 5)], 0)
    begin(other)
    other.recall(set)  # what a stage keeps for itself
    seen = {one.revision, other.revision}
    with one.turn(alone=True):
        one.reset()
    begin(other)
    for worker in (one, other):
        assert not worker.recall(Tokens).revoked
        assert set not in worker.memory
        assert worker.clock.timeline is None
        assert not worker.journal.entries
        assert not worker.journal.sources
        assert worker.journal.used == 0
        assert worker.in_cassette("tape").reached(b"key") == 0
        assert not list(worker.counters.open(0))
        assert worker.revision not in seen


def test_a_prepared_answer_is_given_in_one_step_or_not_at_all(place: Place) -> None:
    one, other = place.workers()
    begin(one, other)

    def given(worker: Session, most: int) -> int | None:
        charges = [Charge(API, 10**9, 50), Charge(LOGIN, 10**9, most)]
        turns = [Turn("tape", None, until=8), Turn("tape", b"key", 0)]
        windows = worker.give(Prepared(worker.revision, turns, charges, [("tape", b"key", 7)]), entry(), entry().at)
        return None if windows is None else windows[1].used

    assert [given(one, 2), given(other, 2), given(one, 2), given(other, 2)] == [1, 2, None, None]
    assert other.in_cassette("tape").reached(b"key") == 7
    assert len(other.journal.entries) == 2
    too_late = Prepared(other.revision, [Turn("tape", b"key", until=7)], [], [])
    assert other.give(too_late, entry(), entry().at) is None
    assert one.give(Prepared(one.revision, [Turn("tape", b"key", 7, 8)], [], []), entry(), entry().at) == []
    stale = Prepared(other.revision, [], [], [])
    with one.changing(Tokens) as tokens:
        tokens.revoked.add("t")
    assert other.give(stale, entry(), entry().at) is None
    assert len(one.journal.entries) == 3


def test_another_thread_of_the_worker_gives_a_prepared_answer_when_it_has_the_turn(place: Place) -> None:
    """As the fast lane does: see `EventLoop`."""
    (worker,) = place.workers(1)
    begin(worker)
    prepared = Prepared(worker.revision, [Turn("tape", b"key", 0)], [Charge(API, 10**9, 50)], [("tape", b"key", 7)])

    def used() -> int:
        windows = worker.give(prepared, entry(), entry().at)
        return 0 if windows is None else windows[0].used

    with ThreadPoolExecutor(1) as thread:
        assert [used(), thread.submit(used).result(), used()] == [1, 2, 3]


class Listener:
    """The end of a socket: what it hears of its session, and what it notes there."""

    def __init__(self, session: Session) -> None:
        self.messages = Messages()
        self.notifier = session.notifier
        self.revoked: set[str] = set()
        self._session = session

    def received(self, content: str | bytes) -> None:
        self.revoked = set(self._session.recall(Tokens).revoked)
        self._session.journal.add(entry(target=str(content)))

    def take(self) -> list[str | bytes | Close]:
        self._session.journal.add(entry(target="taken"))
        return []

    def wait(self) -> float | None:
        return None

    def gone(self) -> None:
        pass


def test_a_socket_hears_what_was_changed_before_a_message_and_notes_what_it_does(place: Place) -> None:
    one, other = place.workers()
    begin(one, other)
    listener = Listener(other)
    socket = Ending(listener, other, lambda: None)
    with one.changing(Tokens) as tokens:
        tokens.revoked.add("t")
    socket.received("heard")
    assert listener.revoked == {"t"}
    assert [known.target for known in one.journal.entries] == ["heard"]
    socket.take()
    assert [known.target for known in one.journal.entries] == ["heard", "taken"]


def test_who_waits_looks_at_once_when_told_that_others_have_changed_something(place: Place) -> None:
    one, other = place.workers()
    begin(one, other)
    seen: list[float] = []

    def look() -> None:
        other.look()
        seen.append(other.clock.now())

    with other.notifier.subscribed(look):
        with one.turn(alone=True):
            one.clock.freeze(True)
            one.clock.set(1_000.0)
        other.changed_elsewhere()
    assert seen[-1] == 1_000.0


def test_sessions_do_not_see_each_other(place: Place) -> None:
    names = [f"{next(iter(place.workers())).name} {odd}" for odd in ("", "\udcff", "ä/:*", "a" * 5000)]
    for name in names:
        (session,) = place.workers(1, name)
        with session.turn(alone=True):
            session.journal.add(entry())
            assert session.in_cassette("tape").take([1, 2], b"key", in_all=False) == 1
    sessions = place.worker()
    assert set(names) <= set(sessions.names())
    for name in names:
        assert len(sessions.get(name).journal.entries) == 1


def test_turns_within_turns(place: Place) -> None:
    one, other = place.workers()
    with one.turn():
        with one.changing(Tokens) as tokens:
            tokens.revoked.add("a")
        with one.turn(alone=True), one.changing(Tokens) as again:
            again.revoked.add("b")
    with other.changing(Tokens) as tokens:
        tokens.revoked.add("c")
    begin(one)
    assert one.recall(Tokens).revoked == {"a", "b", "c"}


def broken(worker: Session) -> None:
    with worker.turn(alone=True), worker.changing(Tokens) as tokens:
        tokens.revoked.add(worker.name)
        _ = 1 / 0


def test_an_error_in_a_turn_leaves_nobody_waiting(place: Place) -> None:
    one, other = place.workers()
    for worker in itertools.islice(itertools.cycle((one, other)), 4):
        with pytest.raises(ZeroDivisionError):
            broken(worker)
    begin(one)
    assert one.recall(Tokens).revoked == {one.name}


def at_once(place: Place, name: str, work: Callable[[Session], list[int]]) -> list[int]:
    """What workers do at the same time, each in a thread of its own with a store of its own."""
    if place.fresh is None:
        return [number for session in place.workers(4, name) for number in work(session)]

    def run(_: int) -> list[int]:
        assert place.fresh is not None
        with closing(place.fresh()) as store:
            return work(place.over(store).get(name))

    with ThreadPoolExecutor(4) as pool:
        return [number for numbers in pool.map(run, range(4)) for number in numbers]


def test_a_limit_of_50_is_a_limit_of_50_for_all_at_once(place: Place) -> None:
    charge = Charge(API, 10**9, 50)

    def ask(session: Session) -> list[int]:
        return [session.counters.charge([charge], 5)[0].used for _ in range(25)]

    assert sorted(at_once(place, "limited at once", ask)) == list(range(1, 101))


def test_a_sequence_gives_each_once_for_all_at_once(place: Place) -> None:
    def ask(session: Session) -> list[int]:
        return [session.in_cassette("tape").take(range(1, 51), b"key", in_all=False) for _ in range(15)]

    given = at_once(place, "played at once", ask)
    assert sorted(given) == [*range(1, 50), *[50] * 11]


def test_no_change_is_lost_when_all_change_at_once(place: Place) -> None:
    def change(session: Session) -> list[int]:
        for _ in range(10):
            with session.changing(Tokens) as tokens:
                tokens.ends["changes"] = tokens.ends.get("changes", 0.0) + 1
        return [0]

    at_once(place, "changed at once", change)
    (session,) = place.workers(1, "changed at once")
    begin(session)
    assert session.recall(Tokens).ends == {"changes": 40.0}
