"""What is alike takes room once: bodies, header fields, paths. What that comes to, beside mitmproxy's flow file."""

from __future__ import annotations

import io
import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.interchange.flows import write_flows
from peertape.cassettes.model import Exchange, Message, RecordedResponse, State
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

Make = Callable[..., Exchange]

ANSWER = (
    *(("x-powered-by", "PeerTube"), ("X-Frame-Options", "DENY"), ("Access-Control-Allow-Origin", "*")),
    *(("Content-Type", "application/json; charset=utf-8"), ("Connection", "keep-alive"), ("Keep-Alive", "timeout=5")),
)
ASK = (("User-Agent", "some browser or other, 1.0"), ("Accept", "application/json, text/plain, */*"))


def session(make_exchange: Make, exchanges: int) -> Iterator[Exchange]:
    """Details of videos, no two alike, and between them the same list again and again."""
    listed = json.dumps({"total": 40, "data": [{"id": number, "name": f"film {number}"} for number in range(40)]})
    for number in range(exchanges):
        video = json.dumps({"id": number, "name": f"film {number}", "description": f"what film {number} is about"})
        target, body = (f"/api/v1/videos/{number}", video) if number % 3 else ("/api/v1/videos", listed)
        counted = (
            ("Date", f"Sat, 28 Nov 2026 10:00:{number // 10 % 60:02} GMT"),
            ("ETag", f'W/"{number:x}-{len(body):x}"'),
        )
        yield make_exchange(target, body.encode(), request=ASK, response=(*ANSWER, *counted))


def test_an_api_session_takes_half_of_its_flow_file_at_most(make_exchange: Make, path: Path) -> None:
    made = list(session(make_exchange, 150))
    flows = io.BytesIO()
    write_flows(made, flows)
    assert written(path, made).stat().st_size <= 0.5 * len(flows.getvalue())


def test_messages_of_sockets_take_their_own_octets_and_half_as_much_more_at_most(
    make_exchange: Make, path: Path
) -> None:
    noise = random.Random(2)
    said = [noise.randbytes(5 * number) for number in range(1, 161)]
    talk = tuple(
        Message(1000 + at, from_client=at % 2 == 0, is_text=False, content=text) for at, text in enumerate(said)
    )
    silent = make_exchange("/socket", b"")
    without = written(path, [silent]).stat().st_size
    path.unlink()
    assert written(path, [replace(silent, messages=talk)]).stat().st_size - without <= 1.5 * sum(map(len, said))


def test_a_single_exchange_takes_hardly_more_than_none(make_exchange: Make, path: Path) -> None:
    size = written(path, [make_exchange("/a", b"only")]).stat().st_size
    assert size <= 24 * 1024


def test_media_take_their_own_octets_and_15_percent_more_at_most(make_exchange: Make, path: Path) -> None:
    noise = random.Random(3)
    films = [noise.randbytes(noise.randrange(1, 400_000)) for _ in range(12)]
    assert written(path, [make_exchange("/f.mp4", film) for film in films * 3]).stat().st_size <= 1.15 * sum(
        map(len, films)
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from((0, 10, 3000, 300_000))), max_size=12), st.booleans())
def test_duplicates_add_no_chunks(
    make_exchange: Make,
    tmp_path_factory: pytest.TempPathFactory,
    bodies: list[tuple[int, int]],
    is_committed_each_time: bool,
) -> None:
    path = tmp_path_factory.mktemp("alike") / "a.cassette"
    octets = [bytes([seed]) * size for seed, size in bodies]
    writer = CassetteWriter(path, RedactionRules.default())
    for body in octets:
        writer.add(make_exchange("/a", body))
        if is_committed_each_time:
            writer.commit()
    writer.close()
    distinct = {body for body in octets if body}
    assert counted(path, "bodies") == len(distinct)
    assert counted(path, "chunks") == sum(-(-len(body) // 262_144) for body in distinct)
    assert counted(path, "paths") == min(1, len(octets))
    assert counted(path, "fields") == (2 if octets else 0)


def test_fields_that_come_back_after_long_are_read_back_right(
    make_exchange: Make, path: Path, opened: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peertape.cassettes.fields.REMEMBERED", 5)
    made = [make_exchange("/a", request=(("X-Number", str(number % 20)),)) for number in range(60)]
    written(path, made)
    cassette = opened()
    read_back = [found.request.headers.get("x-number") for found in cassette.exchanges()]  # type: ignore[attr-defined]
    assert read_back == [str(number % 20) for number in range(60)]


def test_what_was_recorded_in_vain_takes_no_room(make_exchange: Make, path: Path) -> None:
    """Of a film whose chunks were on the disk before it turned out to be known."""
    film = random.Random(4).randbytes(2_000_000)
    writer = CassetteWriter(path, RedactionRules.default())
    writer.add(make_exchange("/f.mp4", film))
    again = writer.begin(make_exchange("/f.mp4").request, 1001.0)
    again.request_end(1001.0)
    again.response_head(RecordedResponse(200, "OK", "HTTP/1.1", Headers((("Content-Type", "video/mp4"),))), 1001.0)
    again.response_data(film)
    writer.commit()
    again.end(State.COMPLETE, 1002.0)
    writer.close()
    assert path.stat().st_size < 1.15 * len(film)


def test_small_cassettes_have_small_pages_while_nobody_writes(make_exchange: Make, path: Path) -> None:
    def page() -> int:
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("PRAGMA page_size").fetchone()[0])

    written(path, [make_exchange("/a", b"first")])
    assert page() == 512
    writer = CassetteWriter(path, RedactionRules.default())
    assert page() == 4096
    writer.add(make_exchange("/b", random.Random(5).randbytes(500_000)))
    writer.close()
    assert page() == 1024
    writer = CassetteWriter(path, RedactionRules.default())
    writer.add(make_exchange("/c", random.Random(6).randbytes(1_500_000)))
    writer.close()
    assert page() == 4096
    cassette = Cassette(path)
    CassetteWriter(path, RedactionRules.default()).close()  # while somebody reads
    assert next(read(found.response.body)[:5] for found in cassette.exchanges() if found.response) == b"first"
    cassette.close()


def written(path: Path, exchanges: list[Exchange]) -> Path:
    writer = CassetteWriter(path, RedactionRules.default())
    for exchange in exchanges:
        writer.add(exchange)
    writer.close()
    return path


def counted(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
