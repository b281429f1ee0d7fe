"""What is asked costs the same however much was recorded: no statement goes through a table that grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from support.counting import Work, counted

from benchmarks import grown
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.sqlite import checking
from peertape.cassettes.store import Cassette
from peertape.config import settings as config
from peertape.proxy.cli import assembly
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine import nearest
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin import excerpts, history
from peertape.proxy.engine.twin.contract import book

SMALL, LARGE = 250, 1500  # exchanges
MORE = 1.3  # times the steps of the small cassette: a search takes some more in a deeper tree
SPARE = 300  # steps
OF_FEW = "USING INDEX tokens_passed"  # an index of the few tokens that a limit let pass
GROWING = (
    "exchanges",
    "bodies",
    "chunks",
    "paths",
    "fields",
    "pseudonyms",
    "resources",
    "credentials",
    "tokens",
    "mentions",
)

FORM = {**grown.CLIENT, "grant_type": "password", "response_type": "code"}
LOGIN = urlencode({**FORM, "username": grown.user(0), "password": grown.PASSWORD}).encode()
WRONG_LOGIN = urlencode({**FORM, "username": grown.user(1), "password": "a wrong one"}).encode()


def asked(
    method: str,
    target: str,
    *,
    login: int | None = None,
    body: bytes = b"",
    kind: str = "",
    more: tuple[str, str] | None = None,
) -> Request:
    headers = Headers((*grown.BROWSER, more) if more else grown.BROWSER)
    if login is not None:
        headers = headers.added("Authorization", f"Bearer {grown.token(login)}")
    if body:
        headers = headers.added("Content-Length", str(len(body))).added("Content-Type", kind or "application/json")
    return Request(method, target, headers, body)


def video(number: int) -> str:
    return f"/api/v1/videos/{grown.uuid(number)}"


# By name: what is asked, with which status and source it is answered.
QUESTIONS: dict[str, tuple[Request, int, str]] = {
    "the same request": (asked("GET", video(5)), 200, "recorded"),
    "the same but for a header": (
        asked("GET", "/api/v1/users/me", login=0, more=("X-Client", "another")),
        200,
        "recorded",
    ),
    "a token that nobody knows": (
        asked("GET", "/api/v1/users/me", more=("Authorization", "Bearer nobodys")),
        401,
        "emulated",
    ),
    "another spelling": (asked("GET", "/api/v1/videos/7"), 200, "recorded"),
    "a list with the defaults": (asked("GET", "/api/v1/videos?sort=-publishedAt&count=15"), 200, "recorded"),
    "another window of a list": (asked("GET", "/api/v1/videos?start=3&count=4&sort=-publishedAt"), 200, "derived"),
    "a picture": (asked("HEAD", grown.thumbnail(3)), 200, "derived"),
    "a login": (
        asked("POST", "/api/v1/users/token", body=LOGIN, kind="application/x-www-form-urlencoded"),
        200,
        "recorded",
    ),
    "a wrong password": (
        asked("POST", "/api/v1/users/token", body=WRONG_LOGIN, kind="application/x-www-form-urlencoded"),
        400,
        "emulated",
    ),
    "a video that nobody knows": (asked("GET", "/api/v1/videos/9c9de5e8-0a1e-484a-b099-e80766180123"), 404, "emulated"),
    "an account that nobody knows": (asked("GET", "/api/v1/accounts/nobody"), 404, "emulated"),
    "a channel that nobody knows": (asked("GET", "/api/v1/video-channels/nobodys/videos"), 404, "emulated"),
    "a comment without login": (asked("POST", f"{video(4)}/comment-threads", body=b'{"text":"No"}'), 401, "emulated"),
    "a parameter that is not valid": (asked("GET", "/api/v1/videos?count=-1"), 400, "emulated"),
    "a page of the client": (asked("GET", "/my-library"), 406, "emulated"),
    "a miss of a known video": (asked("GET", f"{video(6)}/captions"), 501, "miss"),
    "a miss of a list": (asked("GET", "/api/v1/videos?sort=-likes"), 501, "miss"),
    "a miss of a path": (asked("GET", "/plugins/other.css"), 501, "miss"),
    "a playlist of a live": (asked("GET", "/static/streaming-playlists/hls/x/0.m3u8"), 404, "emulated"),
}


@pytest.fixture(scope="module")
def cassettes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("growth")
    paths = {size: folder / f"{size}.cassette" for size in (SMALL, LARGE)}
    for size, path in paths.items():
        grown.grow(path, size)
    return paths


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """So low that both cassettes are beyond them."""
    monkeypatch.setattr(checking, "CHECKED_WHOLE", 0)
    monkeypatch.setattr(history, "LARGEST", 0)
    monkeypatch.setattr(excerpts, "OF_A_ROUTE", 2)
    monkeypatch.setattr(excerpts, "OF_A_WAY", 1)
    monkeypatch.setattr(excerpts, "MOST_OF_A_KIND", 2)
    monkeypatch.setattr(nearest, "WEIGHED", 5)
    monkeypatch.setattr(nearest, "BESIDE", 20)


@contextmanager
def engine(path: Path) -> Iterator[Callable[[Request], Answer]]:
    settings = config.load({"limits": "off"})
    with ExitStack() as stack:
        parts = stack.enter_context(assembly.parts(settings, open_cassettes((str(path),), settings)))
        chain = Engine(parts.replay_stages(lambda: Actions("replay", parts.shelf, parts.sessions, parts.tally)))
        session = parts.sessions.get("default")
        yield lambda request: chain.answer(request, session)


def work_of(path: Path, request: Request) -> tuple[int, Work, int, str]:
    """The steps of the answer, all statements, the status and the source."""
    with counted() as work, engine(path) as answer:
        begun = work.steps
        given = answer(request)
        read(given.body)
    return work.steps - begun, work, given.status, given.source.value


def test_a_start_takes_the_same_work(cassettes: dict[int, Path]) -> None:
    steps = {}
    for size, path in cassettes.items():
        with counted() as work, engine(path):
            steps[size] = work.steps
    assert steps[LARGE] <= MORE * steps[SMALL] + SPARE


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_takes_the_same_work(cassettes: dict[int, Path], name: str) -> None:
    request, status, source = QUESTIONS[name]
    small, large = (work_of(cassettes[size], request) for size in (SMALL, LARGE))
    assert small[2:] == large[2:] == (status, source)
    assert 0 < large[0] <= MORE * small[0] + SPARE


def test_no_statement_goes_through_a_table_that_grows(cassettes: dict[int, Path]) -> None:
    with counted() as work, engine(cassettes[LARGE]) as answer:
        for request, status, source in QUESTIONS.values():
            given = answer(request)
            assert (given.status, given.source.value) == (status, source)
            read(given.body)
        cassette = Cassette(cassettes[LARGE])
        assert cassette.last_write(0, grown.BEGUN * 2, besides="/socket.io") is not None
        assert not cassette.has_passed(grown.user(0))
        cassette.close()
    scans = {
        statement: lines
        for statement, lines in work.scans(cassettes[LARGE]).items()
        if any(table in line for line in lines if not line.endswith(OF_FEW) for table in GROWING)
    }
    assert not scans


def test_every_cassette_tells_of_the_world(cassettes: dict[int, Path]) -> None:
    """The large one's last logins are those of other users."""
    opened = [Cassette(cassettes[size], str(size)) for size in (LARGE, SMALL)]
    try:
        past = history.History(Shelf(opened), book("6.3"))
        for number in (0, 5, 7):
            request = asked("GET", "/api/v1/users/me", login=number)
            user = past.world(Session("default"), request).known("user", grown.user(number), "username")
            assert user is not None
            assert user.get("password")
    finally:
        for cassette in opened:
            cassette.close()
