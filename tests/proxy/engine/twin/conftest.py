"""A twin with a few rules of the test's own, over what the test records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from peertape.cassettes.store import Cassette
from peertape.config import routers
from peertape.config.contracts import Contracts, Rights
from peertape.proxy.engine.model import Answer
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.contract import compiled
from peertape.proxy.engine.twin.twin import Twin
from peertape.proxy.engine.twin.verdict import Verdict
from tests.proxy.engine.conftest import Tape, request

RIGHTS = Rights.model_validate(
    {
        "rights": {"ALL": 0, "MANAGE_USERS": 1, "SEE_ALL": 20},
        "roles": {
            "administrator": {"number": 0, "rights": ["ALL"]},
            "moderator": {"number": 1, "rights": ["SEE_ALL"]},
            "user": {"number": 2, "rights": []},
        },
    }
)
USERS = {
    "kinds": {"user": {"missing": "User not found", "keys": ["id", "username"]}, "token": {"keys": ["text"]}},
    "routes": {
        "POST /api/v1/users/token": {
            "effects": [
                {"learn": {"token": "{'text': response.access_token}"}, "with": {"user": "lower(body.username)"}}
            ]
        },
        "GET /api/v1/users/me": {"effects": [{"learn": {"user": "response"}}]},
    },
}


@dataclass
class Judge:
    """Judges requests in one session."""

    twin: Twin
    session: Session = field(default_factory=lambda: Session("default"))

    def verdict(self, method: str, target: str, **more: Any) -> Verdict:
        return self.twin.judge(request(method, target, **more), self.session)

    def answer(self, method: str, target: str, **more: Any) -> Answer:
        """That of a refusal."""
        answer = self.verdict(method, target, **more).answer
        assert answer is not None
        return answer


@pytest.fixture
def judging(tape: Tape) -> Iterator[Callable[..., Judge]]:
    """A judge by the rules of sections given as in YAML, over the tape and a few users' rules."""
    opened: list[Cassette] = []

    def make(**sections: Any) -> Judge:
        merged = {name: {**USERS.get(name, {}), **sections.get(name, {})} for name in {*USERS, *sections}}
        opened.append(tape.cassette())
        book = compiled(Contracts.model_validate(merged), RIGHTS)
        return Judge(Twin(Shelf(opened), book, Answers(routers.load(), "6.3")))

    yield make
    for cassette in opened:
        cassette.close()
