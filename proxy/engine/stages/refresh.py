"""A login that is refreshed while the instance is away: the tokens stay the ones that the client has.

The newest refresh token was never used yet, so that no recording answers it. The recorded answer that issued it does: a
client that goes on with the same tokens is not logged out when the instance is back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from peertape.cassettes.bodyfields import fields
from peertape.cassettes.candidates import Candidate
from peertape.cassettes.codings import whole_text
from peertape.cassettes.paths import LOGIN, fold
from peertape.cassettes.redaction.recollection import Recollection
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.chain import Rest
from peertape.proxy.engine.echoes import restored
from peertape.proxy.engine.matching import Tier
from peertape.proxy.engine.model import Answer, Request, Source
from peertape.proxy.engine.playback import replay
from peertape.proxy.engine.recoding import recoded
from peertape.proxy.engine.session import Session
from peertape.proxy.engine.shelf import Shelf

REMARK = (("refresh", "same-tokens"),)
MOST_LOGINS = 1000  # the last ones, among which the one is looked for that gave out a token
LARGEST = 64 * 1024  # octets of an answer to a login


class RefreshStage:
    """Behind the recorded lookup, which knows the answer if this very token was refreshed before."""

    def __init__(self, shelf: Shelf, known: Recollection) -> None:
        self._shelf = shelf
        self._known = known

    def answer(self, request: Request, session: Session, rest: Rest) -> Answer:  # noqa: ARG002 (tokens are for all)
        if request.method != "POST" or fold(request.path) != LOGIN:
            return rest(request)
        for cassette in self._shelf.cassettes:
            form = fields(request.headers, cassette.redacted_body(request.headers, request.body))
            token = form.get("refresh_token") if form.get("grant_type") == "refresh_token" else None
            if token and (candidate := _issuing(cassette, token)):
                answer = restored(request, replay(cassette, candidate, Tier.EXACT), cassette, self._known)
                answer = recoded(request, answer, cassette.exchange(candidate.id).request.headers)
                return replace(answer, source=Source.DERIVED, remark=(*answer.remark, *REMARK))
        return rest(request)


def _issuing(cassette: Cassette, token: str) -> Candidate | None:
    """The recorded answer that gave the refresh token to the client, which knows it by `token`."""
    return next((found for found in _logins(cassette) if _tokens(cassette, found).get("refresh_token") == token), None)


def _logins(cassette: Cassette) -> Iterator[Candidate]:
    """Those that succeeded, the newest first."""
    for candidate in reversed(cassette.newest([LOGIN], MOST_LOGINS)):
        if candidate.method == "POST" and candidate.status == 200 and candidate.replayable:
            yield candidate


def _tokens(cassette: Cassette, candidate: Candidate) -> dict[str, object]:
    response = cassette.exchange(candidate.id).response
    text = whole_text(response.headers, response.body, LARGEST) if response is not None else None
    try:
        value = json.loads(text or b"")
    except (ValueError, RecursionError):  # not PeerTube's
        return {}
    return value if isinstance(value, dict) else {}
