"""Prepared answers: whatever happens, a session with them is answered, noted and left as one without them."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import shutil
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, State, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter
from peertape.config import settings as config
from peertape.proxy.cli import assembly
from peertape.proxy.engine.clock import Clock
from peertape.proxy.engine.journal import LocalJournal
from peertape.proxy.engine.limits.counters import LocalCounters
from peertape.proxy.engine.session import LocalProgress, Session, Sessions
from peertape.proxy.lanes.application import Application
from peertape.proxy.lanes.prepared import Messages, PreparedMessages

INSTANCE = "tube.example"
START = 1_700_000_000.0
CONTROL = "/__peertape__"
JSON = ("Content-Type", "application/json; charset=utf-8")
ROUTERS = (("X-Powered-By", "PeerTube"), ("X-Frame-Options", "DENY"), ("Tk", "N"))
NUMBERS = (("X-RateLimit-Limit", "50"), ("X-RateLimit-Remaining", "49"), ("Date", "then"), ("X-RateLimit-Reset", "1"))
CACHED = tuple((name.lower(), value) for name, value in (*ROUTERS, *NUMBERS))
FORM = ("Content-Type", "application/x-www-form-urlencoded")
LOGIN = b"client_id=client-1&client_secret=secret-1&grant_type=password&username=alice&password=secret-password"


def exchange(
    number: int,
    method: str,
    target: str,
    answer: Any = "ok",
    status: int = 200,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    head: tuple[tuple[str, str], ...] = (*ROUTERS, *NUMBERS),
    body: bytes = b"",
    host: str = INSTANCE,
) -> Exchange:
    at = START + number
    content = json.dumps(answer).encode() if status != 304 else b""
    response = Headers.of((*head, JSON, ("Content-Length", str(len(content)))))
    return Exchange(
        RecordedRequest(
            method, target, "https", host, "HTTP/1.1", Headers.of((("Host", host), *headers)), BytesBody(body)
        ),
        RecordedResponse(status, "Reason", "HTTP/1.1", response, BytesBody(content)),
        Timing(at, at, at + 0.4, at + 0.5),
        State.COMPLETE,
    )


BEARER = ("Authorization", "Bearer token-of-alice")
RECORDED = (
    (
        "POST",
        "/api/v1/users/token",
        {"access_token": "token-of-alice", "expires_in": 60, "refresh_token": "refresh-of-alice"},
        200,
    ),
    ("GET", "/api/v1/config", {"instance": {"name": f"https://{INSTANCE}/about"}}, 200),
    ("GET", "/api/v1/videos/1", {"id": 1, "views": 0}, 200),
    ("GET", "/api/v1/users/me", {"id": 7, "username": "alice", "role": {"id": 2, "label": "User"}}, 200),
    ("PUT", "/api/v1/users/me", {}, 204),
    (
        "GET",
        "/api/v1/users/me",
        {"id": 7, "username": "alice", "role": {"id": 2, "label": "User"}, "displayName": "A"},
        200,
    ),
    ("GET", "/api/v1/videos/1", {"id": 1, "views": 1}, 200),
    ("GET", "/api/v1/videos/2", {"error": "not there"}, 404),
    ("GET", "/api/v1/videos?start=0&count=3", {"total": 3, "data": [{"id": 1}, {"id": 2}, {"id": 3}]}, 200),
    ("GET", "/feeds/videos.json", {"feed": 1}, 200),
    ("GET", "/static/x.json", {"file": 1}, 200),
    ("GET", "/static/x.json", {"file": 2}, 200),
)


def recorded() -> Iterator[Exchange]:
    for number, (method, target, answer, status) in enumerate(RECORDED):
        mine = "/users/me" in target
        yield exchange(
            number,
            method,
            target,
            answer,
            status,
            headers=(BEARER,) if mine else (FORM,) if method == "POST" else (),
            body=LOGIN if method == "POST" else b"",
            head=CACHED if target.startswith("/feeds") else (*ROUTERS, *NUMBERS, ("ETag", f'W/"{number}"')),
        )
    yield exchange(len(RECORDED), "GET", "/api/v1/videos/1", {"id": 1, "host": 2}, host="other.example")


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prepared") / "tape.cassette"
    writer = CassetteWriter(path, RedactionRules.default())
    for one in recorded():
        writer.add(one)
    writer.close()
    return path


@dataclass
class World:
    """A fast lane in process, by a clock of its own."""

    stack: ExitStack
    path: Path
    room: int | None
    options: dict[str, Any]
    now: float = START
    told: list[Any] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        settings = config.load({"token": "control", "seed": 1, **self.options})
        made = assembly.parts(settings, [Cassette(self.path, "tape")])
        self.sessions = sessions = Sessions(self)
        parts = replace(self.stack.enter_context(made), sessions=sessions)
        self.parts = replace(parts, observers=[*parts.observers, self.told.append])
        self.prepared = None
        if self.room is not None:
            self.prepared = _Counting(Messages(), sessions, parts.shelf.changes, self.parts.told_again, self.room)
        login = self.parts.shelf.cassettes[0].exchange(1).response
        assert login is not None
        self.token = json.loads(read(login.body))["access_token"]
        engine = self.parts.engine(self.parts.replay_stages(lambda: self.parts.actions("serve")))
        self.application = Application(engine, sessions, self.parts.digest_filter, prepared=self.prepared)

    def ask(
        self, method: str, target: str, headers: tuple[tuple[str, str], ...], body: bytes, client: str = "192.0.2.1"
    ) -> Any:
        path, _, query = target.partition("?")
        headers = tuple((name, value.replace("token-of-alice", self.token)) for name, value in headers)
        length = ((b"content-length", str(len(body)).encode()),) if body else ()
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [*((name.lower().encode(), value.encode()) for name, value in headers), *length],
            "client": (client, 1),
            "server": ("127.0.0.1", 8990),
            "scheme": "http",
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.application(scope, receive, send))
        return sent[0]["status"], list(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent[1:])

    def session(self, name: str) -> Session:
        """Makes one."""
        self.made.add(name)
        return Session(name, Clock(lambda: self.now))

    def names(self) -> Sequence[str]:
        return tuple(self.made)

    def state(self) -> Any:
        """All that is left behind."""
        return [self.told, self.parts.tally, *(_state_of(self.sessions.get(name)) for name in sorted(self.made))]


class _Counting(PreparedMessages):
    hits = 0

    def again(self, key: Any) -> Any:
        given = super().again(key)
        self.hits += given is not None
        return given


def _state_of(session: Session) -> Any:
    counters, progress = session.counters, session.progress
    assert isinstance(counters, LocalCounters)
    assert all(isinstance(one, LocalProgress) for one in progress.values())
    memory = sorted(re.sub(" at 0x[0-9a-f]+", "", repr(kept)) for kept in session.memory.items())
    journal = session.journal
    assert isinstance(journal, LocalJournal)
    told = (journal.entries, journal.sources, journal.answered)
    return session.name, told, counters, progress, session.clock.now(), memory


Op = Callable[[World], Any]

TARGETS = [
    *dict.fromkeys(target for _, target, _, _ in RECORDED),
    "/api/v1/videos/1/",
    "/api/v1/videos?start=1&count=1",
    "/api/v1/never",
    "/%zz/api/v1/config",
    f"{CONTROL}/host/https/other.example/x",
    "/socket.io/?EIO=9",
]
HEADERS: list[tuple[tuple[str, str], ...]] = [
    (),
    (BEARER,),
    (("Authorization", "Bearer nobody"),),
    (("User-Agent", "another"),),
    (("Accept", "application/json"),),
    (("Range", "bytes=0-3"),),
    (("If-None-Match", 'W/"2"'),),
    (("If-None-Match", 'W/"6"'),),
    (("X-Forwarded-For", "192.0.2.9"),),
    (("Peertape-Session", "second"),),
    (("Prefer", "code=404"),),
    (("Origin", "https://app.example"),),
]
HOSTS = ["127.0.0.1:8990", "other.example", INSTANCE, "second.localhost:8990", "192.168.0.7:8990"]
BODIES = [
    ("reset", {}),
    ("clock", {"advance": 7}),
    ("clock", {"advance": 61}),
    ("clock", {"freeze": True}),
    ("clock", {"freeze": False}),
    ("clock", {"at": "2023-11-14T22:13:25Z"}),
    ("limits", {"limits": {"api": {"window": "10s", "max": 3}}}),
    ("limits", {"limits": "off"}),
    ("limits", {"reset": True}),
    ("faults", {"faults": ["503*1@GET /api/v1/videos/1"]}),
    ("faults", {"faults": []}),
    ("faults", {"latency": "lognormal(0.1ms,0.5)"}),
    ("faults", {"latency": "none"}),
]


@dataclass(frozen=True)
class Asking:
    """A request."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    host: str
    body: bytes = b""

    def __call__(self, world: World) -> Any:
        return world.ask(self.method, self.target, (("Host", self.host), *self.headers), self.body)


@dataclass(frozen=True)
class Passing:
    """Time goes by."""

    seconds: float

    def __call__(self, world: World) -> None:
        world.now += self.seconds


@dataclass(frozen=True)
class Recording:
    """Another process records into the cassette of both worlds."""

    number: int

    def __call__(self, world: World) -> None:
        if world.room is not None:  # the other one does it for both
            return
        writer = CassetteWriter(world.path, RedactionRules.default())
        writer.add(exchange(100 + self.number, "GET", "/api/v1/config", {"again": self.number}))
        writer.close()


def controlling(name: str, body: Any, host: str) -> Op:
    pairs = (("Authorization", "Bearer control"), ("Content-Type", "application/json"))
    return Asking("POST", f"{CONTROL}/{name}", pairs, host, json.dumps(body).encode())


READS = st.builds(
    Asking,
    st.sampled_from(["GET", "GET", "GET", "HEAD", "OPTIONS"]),
    st.sampled_from(TARGETS),
    st.sampled_from(HEADERS),
    st.sampled_from([*HOSTS[:1] * 4, *HOSTS]),
)
WRITES = st.sampled_from(
    [
        Asking("PUT", "/api/v1/users/me", (BEARER,), HOSTS[0]),
        Asking("POST", "/api/v1/users/token", (FORM,), HOSTS[0], LOGIN),
        Asking("POST", "/api/v1/users/revoke-token", (BEARER,), HOSTS[0]),
        Asking("DELETE", "/api/v1/videos/1", (BEARER,), HOSTS[0]),
    ]
)
CONTROLS = st.builds(
    lambda told, host: controlling(*told, host), st.sampled_from(BODIES), st.sampled_from([HOSTS[0], HOSTS[3]])
)
MOMENTS = st.sampled_from([0.0, 0.25, 3.0, 11.0, 70.0]).map(Passing)
ELSE = st.one_of(READS, WRITES, CONTROLS, MOMENTS, st.integers(0, 9).map(Recording))
OPS = st.lists(READS, min_size=1, max_size=4).flatmap(
    lambda few: st.lists(st.one_of(*[st.sampled_from(few)] * 4, ELSE), min_size=10, max_size=40)
)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"limits": "off"},
    {"on_miss": "error"},
    {"repeat": "last"},
    {"latency": "0.1ms"},
    {"strict": ("recorded",), "public_url": "https://public.example"},
    {"fault": ("503*2@GET /api/v1/config",)},
]


@settings(max_examples=20)
@given(OPS, st.sampled_from(OPTIONS), st.sampled_from([1 << 20, 60_000]))
def test_what_is_prepared_changes_nothing(tape: Path, ops: list[Op], options: dict[str, Any], room: int) -> None:
    with ExitStack() as stack:
        path = Path(stack.enter_context(TemporaryDirectory())) / tape.name
        shutil.copy(tape, path)
        plain, quick = World(stack, path, None, options), World(stack, path, room, options)
        for op in ops:
            assert op(quick) == op(plain)
        assert quick.state() == plain.state()


@pytest.fixture
def world(tape: Path, tmp_path: Path) -> Iterator[Callable[..., World]]:
    with ExitStack() as stack:
        shutil.copy(tape, tmp_path / tape.name)
        yield lambda room=1 << 20, **options: World(stack, tmp_path / tape.name, room, options)


def get(target: str, *headers: tuple[str, str], host: str = HOSTS[0]) -> Asking:
    return Asking("GET", target, headers, host)


CONFIG = get("/api/v1/config")


def hits(world: World) -> int:
    assert world.prepared is not None
    return world.prepared.hits


@pytest.mark.parametrize(
    "op",
    [
        CONFIG,
        get("/api/v1/videos?start=1&count=1"),
        get("/api/v1/videos/2"),
        get("/static/x.json", ("Range", "bytes=0-3")),
        get("/api/v1/config", ("If-None-Match", 'W/"1"')),
        get("/api/v1/users/me", BEARER),
        Asking("HEAD", "/api/v1/config", (), HOSTS[0]),
        get("/api/v1/config", host="second.localhost:8990"),
    ],
    ids=str,
)
def test_what_is_asked_again_was_prepared(op: Asking, world: Callable[..., World]) -> None:
    lane = world()
    answers = [op(lane) for _ in range(4)]  # a sequence comes to its end first
    assert hits(lane) >= 2
    assert answers[2][0] == answers[3][0]
    assert len(lane.told) == 4


@pytest.mark.parametrize(
    "op",
    [
        get("/api/v1/never"),
        Asking("OPTIONS", "/api/v1/config", (), HOSTS[0]),
        Asking("GET", "/api/v1/config", (("Content-Length", "0"),), HOSTS[0]),
    ],
    ids=str,
)
def test_what_is_never_prepared(op: Asking, world: Callable[..., World]) -> None:
    lane = world()
    for _ in range(4):
        op(lane)
    assert hits(lane) == 0


def test_the_numbers_of_limits_and_the_date_are_of_each_answer(world: Callable[..., World]) -> None:
    lane = world()
    told = []
    for _ in range(3):
        told.append({name: value for name, value in CONFIG(lane)[1] if name in (b"date", b"x-ratelimit-remaining")})
        lane.now += 1
    assert hits(lane) == 2
    assert [one[b"x-ratelimit-remaining"] for one in told] == [b"49", b"48", b"47"]
    assert len({one[b"date"] for one in told}) == 3
    for _ in range(50):
        last = CONFIG(lane)
    assert last[0] == 429


def test_a_token_ends_in_the_middle(world: Callable[..., World]) -> None:
    lane = world()
    Asking("POST", "/api/v1/users/token", (FORM,), HOSTS[0], LOGIN)(lane)
    mine = get("/api/v1/users/me", BEARER)
    assert [mine(lane)[0] for _ in range(4)] == [200] * 4
    before = hits(lane)
    assert before > 0
    lane.now += 61
    assert mine(lane)[0] == 401
    assert hits(lane) == before


def test_no_more_room_than_said(world: Callable[..., World]) -> None:
    lane = world(room=8 * 8192)
    assert lane.prepared is not None
    for number in range(50):
        CONFIG(lane)
        get("/api/v1/config", ("User-Agent", f"app {number}"))(lane)
        assert 0 < lane.prepared.taken <= 8 * 8192
        lane.now += 1
    assert hits(lane) == 49  # what is asked for again and again stays
    tight = world(room=4096)
    assert [CONFIG(tight)[0] for _ in range(2)] == [200, 200]
    assert hits(tight) == 0


HOSTILE: list[Callable[[int], Asking]] = [
    lambda number: get("/api/v1/config", ("X-Long", f"{number:06}" * 2_000)),
    lambda number: get("/api/v1/config", *[(f"X-{number}-{place}", "") for place in range(200)]),
    lambda number: get("/api/v1/config", ("Origin", f"https://{number:06}{'a' * 12_000}.example")),
    lambda number: get("/api/v1/config", ("Peertape-Session", f"{number:06}" * 2_000)),
]


@pytest.mark.parametrize("ask", HOSTILE, ids=["value", "names", "what is told back", "session"])
def test_no_request_makes_them_take_more_than_said(
    ask: Callable[[int], Asking], world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they take in all is measured by forgetting them."""
    monkeypatch.setattr("peertape.proxy.engine.session.MOST", 10)
    room, asked = 1 << 19, 100
    lane = world(room, limits="off")
    assert lane.prepared is not None
    for number in range(10):
        ask(number)(lane)
    lane.prepared.forget()
    tracemalloc.start()
    try:
        for number in range(10, asked):
            ask(number)(lane)
            assert lane.prepared.taken <= room
        held = lane.prepared.taken
        before = _traced()
        lane.prepared.forget()
        freed = before - _traced()
    finally:
        tracemalloc.stop()
    assert held > room // 16
    assert freed <= 2 * room


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_a_forgotten_session_begins_anew(world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peertape.proxy.engine.session.MOST", 1)
    lane = world()
    assert [CONFIG(lane)[0] for _ in range(2)] == [200, 200]
    get("/api/v1/config", ("Peertape-Session", "second"))(lane)
    assert dict(CONFIG(lane)[1])[b"x-ratelimit-remaining"] == b"49"
