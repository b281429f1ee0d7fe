"""A case: one request before the rules, with all that its steps see and bind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.credentials import Bearer
from peertape.proxy.engine.twin.expressions import Evaluator
from peertape.proxy.engine.twin.facts import Entity
from peertape.proxy.engine.twin.given import Given
from peertape.proxy.engine.twin.verdict import Outcome, Verdict
from peertape.proxy.engine.twin.world import World


@dataclass(slots=True)
class Case:
    request: Request
    given: Given
    world: World
    answers: Answers
    evaluator: Evaluator
    now: float
    docs: str | None
    at: str  # where the router is mounted
    bearer: Bearer
    me: Entity | None = None
    logged_in: bool = False
    anonymous: bool = False  # an optional login found no token
    asked: dict[str, Any] = field(default_factory=dict)
    session: Session = field(default_factory=lambda: Session("nobody's"))
    cached: int | None = None  # seconds, from where PeerTube's route cache keeps the answers

    def bind(self, name: str, value: Any) -> None:
        self.evaluator.names[name] = value

    def bind_all(self, names: Mapping[str, Any]) -> None:
        self.evaluator.names.update(names)

    @property
    def path_below(self) -> str:
        """The path as its router sees it."""
        below = self.request.path[len(self.at.rstrip("/")) :]
        return below if below.startswith("/") else f"/{below}"

    def refused(self, answer: Answer) -> Verdict:
        return Verdict(Outcome.REFUSED, answer)

    def problem(self, status: int, detail: str | None, **more: Any) -> Verdict:
        more.setdefault("docs", self.docs)
        return self.refused(self.answers.problem(self.request, self.now, status, detail, **more))
