"""What the demo must not hold, and how big it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from peertape.cassettes import demo
from peertape.cassettes.bodies import read
from peertape.cassettes.codings import codings_of, decode
from peertape.cassettes.headers import Headers
from peertape.cassettes.store import Cassette

PASSWORDS = (b"test1234", b"opensesame", b"hunter22")
MACHINE_PATHS = re.compile(rb"(?<![\w./-])/(?:home|root|work|Users)/(?!available)[\w.-]+")


def test_it_is_one_small_file() -> None:
    assert demo.path().stat().st_size <= 12 * 1024 * 1024
    assert [other.name for other in demo.path().parent.glob("demo.cassette*")] == ["demo.cassette"]


def everything() -> Iterator[tuple[str, bytes]]:
    yield "the file", demo.path().read_bytes()
    with closing(Cassette(demo.path())) as cassette:
        for exchange in cassette.exchanges():
            title = f"exchange {exchange.id}"
            for message in filter(None, (exchange.request, exchange.response)):
                yield title, read(message.body)
                yield title, plain(message.headers, read(message.body))
            for each in exchange.messages:
                yield title, each.content


def plain(headers: Headers, body: bytes) -> bytes:
    undone = decode(body, codings_of(headers), 1 << 26)
    return undone.octets if undone else body


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, bytes]]:
    return list(everything())


@pytest.mark.parametrize("password", PASSWORDS, ids=bytes.decode)
def test_no_password_in_the_clear(texts: list[tuple[str, bytes]], password: bytes) -> None:
    assert [title for title, text in texts if password in text] == []


def test_no_path_of_a_developers_machine(texts: list[tuple[str, bytes]]) -> None:
    assert {found[0] for title, text in texts[1:] for found in MACHINE_PATHS.finditer(text)} == set()
