"""Where peertape itself failed: nothing is passed on, and it is no recording's answer either."""

from __future__ import annotations

import json
from dataclasses import replace

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.proxy.engine.model import Answer, Source
from peertape.proxy.engine.stages.miss import CORS
from peertape.proxy.engine.stages.source import HEADER


def defect(error: Exception) -> Answer:
    """A 500 that a browser app can read, and that counts as a miss."""
    document = {"type": "urn:peertape:defect", "title": "peertape failed", "status": 500, "detail": repr(error)[:500]}
    body = json.dumps(document).encode()
    answer = Answer(
        500,
        Headers(),
        BytesBody(body),
        "Internal Server Error",
        Source.MISS,
        remark=(("defect", type(error).__name__),),
    )
    headers = Headers(
        (
            *CORS,
            ("Content-Type", "application/problem+json; charset=utf-8"),
            ("Content-Length", str(len(body))),
            (HEADER, answer.source_text),
        )
    )
    return replace(answer, headers=headers)
