"""Exchanges with a PeerTube about things that nobody asks for: what makes a cassette large, and changes no answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing

FAR = 1_000_000  # from the numbers of any other recording
ACTORS = 40  # accounts, each with a channel
OF_A_VIDEO = 4  # exchanges
PASSWORD = "padding's password"  # of everybody: to hash one takes a moment


def padding(exchanges: int, begun: float, like: Exchange, client: dict[str, str]) -> Iterator[Exchange]:
    """That many, of videos, comments and users of which nothing else was recorded.

    `like`: an exchange with the same instance, whose headers they have; `client`: id and secret of its client.
    """
    assert like.response is not None
    routers = like.response.headers.without("content-length", "content-type", "etag")
    scheme, host = like.request.scheme, like.request.authority
    for place in range(exchanges):
        at = begun + place * 0.001
        number = FAR + place // OF_A_VIDEO
        method, target, sent, value = _asked(place % OF_A_VIDEO, number, host, client)
        headers = [("Host", host), ("Accept", "*/*")]
        if sent:
            headers += [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(sent)))]
        body = json.dumps(value).encode()
        answered = (*routers, ("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(body))))
        yield Exchange(
            RecordedRequest(method, target, scheme, host, "HTTP/1.1", Headers(tuple(headers)), BytesBody(sent)),
            RecordedResponse(200, "OK", "HTTP/1.1", Headers(answered), BytesBody(body)),
            Timing(at, at, at, at),
        )


def _asked(kind: int, number: int, host: str, client: dict[str, str]) -> tuple[str, str, bytes, Any]:
    """Method, target, body and answer."""
    name = f"padding{number % ACTORS}"
    if kind == 0:
        return "GET", f"/api/v1/videos?start={number}", b"", {"total": FAR, "data": [_video(number, host)]}
    if kind == 1:
        return "GET", f"/api/v1/videos/{_uuid(number)}", b"", {**_video(number, host), "description": name}
    if kind == 2:
        comment = {"id": number, "threadId": number, "videoId": number, "text": name, "account": _actor(number, host)}
        path = f"/api/v1/videos/{_uuid(number)}/comment-threads"
        return "GET", path, b"", {"total": 1, "totalNotDeletedComments": 1, "data": [comment]}
    form = {**client, "grant_type": "password", "response_type": "code", "username": name, "password": PASSWORD}
    issued = {"token_type": "Bearer", "expires_in": 86399, "refresh_token_expires_in": 1209599}
    tokens = {f"{kind}_token": _digest(f"{kind} {number}")[:40] for kind in ("access", "refresh")}
    return "POST", "/api/v1/users/token", urlencode(form).encode(), {**issued, **tokens}


def _video(number: int, host: str) -> dict[str, Any]:
    return {
        "id": number,
        "uuid": _uuid(number),
        "name": f"Video {number}",
        "privacy": {"id": 1, "label": "Public"},
        "isLive": False,
        "isLocal": True,
        "duration": 10,
        "views": number % 100,
        "commentsPolicy": {"id": 1, "label": "Enabled"},
        "account": _actor(number, host),
        "channel": {**_actor(number, host), "name": f"padding{number % ACTORS}_channel"},
    }


def _actor(number: int, host: str) -> dict[str, Any]:
    return {"id": FAR + number % ACTORS, "name": f"padding{number % ACTORS}", "host": host, "isLocal": True}


def _uuid(number: int) -> str:
    text = _digest(f"video {number}")
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
