"""Who asks, once a limit is over: PeerTube lets some pass, and refuses a wrong token before all else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from peertape.cassettes.codings import whole_text
from peertape.cassettes.paths import fold
from peertape.cassettes.store import Cassette
from peertape.config.limits import Exempt
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import USER, Shelf

RUNNER_REGISTRATION = "/api/v1/runners/register"
LARGEST = 64 * 1024  # octets of an answer to a registration
_BEARER = re.compile(r"Bearer [0-9A-Za-z\-._~+/]+=*")  # what PeerTube's OAuth library takes for a token


class Standing(Enum):
    LIMITED = auto()
    EXEMPT = auto()
    WRONG_TOKEN = auto()
    NO_TOKEN = auto()  # an Authorization header that holds no Bearer token


class Askers(Protocol):
    def standing(self, request: Request, session: Session, exempt: Exempt) -> Standing: ...


class RecordedAskers:
    """As far as the cassettes tell: whose a token is, which role the user has, who got through before.

    `is_over`: whether the request's token expired or was revoked within the session.
    """

    def __init__(self, shelf: Shelf, is_over: Callable[[Request, Session], bool]) -> None:
        self._shelf = shelf
        self._is_over = is_over

    def standing(self, request: Request, session: Session, exempt: Exempt) -> Standing:
        runner = self._is_runner(request, exempt.runners)
        if runner is not None:
            return Standing.EXEMPT if runner else Standing.LIMITED
        authorization = request.headers.get("authorization")
        if not authorization:
            return Standing.LIMITED
        if not _BEARER.fullmatch(authorization):
            return Standing.NO_TOKEN
        if self._is_over(request, session):
            return Standing.WRONG_TOKEN
        question = self._shelf.ask(request)
        credentials = [(cassette, question.keys(cassette).credential or "") for cassette in self._shelf.cassettes]
        known = [cassette.token(credential) for cassette, credential in credentials]
        if any(token.passed for token in known if token):
            return Standing.EXEMPT
        if question.identity.startswith(USER):
            return self._of_user(question.identity.removeprefix(USER), exempt)
        # One that was taken for a token, though no recorded login gave it.
        is_token = any(not token.refused for token in known if token)
        return Standing.LIMITED if is_token else Standing.WRONG_TOKEN

    def _of_user(self, name: str, exempt: Exempt) -> Standing:
        if name in exempt.users or any(c.roles().get(name) in exempt.roles for c in self._shelf.cassettes):
            return Standing.EXEMPT
        has_passed = any(cassette.has_passed(name) for cassette in self._shelf.cassettes)
        return Standing.EXEMPT if has_passed else Standing.LIMITED

    def _is_runner(self, request: Request, member: str) -> bool | None:
        """Whether the body names a runner that was registered; None if it names none."""
        if member.encode() not in request.body:
            return None
        from peertape.proxy.engine.twin.given import Unread, body_of  # what hardly any request needs

        named = False
        for cassette in self._shelf.cassettes:
            body, _ = body_of(request.headers, cassette.redacted_body(request.headers, request.body))
            token = body.get(member) if isinstance(body, dict) and not isinstance(body, Unread) else None
            if isinstance(token, str) and token:
                named = True
                if token in _registered(cassette, member):
                    return True
        return False if named else None


def _registered(cassette: Cassette, member: str) -> set[str]:
    """The tokens that runners were given."""
    found: set[str] = set()
    for candidate in cassette.by_path([fold(RUNNER_REGISTRATION)]):
        response = cassette.exchange(candidate.id).response if candidate.status == 200 else None
        if response is None:
            continue
        try:
            value = json.loads(whole_text(response.headers, response.body, LARGEST) or b"")
        except (ValueError, RecursionError):  # no answer of PeerTube's
            continue
        if isinstance(value, dict) and isinstance(token := value.get(member), str):
            found.add(token)
    return found
