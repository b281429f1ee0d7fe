"""A small world: exchanges that are recorded in the test, and an engine that plays them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, State, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.choice import Repeat
from peertape.proxy.engine.matching import Matcher
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.nearest import Explainer
from peertape.proxy.engine.outlinks import OutLinks
from peertape.proxy.engine.session import Session, Sessions
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.stages.miss import MissStage
from peertape.proxy.engine.stages.recorded import RecordedStage
from peertape.proxy.engine.stages.source import SourceStage
from peertape.proxy.engine.stages.visitor import VisitorStage
from peertape.proxy.engine.tolerance import IgnoreRule, Tolerance

INSTANCE = "tube.example"


@dataclass
class Tape:
    """What is recorded, in order; one second an exchange."""

    path: Path
    exchanges: list[Exchange] = field(default_factory=list)

    def add(
        self,
        method: str,
        target: str,
        answer: Any = "ok",
        status: int = 200,
        *,
        token: str | None = None,
        body: Any = None,
        headers: tuple[tuple[str, str], ...] = (),
        response_headers: tuple[tuple[str, str], ...] = (),
        host: str = INSTANCE,
        state: State = State.COMPLETE,
    ) -> int:
        """The number that the exchange will have."""
        at = 1_000_000.0 + len(self.exchanges)
        sent = request(method, target, token=token, body=body, headers=headers, host=host)
        content = answer if isinstance(answer, bytes) else json.dumps(answer, separators=(",", ":")).encode()
        pairs = response_headers or (("Content-Type", "application/json; charset=utf-8"),)
        response = RecordedResponse(
            status,
            "Reason",
            "HTTP/1.1",
            Headers((*pairs, ("Content-Length", str(len(content))))),
            BytesBody(b"" if method == "HEAD" else content),
        )
        recorded = RecordedRequest(method, target, "https", host, "HTTP/1.1", sent.headers, BytesBody(sent.body))
        self.exchanges.append(Exchange(recorded, response, Timing(at, at, at + 0.4, at + 0.5), state))
        return len(self.exchanges)

    def login(self, user: str, token: str, password: str = "secret-password") -> int:
        form = f"client_id=app&client_secret=hidden&grant_type=password&username={user}&password={password}".encode()
        return self.add(
            "POST",
            "/api/v1/users/token",
            {"access_token": token, "refresh_token": f"refresh-{token}"},
            body=form,
            headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        )

    def cassette(self) -> Cassette:
        writer = CassetteWriter(self.path, RedactionRules.default())
        for exchange in self.exchanges:
            writer.add(exchange)
        writer.close()
        return Cassette(self.path)


def request(
    method: str,
    target: str,
    *,
    token: str | None = None,
    body: Any = None,
    headers: tuple[tuple[str, str], ...] = (),
    host: str = INSTANCE,
) -> Request:
    pairs = [("Host", host), *headers]
    if token is not None:
        pairs.append(("Authorization", f"Bearer {token}"))
    content = b""
    if isinstance(body, bytes):
        content = body
    elif body is not None:
        content = json.dumps(body).encode()
        pairs.append(("Content-Type", "application/json"))
    return Request(method, target, Headers.of(pairs), content)


@dataclass
class Player:
    """Asks the engine, in one session unless another is named."""

    engine: Engine
    shelf: Shelf
    sessions: Sessions = field(default_factory=Sessions)

    def session(self, name: str = "default") -> Session:
        return self.sessions.get(name)

    def ask(self, method: str, target: str, session: str = "default", **more: Any) -> Answer:
        return self.engine.answer(request(method, target, **more), self.session(session))

    def get(self, target: str, **more: Any) -> Answer:
        return self.ask("GET", target, **more)

    def value(self, target: str, **more: Any) -> Any:
        """The JSON value of a GET."""
        return json.loads(read(self.get(target, **more).body))


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path / "tape.cassette")


@pytest.fixture
def play() -> Iterator[Callable[..., Player]]:
    opened: list[Cassette] = []

    def start(
        *tapes: Tape,
        repeat: Repeat = Repeat.SEQUENCE,
        ignore: tuple[IgnoreRule, ...] = (),
        public_url: str | None = None,
    ) -> Player:
        cassettes = [tape.cassette() for tape in tapes]
        opened.extend(cassettes)
        shelf, tolerance = Shelf(cassettes), Tolerance(ignore)
        explainer = Explainer(shelf, tolerance)
        recorded = RecordedStage(shelf, Matcher(tolerance), OutLinks(public_url), repeat)
        return Player(
            Engine([SourceStage(explainer), recorded, VisitorStage(shelf, recorded), MissStage(explainer)]), shelf
        )

    yield start
    for cassette in opened:
        cassette.close()
