"""An engine with faults before a small world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.config import faultfacts, limits, routers
from peertape.config.faults import fault, latency
from peertape.proxy.engine.chain import Engine, Rest
from peertape.proxy.engine.faults.active import Faults
from peertape.proxy.engine.faults.documents import Documents
from peertape.proxy.engine.faults.plan import Plan
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.session import Session, Sessions
from peertape.proxy.engine.stages.faults import FaultStage
from peertape.proxy.engine.stages.latency import LatencyStage
from peertape.proxy.engine.twin.answers import Answers


class World:
    """The end of the chain: has ten octets for everything but `/missed` and `/empty`."""

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:  # noqa: ARG002
        if request.path == "/missed":
            return Answer(501, Headers(), BytesBody(b"missed"), source=Source.MISS)
        body = b"" if request.path == "/empty" or request.method == "HEAD" else b"0123456789"
        return Answer(200, Headers(), BytesBody(body), exchange=7, cassette="c", took=0.25)


@dataclass
class Broken:
    faults: Faults
    engine: Engine
    sessions: Sessions = field(default_factory=Sessions)

    def ask(self, method: str, target: str, session: str = "default", token: str | None = None) -> Answer:
        pairs = [("Host", "tube.example")] + ([("Authorization", f"Bearer {token}")] if token else [])
        return self.engine.answer(Request(method, target, Headers.of(pairs)), self.sessions.get(session))

    def get(self, target: str, **more: Any) -> Answer:
        return self.ask("GET", target, **more)

    def statuses(self, count: int, target: str = "/api/v1/videos", **more: Any) -> list[int]:
        return [self.get(target, **more).status for _ in range(count)]


@pytest.fixture
def broken() -> Callable[..., Broken]:
    def start(*texts: str, delay: str = "none", seed: int = 1) -> Broken:
        faults = Faults(Plan(tuple(map(fault, texts)), latency(delay), seed))
        documents = Documents(Answers(routers.load(), "6.3"), faultfacts.load(), limits.load())
        return Broken(faults, Engine([LatencyStage(faults), FaultStage(faults, documents), World()]))

    return start
