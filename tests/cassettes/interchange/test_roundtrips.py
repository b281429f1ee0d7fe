"""What is written and read again is what it was, whatever the exchange holds."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertape.cassettes.bodies import BytesBody, JoinedBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.interchange.flows import read_flows, write_flows
from peertape.cassettes.interchange.har import read_har, write_har
from peertape.cassettes.model import Closing, Exchange, Message, RecordedRequest, RecordedResponse, State, Timing

type Reader = Callable[[BinaryIO], Iterator[Exchange]]
type Writer = Callable[[Iterable[Exchange], BinaryIO], int]

FORMATS = pytest.mark.parametrize(
    ("reader", "writer"),
    [pytest.param(read_flows, write_flows, id="flows"), pytest.param(read_har, write_har, id="har")],
)

wire = st.text(st.characters(max_codepoint=255), max_size=12)
names = st.one_of(
    st.sampled_from(
        [
            "Host",
            "host",
            "Content-Length",
            "content-encoding",
            "Transfer-Encoding",
            "Content-Type",
            "Cookie",
            "Set-Cookie",
        ]
    ),
    wire.filter(lambda name: not name.lower().startswith("peertape-")),
)
values = st.one_of(
    st.sampled_from(["gzip", "7", "0", "chunked", "text/plain; charset=utf-16", "text/html; charset=iso-8859-1"]), wire
)
headers = st.lists(st.tuples(names, values), max_size=5).map(Headers.of)
contents = st.one_of(
    st.binary(max_size=40), st.text(max_size=20).map(str.encode), st.just(gzip.compress(b"x" * 99, mtime=0))
)
bodies = contents.map(BytesBody)
moments = st.floats(0, 4e9)
methods = st.sampled_from(["GET", "get", "HEAD", "POST", "OPTIONS"]) | wire.filter(
    lambda text: text.upper() != "CONNECT"
)
versions = st.sampled_from(["HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/2", "HTTP/3"])
authorities = st.sampled_from(["peertube.example", "p.example:443", "[::1]:9000", "[::1]", "::1", "h:99999", ""]) | wire

requests = st.builds(
    RecordedRequest,
    method=methods,
    target=st.sampled_from(["/", "*", "/a?b=%20&c#d", "http://x/y"]) | wire,
    scheme=st.sampled_from(["http", "https"]),
    authority=authorities,
    http_version=versions,
    headers=headers,
    body=bodies,
    trailers=headers,
)
responses = st.builds(
    RecordedResponse,
    status=st.integers(100, 599),
    reason=wire,
    http_version=versions,
    headers=headers,
    body=bodies,
    trailers=headers,
)
timings = st.builds(Timing, moments, *[st.none() | moments] * 3)
messages = st.builds(Message, moments, st.booleans(), st.booleans(), contents)
closings = st.builds(Closing, moments, st.booleans(), st.sampled_from([1000, 1005, 1006, 4999]), st.text(max_size=5))


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    response = draw(st.none() | responses)
    return Exchange(
        request=draw(requests),
        response=response,
        timing=draw(timings),
        state=draw(st.sampled_from(list(State) if response else [State.FAILED, State.OPEN])),
        error=draw(st.none() | st.text(max_size=10)),
        client_host=draw(st.none() | wire),
        messages=tuple(draw(st.lists(messages, max_size=3))),
        closing=draw(st.none() | closings),
    )


def again(reader: Reader, writer: Writer, recorded: list[Exchange]) -> list[Exchange]:
    file = io.BytesIO()
    assert writer(recorded, file) == len(recorded)
    file.seek(0)
    return list(reader(file))


@FORMATS
@given(recorded=st.lists(exchanges(), max_size=3))
def test_nothing_is_lost(reader: Reader, writer: Writer, recorded: list[Exchange]) -> None:
    assert again(reader, writer, recorded) == recorded


@FORMATS
@given(recorded=exchanges())
def test_the_number_in_the_store_is_not_carried(reader: Reader, writer: Writer, recorded: Exchange) -> None:
    assert again(reader, writer, [replace(recorded, id=42)]) == [recorded]


@FORMATS
@given(recorded=exchanges(), source=st.sampled_from(["Peertape-Source", "peertape-session"]))
def test_our_own_headers_are_left_out(reader: Reader, writer: Writer, recorded: Exchange, source: str) -> None:
    marked = replace(
        recorded,
        request=replace(recorded.request, headers=recorded.request.headers.added(source, "x")),
        response=recorded.response
        and replace(recorded.response, headers=recorded.response.headers.added(source, "recorded")),
    )
    assert again(reader, writer, [marked]) == [recorded]


@FORMATS
@given(recorded=exchanges())
def test_bodies_of_any_kind_are_written(reader: Reader, writer: Writer, recorded: Exchange) -> None:
    half = len(recorded.request.body.data) // 2 if isinstance(recorded.request.body, BytesBody) else 0
    data = b"".join(recorded.request.body.pieces())
    joined = JoinedBody([BytesBody(data[:half]), BytesBody(data[half:])])
    stored = replace(recorded, request=replace(recorded.request, body=joined))
    assert again(reader, writer, [stored]) == [recorded]


@FORMATS
def test_exchanges_are_taken_one_at_a_time(reader: Reader, writer: Writer) -> None:
    file = io.BytesIO()
    one = Exchange(RecordedRequest("GET", "/", "http", "h", "HTTP/1.1", Headers()), None, Timing(1.0), State.FAILED)

    def source() -> Iterator[Exchange]:
        for _ in range(3):
            before = file.tell()
            yield one
            assert file.tell() > before

    writer(source(), file)
    file.seek(0)
    assert len(list(reader(file))) == 3
