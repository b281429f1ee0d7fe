"""Whatever a cassette takes comes back the same from a file and from a server."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select
from support import samples
from support.postgresql import Server

from peertape.cassettes import places, schema
from peertape.cassettes.model import Message
from peertape.cassettes.paths import fold
from peertape.cassettes.place import Place
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.sqlite.place import FilePlace
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

RULES = RedactionRules.default()
NUL = "␀"

quickly = settings(  # each example opens both
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
texts = st.text(max_size=20) | st.text(f"\0{NUL}0a", max_size=8)  # lone surrogates too
numbers = st.integers(-(2**70), 2**70)
times = st.floats(allow_nan=False)
octets = st.binary(max_size=50)


@pytest.fixture(scope="module")
def engines(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Place]:
    """The same empty cassette on each."""
    both = FilePlace(tmp_path_factory.mktemp("values") / "a.cassette"), places.named(server.fresh())
    for place in both:
        CassetteWriter(place, RULES).close()
    return both


def kept(place: Place, text: str, number: int, at: float, data: bytes) -> Any:
    """What is read of a row with these values, and what finds it; or how it is refused."""
    table = schema.messages
    users, resources = schema.users, schema.resources
    engine = place.open_writer()
    try:
        with engine.begin() as connection:
            for each in (table, users, resources, schema.exchanges):
                connection.execute(delete(each))
        with engine.begin() as connection:
            made = {
                "id": 1,
                "state": "complete",
                "method": "GET",
                "scheme": "http",
                "authority": "a",
                "target": text,
                "request_headers": "[]",
            }
            connection.execute(insert(schema.exchanges), {**made, "http_version": "HTTP/1.1", "started_at": at})
            message = {"exchange_id": 1, "position": 0, "at": at, "from_client": 1, "is_text": 0, "content": data}
            connection.execute(insert(table), message)
            connection.execute(insert(users), {"name": text, "role": text})
            connection.execute(insert(resources), {"kind": "video", "uuid": text, "number": number})
        with engine.connect() as connection:
            return (
                connection.execute(select(schema.exchanges.c.target, schema.exchanges.c.started_at)).all(),
                connection.execute(select(table)).all(),
                connection.execute(select(users.c.role).where(users.c.name == text)).all(),
                connection.execute(select(resources.c.number).where(resources.c.uuid == text)).all(),
            )
    except (UnicodeEncodeError, OverflowError) as error:
        return type(error)
    finally:
        place.close_writer(engine)


@quickly
@given(text=texts, number=numbers, at=times, data=octets)
def test_values_survive_alike(engines: tuple[Place, Place], text: str, number: int, at: float, data: bytes) -> None:
    file, server = (kept(place, text, number, at, data) for place in engines)
    assert file == server
    if not isinstance(server, type):
        assert server[2:] == ([(text,)], [(number,)])


@quickly
@given(
    path=st.text(max_size=10).map(lambda text: text.encode("utf-8", "surrogatepass")),
    value=st.text(st.characters(max_codepoint=255), max_size=20),
    body=octets,
    message=octets,
)
def test_whole_exchanges_survive_alike(
    engines: tuple[Place, Place], path: bytes, value: str, body: bytes, message: bytes
) -> None:
    target = "/%00" + "".join(f"%{octet:02x}" for octet in path)
    exchange = samples.made(
        1,
        "GET",
        target,
        101,
        body,
        {"Content-Type": "video/mp4", "X-Any": value},
        messages=[Message(1000.123456789, True, False, message)],
    )
    found = []
    for place in engines:
        with closing(CassetteWriter(place, RULES)) as writer:
            writer.forget_everything()
            writer.add(exchange)
        with closing(Cassette(place)) as cassette:
            (one,) = cassette.exchanges()
            found.append((one.request.target, one.response and one.response.headers, one.messages, one.timing))
            assert [each.id for each in cassette.by_path([fold(target)])] == [one.id]
    assert found[0] == found[1]
    assert found[1][0] == target


def test_texts_of_any_length_are_looked_up(server: Server) -> None:
    """A B-tree of PostgreSQL refuses what does not fit into a third of a page."""
    place = places.named(server.fresh())
    long = "/" + "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(200))
    with closing(CassetteWriter(place, RULES)) as writer:
        number = writer.add(samples.made(1, "GET", long, 200, request_headers={"Cookie": f"session={long[1:]}"}))
    with closing(Cassette(place)) as cassette:
        request = cassette.exchange(number).request
        assert [each.id for each in cassette.by_path([fold(long)])] == [number]
        pseudonym = (request.headers.get("cookie") or "").removeprefix("session=")
        assert pseudonym != long[1:]
        assert cassette.redactor.headers(request.headers, response=False) == request.headers  # it is known as one


def test_a_body_of_more_octets_than_32_bits_count(server: Server) -> None:
    place = places.named(server.fresh())
    engine = place.open_writer()
    position = 5 * 2**30
    with engine.begin() as connection:
        connection.execute(insert(schema.bodies), {"id": 1, "size": position + 3})
        row = {"body_id": 1, "position": position, "size": 3, "coding": "identity", "data": b"end"}
        connection.execute(insert(schema.chunks), row)
        found = connection.execute(
            select(schema.chunks.c.data).where(schema.chunks.c.position <= position + 1)
        ).scalar()
    place.close_writer(engine)
    assert found == b"end"
