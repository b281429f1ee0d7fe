"""Sessions in memory that forked processes share: what is not so in every place where sessions are kept."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.proxy.engine import session as sessions
from peertape.proxy.engine.journal import KEPT, Entry
from peertape.proxy.engine.limits.counters import Charge, milliseconds
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.state.interface import Prepared, StateLostError, Turn
from peertape.proxy.engine.state.shared import SharedState
from peertape.proxy.engine.state.snapshots import Snapshots
from peertape.proxy.engine.twin.contract import book
from peertape.proxy.engine.twin.tokens import Tokens
from peertape.proxy.stores.gate import Gate
from peertape.proxy.stores.heap import PAYLOAD, Heap
from peertape.proxy.stores.memory import Memory, MemoryStore
from peertape.proxy.stores.records import BUCKETS, SIZE, Records

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

PROCESSES = 4
LIMIT = 500
MOMENT = 5.0  # epoch seconds
API = ("api", "192.0.2.1")
FORK = multiprocessing.get_context("fork")


def entry(number: int = 7) -> Entry:
    return Entry(MOMENT, "s", "anonymous", "GET", f"/{number}", 200, "recorded", "recorded", number, "tape")


def sessions_in(memory: Memory) -> Callable[[str], Session]:
    state = SharedState(MemoryStore(memory), Snapshots([], lambda: book("6.3")))

    def session(name: str) -> Session:
        """As it is by now."""
        session = state.session(name)
        session.look()
        return session

    return session


def answer(number: int = 7, most: int = LIMIT, revision: int = 0, turns: tuple[Turn, ...] = ()) -> Prepared:
    return Prepared(revision, turns, [Charge(API, 10_000, most)], [("tape", b"key", number)])


def forked(work: Callable[[Connection[Any, Any]], None]) -> tuple[Connection[Any, Any], BaseProcess]:
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=work, args=(theirs,))
    process.start()
    theirs.close()
    return ours, process


def test_many_processes_give_one_prepared_answer_until_the_limit_is_over() -> None:
    session = sessions_in(Memory())("all")

    def work(pipe: Connection[Any, Any]) -> None:
        prepared, given = answer(), []
        pipe.recv()  # all begin at once
        while (windows := session.give(prepared, entry(), MOMENT)) is not None:
            given.append(windows[0].used)
        pipe.send(given)

    workers = [forked(work) for _ in range(PROCESSES)]
    for pipe, _ in workers:
        pipe.send("begin")
    given = [number for pipe, _ in workers for number in pipe.recv()]
    for _, process in workers:
        process.join()
    assert sorted(given) == list(range(1, LIMIT + 1))
    assert session.journal.sources == {"recorded": LIMIT}
    assert list(session.journal.entries) == [entry()] * LIMIT
    assert session.in_cassette("tape").reached(None) == 7


def test_who_was_killed_with_the_key_keeps_nobody_for_ever() -> None:
    gate = Gate(patience=0.05)

    def work(pipe: Connection[Any, Any]) -> None:
        with gate:
            pipe.send("inside")
            pipe.recv()

    pipe, process = forked(work)
    assert pipe.recv() == "inside"
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    with pytest.raises(StateLostError, match="stopped or killed"), gate:
        pass


def test_what_is_forgotten_makes_room() -> None:
    memory = Memory()
    session = sessions_in(memory)("again and again")

    def use() -> int:
        """The end of what was taken by now."""
        with session.turn(alone=True):
            session.counters.charge([Charge(("api", f"198.51.100.{n}"), 1000, 50) for n in range(9)], 0)
            with session.changing(Tokens) as tokens:
                tokens.revoked.update(map(str, range(100)))
            session.journal.add(entry())
            session.in_cassette("tape").note(b"key", 4)
        prepared = answer(revision=session.revision)
        for _ in range(KEPT + 10):
            prepared.charges = []
            assert session.give(prepared, entry(), MOMENT) == []
        session.reset()
        return memory.heap.end

    first = use()
    assert [use() for _ in range(3)] == [first] * 3


def test_beyond_so_many_sessions_the_one_used_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 2)
    memory = Memory()
    find = sessions_in(memory)
    one, two, three = (find(name) for name in ("one", "two", "three"))
    assert one.give(answer(), entry(), MOMENT)
    assert two.give(answer(), entry(), MOMENT)
    assert one.give(answer(), entry(), MOMENT)
    assert three.give(answer(), entry(), MOMENT)
    state = SharedState(MemoryStore(memory), Snapshots([], lambda: book("6.3")))
    assert state.names() == ["one", "three"]
    assert [len(session.journal.entries) for session in (one, two, three)] == [2, 0, 1]
    taken = memory.heap.end
    for number in range(20):
        assert find(f"many {number}").give(answer(), entry(), MOMENT)
    assert memory.heap.end == taken


def test_a_prepared_answer_finds_its_places_again() -> None:
    """They are remembered with it, and given to others meanwhile."""
    session = sessions_in(Memory())("moved")
    prepared = answer(turns=(Turn("tape", b"key", 0, 9),))

    def used() -> list[int] | None:
        windows = session.give(prepared, entry(), MOMENT)
        return None if windows is None else [window.used for window in windows]

    assert [used(), used()] == [[1], [2]]
    session.counters.clear()
    session.counters.charge([Charge(("login", "192.0.2.1"), 10_000, 50)], milliseconds(MOMENT))
    assert [used(), used()] == [[1], [2]]
    windows = session.give(prepared, entry(), MOMENT + 10)  # the next window
    assert windows is not None
    assert (windows[0].opened, windows[0].used) == (milliseconds(MOMENT + 10), 1)
    session.in_cassette("tape").take([9], b"key", in_all=False)
    assert used() is None
    for number in range(KEPT):  # its line of the journal goes, and with it the entry
        assert session.give(answer(3), entry(3), MOMENT + 100 * number) is not None
    assert used() == [1]
    assert session.journal.entries[-1] == entry()


@given(st.lists(st.binary(max_size=3 * PAYLOAD), max_size=8), st.data())
def test_texts_of_any_length(texts: list[bytes], data: st.DataObject) -> None:
    heap = Heap((), 0)
    places = {heap.write(text): text for text in texts}
    for place in data.draw(st.sets(st.sampled_from(sorted(places)))) if places else ():
        other = places.pop(place)[::-1]
        heap.erase(place)
        places[heap.write(other)] = other
    assert all(heap.read(place) == text for place, text in places.items())


names = st.binary(max_size=2)


@given(st.lists(st.tuples(st.sampled_from([0, 1]), names, st.booleans()), max_size=40))
def test_records_are_found_until_they_are_given_back(steps: list[tuple[int, bytes, bool]]) -> None:
    heap = Heap((SIZE,), 3 + BUCKETS)
    owners = (heap.first, heap.first + 1)
    records = Records(heap, heap.first + 3, heap.first + 2)
    known: dict[tuple[int, bytes], int] = {}
    for owner, name, is_wanted in steps:
        full = (b"%d" % owner, name)
        assert records.find(*full) == known.get((owner, name), 0)
        if is_wanted:
            place = known[owner, name] = records.made(owners[owner], *full)
            assert heap.words[place + SIZE - 1] in (0, 1 + owner)
            heap.words[place + SIZE - 1] = 1 + owner
        elif (owner, name) in known:
            records.give_back(owners[owner], known.pop((owner, name)))
    for owner, begin in enumerate(owners):
        listed = list(records.listed(begin))
        assert sorted(listed) == sorted(place for (of, _), place in known.items() if of == owner)


def test_when_the_memory_is_full_it_is_said() -> None:
    heap = Heap((), 0, room=1 << 16)
    with pytest.raises(StateLostError, match="full"):
        heap.write(bytes(1 << 16))
