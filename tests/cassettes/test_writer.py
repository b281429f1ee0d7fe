"""What is written reads back equal, but for its secrets; and whatever happened to it is marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.engines import both

from peertape.cassettes import schema
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, Message, RecordedRequest, RecordedResponse, State
from peertape.cassettes.place import Place
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

Make = Callable[..., Exchange]
Open = Callable[..., CassetteWriter]
Read = Callable[[], Cassette]

JSON = (("Content-Type", "application/json"),)
REQUEST = RecordedRequest("GET", "/film", "http", "tube.example", "HTTP/1.1", Headers())
RESPONSE = RecordedResponse(200, "OK", "HTTP/1.1", Headers((("Content-Type", "video/mp4"),)))


def plain(exchange: Exchange) -> tuple[object, ...]:
    """Everything but the id, the bodies as octets."""
    request, response = exchange.request, exchange.response
    return (
        (request.method, request.target, request.scheme, request.authority, request.http_version),
        (request.headers, request.trailers, read(request.body)),
        response and (response.status, response.reason, response.http_version, response.headers, response.trailers),
        response and read(response.body),
        (exchange.timing, exchange.state, exchange.error, exchange.client_host, exchange.messages),
    )


@both
def test_a_whole_exchange_reads_back_equal(make_exchange: Make, writing: Open, opened: Read) -> None:
    given_one = make_exchange(
        "/a%20b?x=1&x=2&y",
        b"\x00\x01" * 300_000,
        method="PUT",
        sent=b"sent",
        request=(("X-oDD", "ä"), ("x-odd", ""), ("Content-Type", "video/mp4")),
        client_host="localhost:8990",
        status=101,
        messages=(Message(1000.5, True, True, b"hi"), Message(1000.6, False, False, b"\x00")),
    )
    writer = writing()
    number = writer.add(given_one)
    writer.close()
    found = opened().exchange(number)
    assert found.id == number
    assert plain(found) == plain(given_one)


names = st.text("abcXYZ-", min_size=1, max_size=8)
values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=12).map(
    str.strip
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    headers=st.lists(st.tuples(names.map("x-{}".format), values), max_size=6),
    body=st.binary(max_size=2000),
    status=st.integers(100, 599),
)
def test_headers_and_bodies_of_every_kind(
    make_exchange: Make,
    tmp_path_factory: pytest.TempPathFactory,
    headers: list[tuple[str, str]],
    body: bytes,
    status: int,
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.cassette"
    writer = CassetteWriter(path, RedactionRules.default())
    media = ("Content-Type", "video/mp4")
    given_one = make_exchange(body=body, status=status, request=tuple(headers), response=(*headers, media))
    number = writer.add(given_one)
    writer.close()
    cassette = Cassette(path)
    try:
        assert plain(cassette.exchange(number)) == plain(given_one)
    finally:
        cassette.close()


@both
def test_secrets_are_replaced_both_ways(make_exchange: Make, writing: Open, opened: Read, place: Place) -> None:
    tokens = {"access_token": "SECRETACCESS00", "token_type": "Bearer", "refresh_token": "SECRETREFRESH0"}
    writer = writing()
    login = writer.add(
        make_exchange(
            "/api/v1/users/token",
            json.dumps(tokens).encode(),
            method="POST",
            sent=b"username=alice&password=SECRETPASSWORD",
            request=(("Content-Type", "application/x-www-form-urlencoded"),),
            response=JSON,
        )
    )
    use = writer.add(make_exchange("/me", request=(("Authorization", "Bearer SECRETACCESS00"),)))
    writer.close()
    assert all(b"SECRET" not in file.read_bytes() for file in place.files())
    cassette = opened()
    answer = json.loads(read(cassette.exchange(login).response.body))  # type: ignore[union-attr]
    assert cassette.exchange(use).request.headers.get("authorization") == f"Bearer {answer['access_token']}"
    assert cassette.user_of(answer["access_token"]) == "alice"
    assert len(answer["access_token"]) == len("SECRETACCESS00")


@both
@pytest.mark.parametrize("state", [State.CUT, State.FAILED, State.UNSTORED])
def test_what_happened_is_marked(make_exchange: Make, writing: Open, opened: Read, state: State) -> None:
    writer = writing()
    number = writer.add(make_exchange(state=state, error="why", status=None if state is State.FAILED else 200))
    writer.add(make_exchange(body=b"answer"))  # the same octets, whole
    writer.close()
    cassette = opened()
    found = cassette.exchange(number)
    assert (found.state, found.error) == (state, "why")
    assert (found.response is None) == (state is State.FAILED)
    if found.response is not None:
        assert read(found.response.body) == (b"answer" if state is State.CUT else b"")
    cut, whole = cassette.candidates()
    assert (cut.replayable, whole.replayable) == (False, True)


@both
def test_a_body_over_the_limit_is_not_stored(make_exchange: Make, writing: Open, opened: Read) -> None:
    writer = writing()
    over, just = (writer.add(make_exchange(f"/{size}", b"x" * size), limit=1000) for size in (1001, 1000))
    writer.close()
    cassette = opened()
    found = cassette.exchange(over)
    assert (found.state, found.error) == (State.UNSTORED, "the body is over the size limit")
    assert found.response is not None
    assert found.response.body.size == 0
    assert cassette.exchange(just).state is State.COMPLETE
    assert len(cassette.query(select(schema.bodies))) == 1


@both
def test_what_a_kill_left_open_is_cut_at_the_next_opening(place: Place, writing: Open, opened: Read) -> None:
    writer = writing()
    entry = writer.begin(REQUEST, 1000.0)
    entry.request_end(1000.0)
    entry.response_head(RESPONSE, 1000.1)
    entry.response_data(b"x" * 1_000_000)
    writer.commit()
    assert opened().exchange(entry.id).state is State.OPEN
    writer.storage.connection.close()  # as a kill does, nothing more is written
    writer.storage.connection.engine.dispose()

    CassetteWriter(place, RedactionRules.default()).close()
    cassette = opened()
    found = cassette.exchange(entry.id)
    assert (found.state, found.error) == (State.CUT, "the recording was interrupted")
    assert not cassette.query(select(schema.chunks))


@both
def test_what_is_under_way_at_the_end_is_cut(writing: Open, opened: Read) -> None:
    writer = writing()
    entry = writer.begin(REQUEST, 1000.0)
    entry.request_end(1000.0)
    entry.response_head(RESPONSE, 1000.1)
    entry.response_data(b"half")
    upload = writer.begin(REQUEST, 1001.0)
    upload.request_data(b"begun")
    writer.close()
    cassette = opened()
    found = cassette.exchange(entry.id)
    assert (found.state, found.error) == (State.CUT, "the recording was ended")
    assert found.response is not None
    assert read(found.response.body) == b"half"
    assert cassette.exchange(upload.id).state is State.CUT
    assert read(cassette.exchange(upload.id).request.body) == b"begun"


@both
@pytest.mark.parametrize("ends", [True, False])
def test_an_answer_before_the_request_has_ended(writing: Open, opened: Read, ends: bool) -> None:
    writer = writing()
    entry = writer.begin(REQUEST, 1000.0)
    entry.request_data(b"begun")
    entry.response_head(RESPONSE, 1000.1)
    entry.end(State.COMPLETE, 1000.2)
    if ends:
        entry.request_data(b" and done")
        entry.request_end(1000.3)
    writer.close()
    found = opened().exchange(entry.id)
    assert found.state is (State.COMPLETE if ends else State.CUT)
    assert read(found.request.body) == (b"begun and done" if ends else b"begun")
    assert (found.error is None) == ends


@both
def test_an_etag_of_a_body_that_was_redacted_is_computed_anew(make_exchange: Make, writing: Open, opened: Read) -> None:
    from peertape.cassettes.etags import express_etag

    body = b'{"feedToken": "SECRETFEED0"}'
    writer = writing()
    number = writer.add(make_exchange(body=body, response=(*JSON, ("ETag", express_etag(body)))))
    writer.close()
    response = opened().exchange(number).response
    assert response is not None
    assert read(response.body) != body
    assert response.headers.get("etag") == express_etag(read(response.body))
    assert [name for name, _ in response.headers] == ["Content-Type", "ETag"]


@both
def test_forgetting_everything_keeps_the_key(make_exchange: Make, writing: Open, opened: Read) -> None:
    writer = writing(upstream="http://tube.example")
    value = {
        "isLocal": True,
        "url": "http://tube.example/w/1",
        "id": 7,
        "uuid": "9c9de5e8-0a1e-484a-b099-e80766180a6d",
        "isLive": False,
        "fileUrl": "http://s3.example/1",
        "serverVersion": "6.3.0",
    }
    writer.add(make_exchange("/api/v1/videos/7", json.dumps(value).encode(), response=JSON))
    writer.commit()
    before = opened().meta()
    assert before["public_origin"] == "http://tube.example"
    assert writer.named_hosts == {"s3.example"}
    writer.forget_everything("http://new.example")
    assert writer.named_hosts == frozenset()
    writer.close()
    cassette = opened()
    kept = {name: before[name] for name in ("key", "salt", "created")}
    assert cassette.meta() == kept | {"upstream": "http://new.example"}
    for table in (
        schema.exchanges,
        schema.fields,
        schema.paths,
        schema.bodies,
        schema.chunks,
        schema.resources,
        schema.credentials,
        schema.tokens,
        schema.mentions,
    ):
        assert not cassette.query(select(table))


@both
def test_a_second_writer_is_refused(writing: Open) -> None:
    from peertape.cassettes.errors import CassetteBusy

    writing()
    with pytest.raises(CassetteBusy):
        writing()


def test_a_clean_end_leaves_one_file(make_exchange: Make, writing: Open, path: Path) -> None:
    writer = writing()
    writer.add(make_exchange())
    writer.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
