"""Error documents echo what the client sent.

Where that was a secret, the recording holds its pseudonym: the client gets back what it presented.
"""

from __future__ import annotations

from dataclasses import replace

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.headers import media_type
from peertape.cassettes.redaction.filters import etag_after, request_body_filter
from peertape.cassettes.redaction.pseudonyms import Substitution
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.model import Answer, Request

LARGEST_DOCUMENT = 64 * 1024  # octets


class _Noting:
    """Notes which secrets a request presented, by their pseudonyms."""

    def __init__(self, pseudonyms: Substitution) -> None:
        self._pseudonyms = pseudonyms
        self.presented: dict[str, str] = {}

    def of(self, secret: str, guessable: bool) -> str:
        pseudonym = self._pseudonyms.of(secret, guessable)
        self.presented[pseudonym] = secret
        return pseudonym


class _Presented:
    def __init__(self, presented: dict[str, str]) -> None:
        self._presented = presented

    def of(self, secret: str, guessable: bool) -> str:  # noqa: ARG002 (either kind is found by its pseudonym)
        return self._presented.get(secret, secret)


def restored(request: Request, answer: Answer, cassette: Cassette) -> Answer:
    """The answer with the client's own secrets, if it is a refusal that echoes some."""
    if not 400 <= answer.status < 500 or "json" not in media_type(answer.headers):
        return answer
    if not 0 < answer.body.size <= LARGEST_DOCUMENT:
        return answer
    noting = _Noting(cassette.pseudonyms)
    redactor = Redactor(noting, cassette.rules)
    redactor.target(request.target)
    redactor.headers(request.headers, response=False)
    body = request_body_filter(request.headers, redactor)
    body.feed(request.body)
    body.finish()
    presented = {pseudonym: secret for pseudonym, secret in noting.presented.items() if pseudonym != secret}
    if not presented:
        return answer
    stored = read(answer.body)
    text = Redactor(_Presented(presented), cassette.rules).json(stored.decode("utf-8", "surrogateescape"))
    echoed = text.encode("utf-8", "surrogateescape")
    return replace(answer, headers=etag_after(answer.headers, stored, echoed), body=BytesBody(echoed))
