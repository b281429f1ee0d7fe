"""Tokens in the course of a session: when they were given out by its clock, and which were revoked."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

from peertape.cassettes.codings import whole_text
from peertape.cassettes.paths import LOGIN, fold
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.session import Session

REVOKE = "/api/v1/users/revoke-token"
LARGEST_LOGIN = 64 * 1024


@dataclass(slots=True)
class Tokens:
    """By the text that the client holds. `ends`: when those given out in this session expire, in its epoch seconds."""

    ends: dict[str, float] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    def is_over(self, token: str, now: float) -> bool:
        return token in self.revoked or self.ends.get(token, now) < now


def note(request: Request, session: Session, answer: Answer) -> None:
    """A login that was answered starts its tokens' time; a revocation ends it."""
    if request.method != "POST" or answer.status != 200:
        return
    path = fold(request.path)
    if path == REVOKE and (token := _token(request)):
        with session.changing(Tokens) as tokens:
            tokens.revoked.add(token)
    elif path == LOGIN and answer.body.size <= LARGEST_LOGIN:
        try:
            given = json.loads(whole_text(answer.headers, answer.body, LARGEST_LOGIN) or b"")
        except ValueError:
            return
        if isinstance(given, dict) and isinstance(token := given.get("access_token"), str):
            with session.changing(Tokens) as tokens:
                tokens.revoked.discard(token)
                if isinstance(lifetime := given.get("expires_in"), (int, float)):
                    tokens.ends[token] = session.clock.now() + lifetime


def is_over(request: Request, session: Session) -> bool:
    """Whether the request's token expired or was revoked within the session."""
    token = _token(request)
    return token is not None and session.recall(Tokens).is_over(token, session.clock.now())


def ends_of(request: Request, session: Session) -> float:
    """The last moment at which the request's token is not over, unless it is revoked."""
    token = _token(request)
    return math.inf if token is None else session.recall(Tokens).ends.get(token, math.inf)


def _token(request: Request) -> str | None:
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
