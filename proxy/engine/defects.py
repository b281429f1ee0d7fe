"""Where peertape itself failed: nothing is passed on, and it is no recording's answer either."""

from __future__ import annotations

import json
from dataclasses import replace

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.errors import CassetteError
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer, Source
from peertape.proxy.engine.stages.miss import CORS
from peertape.proxy.engine.stages.source import HEADER
from peertape.proxy.engine.state.interface import StateLostError

RETRY_AFTER = 1  # seconds


def defect(error: Exception) -> Answer:
    """A 500 that a browser app can read, and that counts as a miss."""
    remark = ("defect", type(error).__name__)
    return _problem(500, "Internal Server Error", "urn:peertape:defect", "peertape failed", repr(error)[:500], remark)


def state_lost(error: StateLostError) -> Answer:
    """A 503, while nobody knows what the answer is: what limits and sequences have come to, others keep as well."""
    return _unavailable("urn:peertape:state", "the shared state does not answer", error, "state")


def cassette_lost(error: CassetteError) -> Answer:
    """A 503, while a cassette cannot be read: nobody can tell what it holds."""
    return _unavailable("urn:peertape:cassette", "the cassette cannot be read", error, "cassette")


def _unavailable(kind: str, title: str, error: Exception, what: str) -> Answer:
    answer = _problem(503, "Service Unavailable", kind, title, str(error), (what, "lost"))
    return replace(answer, headers=answer.headers.added("Retry-After", str(RETRY_AFTER)))


def _problem(status: int, reason: str, kind: str, title: str, detail: str, remark: tuple[str, str]) -> Answer:
    body = json.dumps({"type": kind, "title": title, "status": status, "detail": detail}).encode()
    answer = Answer(status, Headers(), BytesBody(body), reason, Source.MISS, remark=(remark,))
    headers = Headers(
        (
            *CORS,
            ("Content-Type", "application/problem+json; charset=utf-8"),
            ("Content-Length", str(len(body))),
            (HEADER, answer.source_text),
        )
    )
    return replace(answer, headers=headers)
