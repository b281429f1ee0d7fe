"""Exchanges for tests of the store; and mitmproxy's imports use old names of pyparsing and pyasn1, which warn once:
here warnings are errors.
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from support.engines import FILE

from peertape.cassettes import places, schema
from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, State, Timing
from peertape.cassettes.place import Place
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.sqlite.place import FilePlace
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mitmproxy.addons.savehar  # noqa: F401


def exchange_of(
    target: str = "/api/v1/videos",
    body: bytes = b"answer",
    *,
    request: tuple[tuple[str, str], ...] = (),
    response: tuple[tuple[str, str], ...] = (("Content-Type", "video/mp4"),),
    sent: bytes = b"",
    method: str = "GET",
    status: int | None = 200,
    **more: Any,
) -> Exchange:
    """Of one second, beginning at 1000."""
    asked = RecordedRequest(
        method,
        target,
        "http",
        "tube.example",
        "HTTP/1.1",
        Headers((("Host", "tube.example"), *request)),
        BytesBody(sent),
    )
    answered = RecordedResponse(status, "Fine", "HTTP/1.1", Headers(response), BytesBody(body)) if status else None
    defaults: dict[str, Any] = {"state": State.COMPLETE, "timing": Timing(1000.0, 1000.25, 1000.5, 1001.0)}
    return Exchange(asked, answered, **{**defaults, **more})


@pytest.fixture
def make_exchange() -> Callable[..., Exchange]:
    return exchange_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.cassette"


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """A file; with `support.engines.both` in turn a server's."""
    if getattr(request, "param", FILE) == FILE:
        return FilePlace(request.getfixturevalue("path"))
    return places.named(request.getfixturevalue("server").fresh())


@pytest.fixture
def opened(place: Place) -> Iterator[Callable[[], Cassette]]:
    """Opens the cassette for reading."""
    with ExitStack() as stack:

        def open_it() -> Cassette:
            cassette = Cassette(place)
            stack.callback(cassette.close)
            return cassette

        yield open_it


@pytest.fixture
def writing(place: Place) -> Iterator[Callable[..., CassetteWriter]]:
    """Opens the cassette for writing; a test may close it itself."""
    writers: list[CassetteWriter] = []

    def open_it(**options: Any) -> CassetteWriter:
        writers.append(CassetteWriter(place, RedactionRules.default(), **options))
        return writers[-1]

    yield open_it
    for writer in writers:
        if not writer.storage.connection.closed:
            writer.close()


@pytest.fixture
def of_version_3(tmp_path: Path) -> Path:
    """Logins of alice, bob, bob (wrong), and carol in JSON; two comments, a view, a page of a list, tasks."""
    path = tmp_path / "version-3.cassette"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((Path(__file__).parent / "versions" / "3.sql").read_text("utf-8"))
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 3")
    return path
