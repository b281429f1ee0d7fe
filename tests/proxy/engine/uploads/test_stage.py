"""An upload that was recorded in two pieces, uploaded again in others."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peertape.cassettes.bodies import read
from tests.proxy.engine.conftest import INSTANCE, Tape
from tests.proxy.engine.uploads.conftest import (
    DETAILS,
    FILE,
    HALF,
    ID,
    NOTHING,
    SIZE,
    VIDEO,
    Client,
    head,
    record_upload,
    source,
    value,
)

Start = Callable[..., Client]
BEGUN, FIRST, LAST = 3, 4, 5  # exchanges


def test_as_recorded(upload: Tape, client: Start) -> None:
    alice = client(upload)
    answers = [alice.begin(), alice.put(0, HALF), alice.put(HALF, SIZE)]
    assert [answer.source_text for answer in answers] == [f"recorded; exchange={number}" for number in (3, 4, 5)]


@given(cuts=st.lists(st.integers(1, SIZE - 1), max_size=6))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_any_pieces(upload: Tape, client: Start, cuts: list[int], playing: dict[str, Client]) -> None:
    alice = playing.get("alice") or playing.setdefault("alice", client(upload))
    alice.sessions.get("default").reset()
    alice.begin()
    places = sorted({0, SIZE, *cuts})
    for start, stop in pairwise(places):
        answer = alice.put(start, stop)
        if stop < SIZE:
            assert (answer.status, answer.reason) == (308, "Reason")
            assert answer.headers.get("range") == f"bytes=0-{stop - 1}"
    assert (answer.status, value(answer)) == (200, VIDEO)
    assert "content" not in answer.source_text
    assert (alice.put(0, 10).status, value(alice.answers[-1])) == (404, NOTHING)


@pytest.fixture
def playing() -> dict[str, Client]:
    return {}


def test_how_an_answer_looks(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    answer = alice.put(0, 100)
    wanted = [name for name, _ in head(("Range", ""), ("Content-Length", ""), ("Peertape-Source", ""))]
    assert [name for name, _ in answer.headers] == wanted
    assert answer.headers.get("access-control-expose-headers") == "Retry-After,Range"
    assert answer.source_text == f"derived; exchange={FIRST}; derived=upload"
    last = alice.put(100, SIZE)
    assert last.source_text == f"derived; exchange={LAST}; derived=upload"


def test_another_file_of_that_size_is_told(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    alice.put(0, SIZE - 1)
    answer = alice.put(SIZE - 1, SIZE, FILE[:-1] + bytes([FILE[-1] ^ 1]))
    assert value(answer) == VIDEO
    assert answer.source_text == f"derived; exchange={LAST}; derived=upload; content=other"


def test_what_was_mended_is_the_recorded_file(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    alice.put(0, 3000, bytes(SIZE))
    alice.put(0, 5000)
    assert "content" not in alice.put(5000, SIZE).source_text


def test_a_file_with_a_gap_is_not_known_to_be_the_recorded_one(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    assert alice.put(6000, SIZE).source_text.endswith("; content=unknown")


def test_interrupted_and_resumed(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    alice.put(0, HALF)
    alice.cut(HALF, SIZE, 1234)
    assert alice.state().headers.get("range") == f"bytes=0-{HALF + 1233}"
    assert alice.put(HALF + 1234, SIZE).source_text == f"derived; exchange={LAST}; derived=upload"


def test_nothing_has_come_yet(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    assert alice.state().headers.get("range") == "bytes=0--1"


def test_cancelled(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    alice.put(0, 10)
    gone = alice.cancel()
    assert (gone.status, source(gone), gone.headers.get("content-length")) == (
        204,
        f"derived; exchange={BEGUN}; derived=upload",
        "0",
    )
    assert (alice.put(10, 20).status, alice.state().status, alice.cancel().status) == (404, 404, 204)


def test_of_another_size(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    alice.put(0, 10)
    conflict = alice.put(0, SIZE + 1, FILE + b"more")
    assert (conflict.status, source(conflict)) == (409, "emulated")
    assert [name for name, _ in conflict.headers][-4:-1] == ["Content-Type", "Content-Length", "Cache-Control"]
    assert alice.state().headers.get("range") == "bytes=0-9"


def test_an_upload_that_nobody_began(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.path = f"/api/v1/videos/upload-resumable?upload_id={ID}"
    assert value(alice.put(5, 6)) == NOTHING
    alice.path = "/api/v1/videos/upload-resumable?upload_id=nope"
    assert alice.put(5, 6).status == 403


def test_two_at_once_are_two(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    first = alice.path
    alice.put(0, 10)
    again = alice.begin()
    second = alice.path
    assert (again.status, second == first) == (201, False)
    assert second.rpartition("-")[0] == first.rpartition("-")[0]
    alice.put(0, 20)
    alice.path = first
    assert alice.state().headers.get("range") == "bytes=0-9"
    assert alice.put(10, SIZE).status == 200
    alice.path = second
    assert alice.state().headers.get("range") == "bytes=0-19"
    assert value(alice.put(20, SIZE)) == VIDEO


def test_sessions_do_not_see_each_other(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    alice.put(0, 10)
    alice.session = "other"
    assert alice.state().status == 404
    alice.begin()
    assert alice.state().headers.get("range") == "bytes=0--1"
    alice.session = "default"
    assert alice.state().headers.get("range") == "bytes=0-9"
    alice.sessions.get("default").reset()
    assert alice.state().status == 404


def test_the_same_again_after_it_was_done(upload: Tape, client: Start) -> None:
    alice = client(upload)
    for _ in range(2):
        alice.begin()
        alice.put(0, 10)
        assert alice.put(10, SIZE).status == 200


def test_what_is_recorded_and_says_what_is_so_is_played(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    alice.put(0, 10)
    alice.put(10, HALF)
    assert alice.put(HALF, SIZE).source_text == f"recorded; exchange={LAST}"


def test_a_recorded_answer_that_is_not_so_is_not_played(upload: Tape, client: Start) -> None:
    """The last octets alone completed the recorded upload; of one that is cancelled they are none."""
    alice = client(upload)
    alice.begin()
    alice.put(0, 10)
    alice.cancel()
    alice.begin()
    assert alice.put(0, HALF).source_text == f"recorded; exchange={FIRST}"


def test_with_emulation_off_it_goes_on_all_the_same(upload: Tape, client: Start) -> None:
    alice = client(upload, on_miss="error")
    alice.begin()
    assert alice.put(0, 10).status == 308
    assert alice.put(0, SIZE + 1, FILE + b"more").status == 501
    assert value(alice.put(10, SIZE)) == VIDEO
    assert alice.put(0, 10).status == 501


def test_in_the_second_cassette(upload: Tape, client: Start, tmp_path: Path) -> None:
    other = Tape(tmp_path / "other.cassette")
    other.add("GET", "/api/v1/config", {})
    alice = client(other, upload)
    alice.begin()
    alice.put(0, 10)
    answer = alice.put(10, SIZE)
    assert (answer.cassette, answer.exchange) == (upload.path.stem, LAST)


def test_one_that_was_never_completed_gets_no_made_up_answer(tape: Tape, client: Start) -> None:
    tape.login("alice", "alices-token")
    record_upload(tape, outcome=False)
    alice = client(tape)
    alice.begin()
    assert alice.put(0, 10).status == 308
    assert alice.put(10, SIZE).status == 501


def test_links_lead_to_where_the_client_came_from(upload: Tape, client: Start) -> None:
    alice = client(upload)
    answer = alice.begin()
    assert answer.headers.get("location") == f"//{INSTANCE}/api/v1/videos/upload-resumable?upload_id={ID}"


def test_a_file_that_tells_its_moment_goes_on_in_the_same_upload(tape: Tape, client: Start) -> None:
    """uploadx names an upload by the file's last change, where it is told."""
    tape.login("alice", "alices-token")
    tape.add("GET", "/api/v1/users/me", {"id": 7, "username": "alice", "role": {"id": 2}}, token="alices-token")
    details = {**DETAILS, "lastModified": 1700000000000}
    place = f"/api/v1/videos/upload-resumable?upload_id={ID}"
    tape.add(
        "POST",
        "/api/v1/videos/upload-resumable",
        b"",
        201,
        token="alices-token",
        body=details,
        headers=(("X-Upload-Content-Length", str(SIZE)), ("X-Upload-Content-Type", "video/mp4")),
        response_headers=head(("Location", f"//{INSTANCE}{place}"), exposed=",Location"),
    )
    alice = client(tape)
    alice.begin(details)
    alice.put(0, 10)
    again = alice.begin(details)
    assert (again.status, again.headers.get("range"), alice.path) == (200, "bytes=0-9", place)
    assert again.headers.get("access-control-expose-headers") == "Retry-After,Location,Range"
    assert read(again.body) == b""


def test_two_that_begin_before_anything_has_come(upload: Tape, client: Start) -> None:
    alice = client(upload)
    alice.begin()
    first = alice.path
    alice.begin()
    assert alice.path != first


def test_an_upload_that_no_recording_knows_is_a_miss(upload: Tape, client: Start) -> None:
    alice = client(upload, on_miss="error")
    assert alice.begin({**DETAILS, "name": "Another"}).status == 501
