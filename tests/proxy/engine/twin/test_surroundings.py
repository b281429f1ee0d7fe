"""What a cassette tells of the settings around its instance's routers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peertape.cassettes.store import Cassette
from peertape.config.routers import Routers, load
from peertape.proxy.engine.twin.surroundings import fitted
from tests.proxy.engine.conftest import Tape

POWERED, FRAMES = ("x-powered-by", "PeerTube"), ("X-Frame-Options", "DENY")
TK, CORS = ("Tk", "N"), ("Access-Control-Allow-Origin", "*")


@pytest.fixture
def opened() -> Iterator[list[Cassette]]:
    cassettes: list[Cassette] = []
    yield cassettes
    for cassette in cassettes:
        cassette.close()


def fit(tape: Tape, opened: list[Cassette]) -> Routers:
    opened.append(tape.cassette())
    return fitted(load(), opened)


def test_nothing_recorded_changes_nothing(tape: Tape, opened: list[Cassette]) -> None:
    tape.add("GET", "/api/v1/videos")  # not by PeerTube's own hand: without its headers
    assert fit(tape, opened) == load()


def test_production_settings(tape: Tape, opened: list[Cassette]) -> None:
    tape.add("GET", "/api/v1/videos", response_headers=(POWERED, FRAMES, TK, CORS))
    routers = fit(tape, opened)
    assert not routers.development
    assert routers.before_parsing() == (POWERED, FRAMES)


def test_settings_for_tests(tape: Tape, opened: list[Cassette]) -> None:
    tape.add("GET", "/api/v1/videos", response_headers=(POWERED, FRAMES, CORS, TK))
    assert fit(tape, opened).development


def test_a_preflight_tells_nothing(tape: Tape, opened: list[Cassette]) -> None:
    tape.add("OPTIONS", "/api/v1/videos", b"", 204, response_headers=(POWERED, FRAMES, CORS, TK))
    assert not fit(tape, opened).development


def test_headers_that_are_switched_off(tape: Tape, opened: list[Cassette]) -> None:
    tape.add("GET", "/api/v1/videos", response_headers=(FRAMES, TK, CORS))
    assert fit(tape, opened).before_parsing() == (FRAMES,)
