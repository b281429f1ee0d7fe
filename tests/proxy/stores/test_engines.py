"""Two engines over one state answer as one engine does that has it alone."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from peertape.cassettes import demo
from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.store import Cassette
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly
from peertape.proxy.cli.assembly import Parts
from peertape.proxy.cli.opencassettes import open_cassettes
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.journal import Entry
from peertape.proxy.engine.limits.counters import Window
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.state.interface import Prepared
from peertape.proxy.engine.state.shared import SharedSession
from peertape.proxy.lanes.application import Application
from peertape.proxy.lanes.member import Member
from peertape.proxy.lanes.neighbours import Neighbours
from peertape.proxy.lanes.prepared import Messages
from peertape.proxy.lanes.sourcecounts import SourceCounts
from peertape.proxy.lanes.ttl import TtlCached
from peertape.proxy.stores.memory import Memory, MemoryStore

TOKEN = "secret"
MOMENT = 1_790_000_000.0  # epoch seconds
HOST = "127.0.0.1:9100"  # of the demo


@dataclass
class Worker:
    parts: Parts
    engine: Engine

    def ask(self, request: Request) -> Answer:
        return self.engine.answer(request, self.parts.sessions.of(request))

    def get(self, target: str, token: str | None = None) -> Answer:
        return self.ask(asked("GET", target, token))

    def tick(self) -> None:
        """A second goes by on the clock, which stands still else."""
        session = self.parts.sessions.get("default")
        with session.turn(alone=True):
            if session.clock.frozen:
                session.clock.advance(1.0)
            else:
                session.clock.freeze(True)
                session.clock.restore((0.0, MOMENT, None))


def asked(method: str, target: str, token: str | None = None, body: bytes = b"", kind: str | None = None) -> Request:
    pairs = [("Host", HOST), *([("Authorization", f"Bearer {token}")] if token else [])]
    pairs += [("Content-Length", str(len(body)))] if body else []
    pairs += [("Content-Type", kind)] if kind else []
    return Request(method, target, Headers.of(pairs), body, client="192.0.2.1", port=9100)


def control(name: str, message: object) -> Request:
    return asked("POST", f"/__peertape__/{name}", TOKEN, json.dumps(message).encode(), "application/json")


def worker(stack: ExitStack, member: Member | None = None, **settings: object) -> Worker:
    given = Settings(token=TOKEN, seed=7, **settings)  # type: ignore[arg-type]
    parts = stack.enter_context(assembly.parts(given, open_cassettes((), given), member=member))
    return Worker(parts, parts.engine(parts.replay_stages(lambda: parts.actions("serve"))))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=["memory", "file"])
def together(request: pytest.FixtureRequest, stack: ExitStack, tmp_path: Path) -> Sequence[Worker]:
    if request.param == "file":
        return [worker(stack, state=f"sqlite:///{tmp_path}/state") for _ in range(2)]
    sources, store = SourceCounts(2), MemoryStore(Memory())
    neighbours = stack.enter_context(closing(Neighbours(tmp_path, 2)))
    return [worker(stack, Member(number, sources, neighbours, store)) for number in range(2)]


@pytest.fixture
def alone(stack: ExitStack) -> Worker:
    return worker(stack)


def of_the_demo() -> Iterator[Request]:
    with closing(Cassette(demo.path())) as cassette:
        for exchange in cassette.exchanges():
            sent = exchange.request
            request = Request(sent.method, sent.target, sent.headers, read(sent.body), client="192.0.2.1", port=9100)
            if "upgrade" not in sent.headers and not sent.target.startswith("/socket.io"):
                yield request


def told(answer: Answer) -> tuple[object, ...]:
    return answer.status, answer.headers.pairs, read(answer.body), answer.source_text, answer.delivery


def test_the_demo_and_what_it_leaves_behind(alone: Worker, together: Sequence[Worker]) -> None:
    turns = itertools.cycle(together)
    for request in of_the_demo():
        alone.tick()
        next(turns).tick()
        assert told(next(turns).ask(request)) == told(alone.ask(request)), request.target
    for name in ("summary", "unmatched", "limits", "faults"):
        expected = json.loads(read(alone.get(f"/__peertape__/{name}").body))
        for one in together:
            found = json.loads(read(one.get(f"/__peertape__/{name}").body))
            assert {**found, "run": None} == {**expected, "run": None}


def test_chosen_faults_strike_so_often_over_all(alone: Worker, together: Sequence[Worker]) -> None:
    wish = {"faults": ["503*2@GET /api/v1/config", "404=0.5@/api/v1/videos"], "latency": "lognormal(120ms,0.6)"}
    for one in (alone, together[0]):
        assert one.ask(control("faults", wish)).status == 200
    targets = ["/api/v1/config", "/api/v1/videos"] * 8
    answers = [together[number % 2].get(target) for number, target in enumerate(targets)]
    expected = [alone.get(target) for target in targets]
    assert [(a.status, a.delay) for a in answers] == [(a.status, a.delay) for a in expected]
    assert {answer.status for answer in answers} == {200, 503, 404}
    struck = json.loads(read(together[1].get("/__peertape__/faults").body))["faults"]
    assert (struck[0]["struck"], struck[0]["left"]) == (2, 0)


def test_what_one_chose_or_reset_is_so_for_the_other(together: Sequence[Worker]) -> None:
    one, other = together
    one.ask(control("limits", {"limits": {"api": {"window": "10 seconds", "max": 2}}}))
    assert [worker.get("/api/v1/config/about").status for worker in (other, one, other)] == [200, 200, 429]
    other.ask(control("clock", {"at": "2026-11-23T08:00:00Z", "freeze": True}))
    assert json.loads(read(one.get("/__peertape__/health").body))["clock"]["timeline"] == "2026-11-23T08:00:00+00:00"
    one.ask(control("reset", {}))
    assert other.get("/api/v1/config/about").headers.get("X-RateLimit-Remaining") == "49"
    assert json.loads(read(other.get("/__peertape__/health").body))["clock"]["timeline"] is None


def test_a_token_that_one_revoked_is_refused_by_the_other(together: Sequence[Worker]) -> None:
    one, other = together
    client = json.loads(read(one.get("/api/v1/oauth-clients/local").body))
    form = (
        f"client_id={client['client_id']}&client_secret={client['client_secret']}"
        "&grant_type=password&response_type=code&username=alice&password=test1234"
    )
    kind = "application/x-www-form-urlencoded"
    token = json.loads(read(other.ask(asked("POST", "/api/v1/users/token", None, form.encode(), kind)).body))
    mine = "/api/v1/users/me"
    assert one.get(mine, token["access_token"]).status == 200
    assert other.ask(asked("POST", "/api/v1/users/revoke-token", token["access_token"])).status == 200
    assert one.get(mine, token["access_token"]).status == 401


def lane(worker: Worker) -> Application:
    parts = worker.parts
    return Application(
        worker.engine, parts.sessions, parts.digest_filter, parts.counts, parts.prepared(Messages(), TtlCached)
    )


async def fetched(application: Application, target: str) -> tuple[int, str | None]:
    """The status, and what remains of the limit."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": target,
        "raw_path": target.encode(),
        "query_string": b"",
        "headers": [(b"host", HOST.encode())],
        "client": ("192.0.2.1", 5000),
        "server": ("127.0.0.1", 9100),
        "scheme": "http",
    }
    sent: list[Any] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        sent.append(message)

    await application(scope, receive, send)
    remaining = dict(sent[0]["headers"]).get(b"x-ratelimit-remaining")
    return sent[0]["status"], None if remaining is None else remaining.decode()


def test_prepared_answers_count_over_all_and_end_with_what_another_changes(
    together: Sequence[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[bool] = []
    give = SharedSession.give

    def noting(session: SharedSession, prepared: Prepared, entry: Entry, at: float) -> Sequence[Window] | None:
        windows = give(session, prepared, entry, at)
        given.append(windows is not None)
        return windows

    monkeypatch.setattr(SharedSession, "give", noting)
    lanes = [lane(worker) for worker in together]

    def ask(times: int) -> list[tuple[int, str | None]]:
        return [asyncio.run(fetched(lanes[number % 2], "/api/v1/config")) for number in range(times)]

    together[0].ask(control("clock", {"freeze": True}))
    assert ask(52) == [*((200, str(49 - number)) for number in range(50)), (429, "0"), (429, "0")]
    assert given.count(True) > 40
    together[1].ask(control("limits", {"limits": {"api": {"window": "10 seconds", "max": 3}}}))
    assert ask(4) == [(200, "2"), (200, "1"), (200, "0"), (429, "0")]
    assert len(json.loads(read(together[0].get("/__peertape__/journal").body))["entries"]) == 56
