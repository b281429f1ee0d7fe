"""By which Hosts clients reach us."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin.ourhosts import is_our_host
from tests.proxy.engine.conftest import INSTANCE, Tape


@pytest.fixture
def is_ours(tape: Tape) -> Iterator[Callable[[str], bool]]:
    tape.add("GET", "/api/v1/config")
    cassette = tape.cassette()
    shelf = Shelf([cassette])
    yield lambda host: is_our_host(host, 8990, shelf, "https://public.example")
    cassette.close()


@pytest.mark.parametrize(
    "host",
    [
        INSTANCE,
        "public.example",
        "localhost:8990",
        "127.0.0.1:8990",
        "127.0.0.1:18990",  # through a forwarded port
        "[::1]:8990",
        "t17.localhost:8990",
        "10.0.2.2:8990",
        "192.168.1.7:8990",
        "workstation:8990",
        "workstation.local:8990",
    ],
)
def test_the_public_ones_and_those_near_by(is_ours: Callable[[str], bool], host: str) -> None:
    assert is_ours(host)


@pytest.mark.parametrize(
    "host", ["example.com", "example.com:8990", "10.0.2.2", "10.0.2.2:9001", "", "a b", "[:::", "workstation"]
)
def test_others_are_not(is_ours: Callable[[str], bool], host: str) -> None:
    assert not is_ours(host)
