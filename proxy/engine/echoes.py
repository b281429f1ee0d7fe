"""Recorded answers hold pseudonyms; a client that knows the secrets themselves gets them back.

Error documents echo what the client sent: there it gets what it presented. And what else a run saw live, the run
recollects: the client that logged in at the instance goes on with its own tokens while the instance is away.
"""

from __future__ import annotations

from dataclasses import replace

from peertape.cassettes.bodies import BytesBody, read
from peertape.cassettes.headers import media_type
from peertape.cassettes.redaction.filters import etag_after, request_body_filter, response_body_filter
from peertape.cassettes.redaction.recollection import Noting, Recollection
from peertape.cassettes.redaction.redactor import Redactor
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.model import Answer, Request

LARGEST_ECHO = 64 * 1024  # octets of an error document
LARGEST_TEXT = 2 * 1024 * 1024  # octets of any other text that holds secrets


def restored(request: Request, answer: Answer, cassette: Cassette, known: Recollection | None = None) -> Answer:
    """The answer with the client's own secrets, if it echoes some; and with those that are known."""
    if known is not None:
        _note_presented(request, cassette, known)
        return _with_secrets(answer, Redactor(known, cassette.rules)) if known else answer
    if not 400 <= answer.status < 500 or "json" not in media_type(answer.headers) or answer.body.size > LARGEST_ECHO:
        return answer
    presented = Recollection()
    _note_presented(request, cassette, presented)
    return _with_secrets(answer, Redactor(presented, cassette.rules)) if presented else answer


def _note_presented(request: Request, cassette: Cassette, known: Recollection) -> None:
    redactor = Redactor(Noting(cassette.pseudonyms, known), cassette.rules)
    redactor.target(request.target)
    redactor.headers(request.headers, response=False)
    body = request_body_filter(request.headers, redactor)
    body.feed(request.body)
    body.finish()


def _with_secrets(answer: Answer, secrets: Redactor) -> Answer:
    """`secrets` redacts the other way round: pseudonyms stand where secrets stood."""
    headers = secrets.headers(answer.headers, response=True)
    if not 0 < answer.body.size <= LARGEST_TEXT or answer.status == 206:
        return answer if headers == answer.headers else replace(answer, headers=headers)
    stored = read(answer.body)
    body = response_body_filter(headers, secrets)
    octets = body.feed(stored) + body.finish()
    if not body.changed:
        return answer if headers == answer.headers else replace(answer, headers=headers)
    headers = etag_after(headers, stored, octets)
    if body.plain is not None and body.text is not None:
        headers = etag_after(headers, body.plain, body.text)
    if "content-length" in headers:
        headers = headers.replaced("Content-Length", str(len(octets)))
    return replace(answer, headers=headers, body=BytesBody(octets))
