"""What a replay answers does not hang on the size of the cassette: of a large one the twin is told what it needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from support.padding import padding

from peertape.cassettes import demo
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter
from peertape.config import settings as config
from peertape.proxy.cli import assembly
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.twin import excerpts, history

PADDING = 4 * excerpts.MOST_OF_A_KIND + 200  # exchanges, a quarter of each kind: more than are told whole
HOST = "127.0.0.1:9000"
OF_ALICE, OF_BOB = "23febe54-7704-4ef9-8bbc-0d205abb6ec2", "712b97df-453a-47bb-b4ee-6807a4ba74e5"
NOBODYS = "9c9de5e8-0a1e-484a-b099-e80766180a6d"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
PASSWORD = "test1234"

type Ask = Callable[[Request], Answer]


@pytest.fixture(scope="module")
def client() -> Mapping[str, str]:
    """The instance's own, with a secret as the demo holds it."""
    cassette = Cassette(demo.path(), "demo")
    (found, *_) = cassette.by_path(["/api/v1/oauth-clients/local"])
    response = cassette.exchange(found.id).response
    assert response is not None
    made: dict[str, str] = json.loads(read(response.body))
    cassette.close()
    return made


@pytest.fixture(scope="module")
def padded(tmp_path_factory: pytest.TempPathFactory, client: Mapping[str, str]) -> Path:
    """The demo, with as much else as makes it large: recorded before it, and after it was half recorded."""
    path = tmp_path_factory.mktemp("padded") / "padded.cassette"
    shutil.copyfile(demo.path(), path)
    cassette = Cassette(demo.path(), "demo")
    like, half = cassette.exchange(1), cassette.exchange(cassette.last // 2)
    cassette.close()
    writer = CassetteWriter(path, RedactionRules.default())
    for begun in (like.timing.started - 3600, half.timing.started):
        for exchange in padding(PADDING, begun, like, dict(client)):
            writer.add(exchange)
    writer.close()
    return path


@contextmanager
def playing(path: Path) -> Iterator[tuple[Ask, Session]]:
    settings = config.load({"limits": "off"})
    with assembly.parts(settings, [Cassette(path, "demo")]) as parts:
        engine = Engine(parts.replay_stages(lambda: Actions("replay", parts.shelf, parts.sessions, parts.tally)))
        session = parts.sessions.get("default")
        session.clock.freeze(True)
        yield lambda request: engine.answer(request, session), session


def asked(method: str, target: str, body: bytes = b"", kind: str = JSON, token: str | None = None) -> Request:
    headers = Headers((("Host", HOST), ("Accept", "*/*")))
    if token is not None:
        headers = headers.added("Authorization", f"Bearer {token}")
    if body:
        headers = headers.added("Content-Length", str(len(body))).added("Content-Type", kind)
    return Request(method, target, headers, body)


def login(client: Mapping[str, str], name: str, password: str = PASSWORD) -> Request:
    form = {**client, "grant_type": "password", "response_type": "code", "username": name, "password": password}
    return asked("POST", "/api/v1/users/token", urlencode(form).encode(), FORM)


def refresh(client: Mapping[str, str], token: str) -> Request:
    form = {**client, "grant_type": "refresh_token", "refresh_token": token}
    return asked("POST", "/api/v1/users/token", urlencode(form).encode(), FORM)


def questions(client: Mapping[str, str], tokens: Mapping[str, str]) -> Iterator[Request]:
    """What the rules decide by who and what there is."""
    yield from (login(client, name, "wrong password") for name in ("alice", "BOB", "root", "nobody", "carol"))
    yield from (login(client, name, "wrong password") for name in ("alice@example.com", "nobody@example.com"))
    yield refresh(client, "0" * 40)
    for name in ("alice", "nobody", "alice@127.0.0.1:9000", "alice@elsewhere.example", "ALICE"):
        yield asked("GET", f"/api/v1/accounts/{name}/videos?count=1000")
        yield asked("GET", f"/api/v1/accounts/{name}/ratings")
    for name in ("alice_channel", "nobodys_channel", "bob_channel"):
        yield asked("GET", f"/api/v1/video-channels/{name}/followers", token=tokens["bob"])
        yield asked("PUT", f"/api/v1/video-channels/{name}", b'{"displayName":"Mine"}', token=tokens["bob"])
    for video in (OF_ALICE, "1", "5rNpafMn7Qbqmte7b2zYHy", OF_BOB, NOBODYS, "2147483647"):
        yield asked("GET", f"/api/v1/videos/{video}/comment-threads/999999")
        yield asked("PUT", f"/api/v1/videos/{video}", b'{"name":"Mine"}', token=tokens["bob"])
        yield asked("DELETE", f"/api/v1/videos/{video}", token=tokens["alice"])
        yield asked("POST", f"/api/v1/videos/{video}/comment-threads", b'{"text":""}', token=tokens["alice"])
    for number in ("1", "2", "999999"):
        yield asked("DELETE", f"/api/v1/videos/{OF_ALICE}/comments/{number}", token=tokens["bob"])
        yield asked("DELETE", f"/api/v1/users/{number}", token=tokens["alice"])
        yield asked("GET", f"/api/v1/users/{number}", token=tokens["root"])
        yield asked("DELETE", f"/api/v1/video-playlists/{number}", token=tokens["bob"])
    for name, email in (("alice", "new@example.com"), ("new", "alice@example.com"), ("alice_channel", "x@example.com")):
        value = {"username": name, "email": email, "password": "long enough", "role": 2, "videoQuota": -1}
        body = json.dumps({**value, "videoQuotaDaily": -1}).encode()
        yield asked("POST", "/api/v1/users", body, token=tokens["root"])
    yield asked("GET", "/api/v1/abuses/1/messages", token=tokens["bob"])
    yield asked("POST", "/api/v1/server/following", b'{"hosts":["x"]}', token=tokens["alice"])


def told(answer: Answer) -> tuple[int, str, bytes, list[tuple[str, str]]]:
    """All of it but for the time, and what a miss says of the recordings that are nearest to it."""
    kept = [pair for pair in answer.headers if pair[0].lower() not in ("date", "x-ratelimit-reset")]
    is_miss = answer.source.value == "miss"
    return answer.status, answer.source.value, b"" if is_miss else read(answer.body), [] if is_miss else kept


def answers(path: Path, client: Mapping[str, str], moment: float | None = None) -> dict[str, object]:
    """By the request's place and first line."""
    with playing(path) as (answer, session):
        logins = {name: json.loads(read(answer(login(client, name)).body)) for name in ("root", "alice", "bob")}
        if moment is not None:
            session.clock.set(moment)
        tokens = {name: found["access_token"] for name, found in logins.items()}
        return {
            f"{place}: {request.method} {request.target}": told(answer(request))
            for place, request in enumerate(questions(client, tokens))
        }


@pytest.mark.parametrize("share", [None, 0.8])
def test_a_large_cassette_answers_as_a_small_one(
    padded: Path, client: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, share: float | None
) -> None:
    """`share`: the clock stands where so much of the demo had been recorded."""
    cassette = Cassette(demo.path(), "demo")
    moment = None if share is None else cassette.exchange(int(cassette.last * share)).timing.started
    cassette.close()
    small = answers(demo.path(), client, moment)
    monkeypatch.setattr(history, "LARGEST", PADDING)
    large = answers(padded, client, moment)
    differing = {name: (small[name], large[name]) for name in small if small[name] != large[name]}
    assert not differing
    sources = [str(found[1]) for found in small.values() if isinstance(found, tuple)]
    assert sources.count("emulated") > 0.8 * len(sources)
