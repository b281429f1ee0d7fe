"""What engine.io 6 refuses of a handshake for notifications, before any session begins (cors.mitm, flows 221-224)."""

from __future__ import annotations

from urllib.parse import parse_qs

from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.jsontext import stringify
from peertape.proxy.engine.twin.wire import http_date

_PROTOCOL = "4"
_TRANSPORTS = frozenset({"polling", "websocket"})


def handshake_refusal(answers: Answers, request: Request, now: float) -> Answer | None:
    """None if it would not be refused, or names a session, of which recordings know."""
    query = parse_qs(request.query, keep_blank_values=True)
    if query.get("transport", [""])[-1] not in _TRANSPORTS:
        code, message = 0, "Transport unknown"
    elif query.get("sid", [""])[-1]:
        return None
    elif request.method != "GET":
        code, message = 2, "Bad handshake method"
    elif query["transport"][-1] == "websocket" and "upgrade" not in request.headers:
        code, message = 3, "Bad request"
    elif query.get("EIO", [""])[-1] != _PROTOCOL:
        code, message = 5, "Unsupported protocol version"
    else:
        return None
    return refused(answers, now, code, message)


def refused(answers: Answers, now: float, code: int, message: str) -> Answer:
    """As engine.io words it."""
    body = stringify({"code": code, "message": message}).encode()
    headers = [("Content-Type", "application/json"), ("Date", http_date(now)), ("Transfer-Encoding", "chunked")]
    return answers.bare(400, headers, body)
