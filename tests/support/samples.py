"""A small cassette with one exchange of every kind."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Closing, Exchange, Message, RecordedRequest, RecordedResponse, State, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter

EPOCH = 1_700_000_000.0  # 2023-11-14T22:13:20Z
ACCESS, REFRESH, PASSWORD = "a1b2c3d4e5" * 4, "f6a7b8c9d0" * 4, "correct horse"
STRANGER = "0123456789abcdef0123456789abcdef01234567"
PICTURE = bytes(range(256)) * 40
JSON = "application/json; charset=utf-8"
LOG = f"token: {STRANGER[::-1]}"  # free text, of which nothing can be proven

LOGIN, ME, VIDEOS, IMAGE, IMAGE_AGAIN, CUT, FAILED, SOCKET, REFUSED, LOGS = range(1, 11)


def exchanges() -> list[Exchange]:
    bearer = {"Authorization": f"Bearer {ACCESS}"}
    login = urlencode(
        {
            "client_id": "vyhr4kxq0m",
            "client_secret": "s3cret",
            "grant_type": "password",
            "username": "alice",
            "password": PASSWORD,
        }
    )
    tokens = {"token_type": "Bearer", "access_token": ACCESS, "refresh_token": REFRESH}
    me = {"id": 3, "username": "alice", "email": "alice@mail.example", "role": {"id": 2, "label": "User"}}
    videos = json.dumps({"total": 1, "data": [{"name": "Čas"}]}, ensure_ascii=False).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    image = {"Content-Type": "image/jpeg"}
    messages = (
        Message(EPOCH + 8.5, from_client=True, is_text=True, content=b'40{"token":"%s"}' % ACCESS.encode()),
        Message(EPOCH + 8.6, from_client=False, is_text=False, content=b"\x00\x01"),
    )
    packed = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    return [
        made(LOGIN, "POST", "/api/v1/users/token", 200, tokens, request_headers=form, request_body=login.encode()),
        made(ME, "GET", "/api/v1/users/me", 200, me, request_headers=bearer),
        made(VIDEOS, "GET", "/api/v1/videos?start=0&count=2", 200, gzip.compress(videos, mtime=0), packed),
        made(IMAGE, "GET", "/lazy-static/thumbnails/a.jpg", 200, PICTURE, image),
        made(IMAGE_AGAIN, "GET", "/lazy-static/thumbnails/a.jpg", 200, PICTURE, image),
        made(CUT, "GET", "/static/web-videos/b.mp4", 200, PICTURE[:99], {"Content-Type": "video/mp4"}, state=State.CUT),
        made(FAILED, "GET", "/api/v1/config", None, state=State.FAILED),
        made(SOCKET, "GET", "/socket.io/?transport=websocket", 101, messages=messages),
        made(REFUSED, "DELETE", "/api/v1/videos/9", 401, {}, request_headers={"Authorization": f"Bearer {STRANGER}"}),
        made(LOGS, "GET", "/api/v1/server/logs", 200, [{"message": LOG}], request_headers=bearer),
    ]


def made(
    number: int,
    method: str,
    target: str,
    status: int | None,
    answer: Any = b"",
    headers: Mapping[str, str] | None = None,
    *,
    request_headers: Mapping[str, str] | None = None,
    request_body: bytes = b"",
    state: State = State.COMPLETE,
    messages: Sequence[Message] = (),
    closing: Closing | None = None,
) -> Exchange:
    """Exchange `number`, that many seconds after EPOCH; an answer that is not octets is JSON."""
    at = EPOCH + number
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    named = {"Content-Type": JSON} if headers is None and content else headers or {}
    sent = {"Host": "tube.example", **(request_headers or {})}
    request = RecordedRequest(
        method, target, "https", "tube.example", "HTTP/1.1", Headers.of(sent.items()), BytesBody(request_body)
    )
    response = None
    if status is not None:
        response = RecordedResponse(status, "Fine", "HTTP/1.1", Headers.of(named.items()), BytesBody(content))
    error = "connection refused" if state is State.FAILED else "reset" if state is State.CUT else None
    timing = Timing(at, at + 0.001, None if status is None else at + 0.25, at + 0.5)
    return Exchange(request, response, timing, state, error=error, messages=tuple(messages), closing=closing)


def record(path: Path, recorded: Sequence[Exchange] | None = None, rules: RedactionRules | None = None) -> Path:
    """Writes them (one of every kind, if none are given) to `path`."""
    writer = CassetteWriter(path, rules or RedactionRules.default(), upstream="https://tube.example")
    for exchange in exchanges() if recorded is None else recorded:
        writer.add(exchange)
    writer.close()
    return path
