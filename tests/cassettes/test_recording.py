"""Recording behind a queue."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from support.engines import both

from peertape.cassettes import writing
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Message, RecordedRequest, RecordedResponse, State
from peertape.cassettes.place import Place
from peertape.cassettes.recording import Recording
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writing import Commit, WriterThread, Writing

REQUEST = RecordedRequest("GET", "/film", "http", "tube.example", "HTTP/1.1", Headers())
RESPONSE = RecordedResponse(200, "OK", "HTTP/1.1", Headers((("Content-Type", "video/mp4"),)))
SWITCHING = RecordedResponse(101, "Switching Protocols", "HTTP/1.1", Headers((("Upgrade", "websocket"),)))
PATIENCE = 60.0


@pytest.fixture
def failures() -> list[str]:
    return []


@pytest.fixture
def recording(place: Place, failures: list[str]) -> Iterator[Recording]:
    with ExitStack() as stack:
        made = Recording(place, RedactionRules.default(), "http://tube.example", failures.append)
        stack.callback(made.close)
        yield made


def record(recording: Recording, body: bytes, target: str = "/film") -> None:
    entry = recording.begin(RecordedRequest("GET", target, "http", "tube.example", "HTTP/1.1", Headers()), 1000.0)
    entry.request_end(1000.0, Headers())
    entry.response_head(RESPONSE, 1000.1, None)
    entry.response_data(body)
    entry.end(State.COMPLETE, 1000.2)


def pending(recording: Recording) -> int:
    assert isinstance(recording.desk, WriterThread)
    return recording.desk.writing.pending


class Blocked:
    """Holds the thread that writes, until it is let go."""

    def __init__(self, recording: Recording) -> None:
        self._go = threading.Event()
        recording.put(lambda _: (self._go.wait(PATIENCE), None)[1])

    def let_go(self) -> None:
        self._go.set()


@both
def test_what_is_handed_over_is_there_after_the_end(recording: Recording, opened: Callable[[], Cassette]) -> None:
    entry = recording.begin(REQUEST, 1000.0, "localhost:1")
    entry.request_data(b"sent")
    entry.request_end(1000.1, Headers((("X-Trailer", "1"),)))
    entry.response_head(SWITCHING, 1000.2, None)
    entry.response_data(b"first")
    entry.response_data(b"-last")
    entry.message(0, Message(1000.3, True, True, b"hi"))
    entry.end(State.COMPLETE, 1000.4, trailers=Headers((("X-Trailer", "2"),)))
    entry.end(State.CUT, 1000.5, "a flow may end more than once: the first counts")
    recording.close()
    (found,) = opened().exchanges()
    assert recording.stored == 1
    assert found.client_host == "localhost:1"
    assert found.state is State.COMPLETE
    assert read(found.request.body) == b"sent"
    assert found.request.trailers.get("x-trailer") == "1"
    assert found.response is not None
    assert read(found.response.body) == b"first-last"
    assert found.response.trailers.get("x-trailer") == "2"
    assert [message.content for message in found.messages] == [b"hi"]


def test_handing_over_does_not_wait_for_the_disk(recording: Recording) -> None:
    blocked = Blocked(recording)
    for number in range(100):
        record(recording, b"x", f"/{number}")
    assert recording.stored == 0
    blocked.let_go()
    recording.flush()
    assert recording.stored == 100


def test_memory_is_bounded(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever hands over more than may wait is held until there is room."""
    monkeypatch.setattr(writing, "MOST_PENDING", 1000)
    blocked = Blocked(recording)
    put: list[int] = []
    full = threading.Event()

    def hand_over() -> None:
        entry = recording.begin(REQUEST, 1000.0)
        entry.request_end(1000.0, Headers())
        entry.response_head(RESPONSE, 1000.1, None)
        for number in range(5):
            if number == 2:
                full.set()
            entry.response_data(b"x" * 600)
            put.append(number)
        entry.end(State.COMPLETE, 1000.2)

    thread = threading.Thread(target=hand_over)
    thread.start()
    assert full.wait(PATIENCE)
    assert put == [0, 1]  # 1200 octets wait: the next is held
    assert pending(recording) == 1200
    blocked.let_go()
    thread.join(PATIENCE)
    recording.drained().result(PATIENCE)
    assert put == [0, 1, 2, 3, 4]
    assert pending(recording) == 0


@both
def test_a_failure_is_told_once(recording: Recording, failures: list[str], opened: Callable[[], Cassette]) -> None:
    record(recording, b"before", "/before")
    recording.put(Commit())

    def fail(_: Writing) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    recording.put(fail)
    recording.put(fail)
    record(recording, b"after", "/after")
    recording.close()
    assert len(failures) == 1
    assert "room" in failures[0]
    assert recording.failure == failures[0]
    assert recording.stored == 1
    record(recording, b"later", "/later")  # nobody minds
    assert [candidate.target for candidate in opened().candidates()] == ["/before"]


def test_a_defect_does_not_reach_the_app(recording: Recording, failures: list[str]) -> None:
    recording.put(lambda _: (1 // 0, None)[1])
    record(recording, b"after")
    recording.drained().result(PATIENCE)
    assert failures == ["writing failed: ZeroDivisionError: integer division or modulo by zero"]


@both
def test_a_failure_lets_go_whoever_waits_for_room(
    recording: Recording, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_PENDING", 1000)
    blocked = Blocked(recording)
    recording.put(lambda _: (1 // 0, None)[1], 2000)
    thread = threading.Thread(target=record, args=(recording, b"x" * 2000))
    thread.start()
    blocked.let_go()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert len(failures) == 1


@both
def test_named_hosts_are_known_once_it_is_drained(recording: Recording) -> None:
    blocked = Blocked(recording)
    entry = recording.begin(
        RecordedRequest("GET", "/api/v1/videos/1", "http", "tube.example", "HTTP/1.1", Headers()), 1000.0
    )
    entry.request_end(1000.0, Headers())
    head = RecordedResponse(200, "OK", "HTTP/1.1", Headers((("Content-Type", "application/json"),)))
    entry.response_head(head, 1000.1, None)
    entry.response_data(b'{"fileUrl": "https://s3.example/1.mp4"}')
    entry.end(State.COMPLETE, 1000.2)
    drained = recording.drained()
    assert not drained.done()
    assert recording.named_hosts == frozenset()
    blocked.let_go()
    drained.result(PATIENCE)
    assert recording.named_hosts == {"s3.example"}


@both
def test_rewriting_begins_anew(place: Place, recording: Recording, opened: Callable[[], Cassette]) -> None:
    record(recording, b"old", "/old")
    recording.close()
    again = Recording(place, RedactionRules.default(), "http://tube.example", pytest.fail, anew=True)
    record(again, b"new", "/new")
    again.close()
    assert [candidate.target for candidate in opened().candidates()] == ["/new"]
