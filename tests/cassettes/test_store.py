"""Reading a cassette, also while it grows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import samples
from support.engines import both

from peertape.cassettes import candidates, reader, store
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, State
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

Make = Callable[..., Exchange]
Open = Callable[..., CassetteWriter]
Read = Callable[[], Cassette]


@both
def test_a_reader_sees_what_is_added(make_exchange: Make, writing: Open, opened: Read) -> None:
    writer = writing()
    cassette = opened()
    assert cassette.count() == 0
    assert cassette.public_origin is None
    key = cassette.keys("GET", "/film", Headers(), b"").exact
    assert cassette.by_exact_key(key).first == []
    number = writer.add(make_exchange("/film", b"whole"))
    assert cassette.count() == 0  # not before it is committed
    writer.commit()
    assert cassette.count() == 1
    assert cassette.public_origin == "http://tube.example"
    assert [candidate.id for candidate in cassette.by_exact_key(key).after(0)] == [number]
    response = cassette.exchange(number).response
    assert response is not None
    assert read(response.body) == b"whole"
    assert cassette.authorities() == {"tube.example"}


@both
def test_an_exchange_under_way_is_read_anew(writing: Open, opened: Read) -> None:
    """What is kept in memory must be whole."""
    writer = writing()
    cassette = opened()
    entry = writer.begin(RecordedRequest("GET", "/film", "http", "tube.example", "HTTP/1.1", Headers()), 1000.0)
    entry.request_end(1000.0)
    writer.commit()
    assert cassette.exchange(entry.id).response is None
    entry.response_head(RecordedResponse(200, "OK", "HTTP/1.1", Headers((("Content-Type", "video/mp4"),))), 1000.1)
    entry.response_data(b"whole")
    entry.end(State.COMPLETE, 1000.2)
    writer.commit()
    response = cassette.exchange(entry.id).response
    assert response is not None
    assert read(response.body) == b"whole"


@both
def test_exchanges_are_kept_in_memory_up_to_a_number(
    make_exchange: Make, writing: Open, opened: Read, monkeypatch
) -> None:
    monkeypatch.setattr(store, "EXCHANGES_KEPT", 2)
    writer = writing()
    numbers = [writer.add(make_exchange(f"/{number}")) for number in range(3)]
    writer.close()
    cassette = opened()
    first = cassette.exchange(numbers[0])
    assert cassette.exchange(numbers[0]) is first
    for number in numbers[1:]:
        cassette.exchange(number)
    assert cassette.exchange(numbers[0]) is not first
    assert cassette.exchange(numbers[0]).request.target == "/0"


def test_candidates_come_in_recorded_order(make_exchange: Make, writing: Open, opened: Read) -> None:
    writer = writing()
    for number in range(1005):  # more than one page
        writer.add(make_exchange(f"/{number % 3}"))
    writer.close()
    cassette = opened()
    assert [candidate.target for candidate in cassette.candidates()] == [f"/{number % 3}" for number in range(1005)]
    assert len(cassette.by_path(["/0", "/1"])) == 670
    assert cassette.by_path([]) == []
    assert cassette.paths_from("/", 10) == ["/0", "/1", "/2"]


@both
def test_a_secret_and_its_pseudonym_give_the_same_keys(make_exchange: Make, writing: Open, opened: Read) -> None:
    writer = writing()
    clear = Headers((("Authorization", "Bearer SECRETTOKEN0"),))
    number = writer.add(make_exchange("/film?token=SECRETTOKEN0", request=tuple(clear)))
    writer.close()
    cassette = opened()
    stored = cassette.exchange(number).request
    assert "SECRET" not in stored.target
    (candidate,) = cassette.candidates()
    for target, headers in (("/film?token=SECRETTOKEN0", clear), (stored.target, stored.headers)):
        keys = cassette.keys("GET", target, headers, b"")
        assert [found.id for found in cassette.by_exact_key(keys.exact).after(0)] == [number]
        assert keys.credential == candidate.credential


@both
def test_numbers_and_uuids(make_exchange: Make, writing: Open, opened: Read) -> None:
    uuid = "9c9de5e8-0a1e-484a-b099-e80766180a6d"
    body = f'{{"id": 7, "uuid": "{uuid}", "isLive": false}}'.encode()
    writer = writing()
    writer.add(make_exchange("/api/v1/videos/7", body, response=(("Content-Type", "application/json"),)))
    writer.close()
    cassette = opened()
    assert cassette.numbers("video", uuid) == ["7"]
    assert cassette.uuid("video", "7") == uuid
    assert cassette.uuid("playlist", "7") is None
    assert cassette.uuid("video", "9" * 30) is None


def test_exchanges_page_by_page_are_what_each_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "PAGE", 3)
    cassette = Cassette(samples.record(tmp_path / "c.cassette"))
    try:
        found = list(cassette.whole([9, 1, 99, 6, 4, 8, 7]))
        assert [exchange.id for exchange in found] == [9, 1, 6, 4, 8, 7]
        for exchange in found:
            alone = cassette.exchange(exchange.id)
            assert (alone.request.headers, alone.timing, alone.state) == (
                exchange.request.headers,
                exchange.timing,
                exchange.state,
            )
            assert read(alone.request.body) == read(exchange.request.body)
            assert alone.messages == exchange.messages
            assert (alone.response is None) is (exchange.response is None)
            if alone.response is not None and exchange.response is not None:
                assert alone.response.headers == exchange.response.headers
                assert read(alone.response.body) == read(exchange.response.body)
    finally:
        cassette.close()


@both
def test_lookups_that_are_remembered_are_few(
    make_exchange: Make, writing: Open, opened: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "LOOKUPS_KEPT", 2)
    writer = writing()
    for name in "abc":
        writer.add(make_exchange(f"/{name}"))
    writer.commit()
    cassette = opened()
    for _ in range(2):
        assert [cassette.by_path([f"/{name}"])[0].target for name in "abc"] == ["/a", "/b", "/c"]
