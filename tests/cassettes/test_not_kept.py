"""Request bodies over the limit: what they were is kept, and they match all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from support.samples import made

from peertape.cassettes.bodies import read
from peertape.cassettes.model import Exchange, NotKept
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

Record = Callable[..., Cassette]

FILE = bytes(range(256)) * 3000  # more than one chunk
FORM = b'--x\r\nContent-Disposition: form-data; name="videofile"; filename="a"\r\n\r\n' + FILE + b"\r\n--x--\r\n"


def sent(number: int, body: bytes, kind: str = "application/octet-stream") -> Exchange:
    return made(number, "PUT", f"/{number}", 200, b"ok", {}, request_headers={"Content-Type": kind}, request_body=body)


@pytest.fixture
def recorded() -> Iterator[Record]:
    with ExitStack() as stack:

        def record(path: Path, *exchanges: Exchange, limit: int | None) -> Cassette:
            writer = CassetteWriter(path, RedactionRules.default(), largest_request=limit)
            for exchange in exchanges:
                writer.add(exchange)
            writer.close()
            cassette = Cassette(path)
            stack.callback(cassette.close)
            return cassette

        yield record


@pytest.mark.parametrize(("body", "kind"), [(FILE, "video/mp4"), (FORM, "multipart/form-data; boundary=x")])
def test_hash_size_and_type_are_kept(tmp_path: Path, recorded: Record, body: bytes, kind: str) -> None:
    cassette = recorded(tmp_path / "c.cassette", sent(1, body, kind), limit=len(body) - 1)
    request = cassette.exchange(1).request
    keys = cassette.keys("PUT", "/1", request.headers, body)
    assert request.not_kept == NotKept(len(body), hashlib.sha256(body).digest(), keys.body_digest)
    assert (read(request.body), request.headers.get("content-type")) == (b"", kind)
    assert [found.id for found in cassette.by_exact_key(keys.exact).after(0)] == [1]


def test_what_is_just_within_the_limit_is_kept(tmp_path: Path, recorded: Record) -> None:
    request = recorded(tmp_path / "c.cassette", sent(1, FILE), limit=len(FILE)).exchange(1).request
    assert (read(request.body), request.not_kept) == (FILE, None)


def test_it_takes_no_room(tmp_path: Path, recorded: Record) -> None:
    cassette = recorded(tmp_path / "c.cassette", sent(1, FILE), limit=10)
    assert cassette.place.octets() < len(FILE)


def test_kept_after_all_where_the_same_comes_again(tmp_path: Path, recorded: Record) -> None:
    recorded(tmp_path / "c.cassette", sent(1, FILE), limit=10).close()
    cassette = recorded(tmp_path / "c.cassette", sent(2, FILE), limit=None)
    assert [read(exchange.request.body) for exchange in cassette.exchanges()] == [FILE, FILE]


def test_where_the_octets_are_there_already_nothing_lacks(tmp_path: Path, recorded: Record) -> None:
    recorded(tmp_path / "c.cassette", sent(1, FILE), limit=None).close()
    cassette = recorded(tmp_path / "c.cassette", sent(2, FILE), limit=10)
    assert [exchange.request.not_kept for exchange in cassette.exchanges()] == [None, None]


def test_a_copy_says_the_same(tmp_path: Path, recorded: Record) -> None:
    first = recorded(tmp_path / "one.cassette", sent(1, FILE), limit=10)
    copy = recorded(tmp_path / "two.cassette", replace(first.exchange(1), id=0), limit=None)
    assert copy.exchange(1).request.not_kept == first.exchange(1).request.not_kept
