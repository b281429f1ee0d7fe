"""What is asked of the bundled demo: recorded answers, and every sort of answer that only the rules give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.cassettes.store import Cassette
from peertape.proxy.engine.model import Request
from peertape.proxy.engine.shelf import identity_of

PORT = 8990
HOST = f"127.0.0.1:{PORT}"
RECORDED = "recorded"
OVER_A_LIMIT = "over a limit"  # asked with limits on, and the limit used up
MIX = 160  # requests of a sort

FILM = "2bb842a4-4307-40e4-b633-ca1552853f83"
BROWSER = (
    ("Host", HOST),
    ("User-Agent", "benchmark"),
    ("Accept", "application/json, text/plain, */*"),
    ("Accept-Language", "en"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Origin", "http://localhost:4200"),
    ("Connection", "keep-alive"),
)
# A line for each request, `#` being a number of three digits: no two requests are the same.
_ANONYMOUS: Mapping[str, Sequence[str]] = {
    "validation": (
        "GET /api/v1/videos?count=-#",
        "GET /api/v1/videos?sort=-colour#",
        "GET /api/v1/videos/x-y-#",
        "GET /api/v1/search/videos?startDate=yesterday#",
        "GET /api/v1/accounts?start=none#",
        "GET /api/v1/video-channels?sort=size#",
        'POST /api/v1/users/register {"username": "A B #", "password": "1", "email": "nobody"}',
        f'POST /api/v1/videos/{FILM}/views {{"currentTime": "soon#"}}',
    ),
    "login": (
        "GET /api/v1/users/me/notification-settings?n=#",
        "GET /api/v1/jobs/completed?count=#",
        "DELETE /api/v1/videos/#",
        f'POST /api/v1/videos/{FILM}/comment-threads {{"text": "Never recorded #"}}',
        'PUT /api/v1/videos/#/rate {"rating": "like"}',
        'POST /api/v1/video-channels {"name": "channel_#", "displayName": "Mine"}',
        'POST /api/v1/video-playlists {"displayName": "Mine #", "privacy": 1}',
        "GET /api/v1/server/logs?startDate=2#-01-01",
    ),
    "not found": (
        "GET /api/v1/videos/9c9de5e8-0a1e-484a-b099-e80766180#",
        "GET /api/v1/videos/9c9de5e8-0a1e-484a-b099-e80766180#/comment-threads",
        "GET /api/v1/accounts/nobody_#",
        "GET /api/v1/accounts/nobody_#/videos",
        "GET /api/v1/video-channels/nobody_#",
        "GET /api/v1/video-channels/nobody_#/videos?count=5",
        "GET /api/v1/video-playlists/9c9de5e8-0a1e-484a-b099-e80766180#",
        "GET /api/v1/videos/9c9de5e8-0a1e-484a-b099-e80766180#/captions",
    ),
    "preflight": (
        "OPTIONS /api/v1/videos/live?n=#",
        "OPTIONS /api/v1/videos/#/rate",
        "OPTIONS /api/v1/users/me/avatar/pick?n=#",
        "OPTIONS /api/v1/users/token?n=#",
    ),
    "no such route": (
        "GET /api/v1/nothing/#",
        "PATCH /api/v1/videos?n=#",
        "DELETE /api/v1/config/about?n=#",
        "POST /api/v1/users/me/nothing/# {}",
    ),
    OVER_A_LIMIT: ("GET /api/v1/videos?n=#", f"GET /api/v1/videos/{FILM}?n=#", "GET /api/v1/videos/#"),
}
_OF_A_USER: Mapping[str, Sequence[str]] = {
    "right": (
        "GET /api/v1/jobs/failed?start=#",
        "GET /api/v1/users?start=#",
        "GET /api/v1/server/blocklist/accounts?start=#",
        "GET /api/v1/server/logs?startDate=2#-01-01",
        "GET /api/v1/runners?start=#",
        'POST /api/v1/users {"username": "fresh#", "password": "password", "email": "fresh@example.org"}',
        "DELETE /api/v1/users/#",
        "GET /api/v1/abuses?start=#",
    ),
}


def asks(cassette: Cassette) -> dict[str, list[Request]]:
    """By sort; the recorded ones first."""
    token = next(
        c.credential for c in cassette.candidates() if identity_of(cassette, c) == "user:alice" and c.credential
    )
    made = {RECORDED: list(_recorded(cassette))}
    for sort, lines in _ANONYMOUS.items():
        made[sort] = [_request(line) for line in _numbered(lines)]
    for sort, lines in _OF_A_USER.items():
        made[sort] = [_request(line, ("Authorization", f"Bearer {token}")) for line in _numbered(lines)]
    return made


def _recorded(cassette: Cassette) -> Iterator[Request]:
    """Successes of the API as they were asked for, spread over the whole recording and over all users."""
    found = [
        candidate
        for candidate in {c.telling_key: c for c in cassette.candidates()}.values()
        if candidate.replayable and candidate.status == 200 and candidate.target.startswith("/api/v1/")
    ]
    for candidate in found[:: max(1, len(found) // MIX)][:MIX]:
        recorded = cassette.exchange(candidate.id).request
        headers = recorded.headers.replaced("host", HOST)
        yield Request(recorded.method, recorded.target, headers, read(recorded.body), port=PORT, client="127.0.0.1")


def _numbered(lines: Sequence[str]) -> Iterator[str]:
    for number in range(MIX):
        yield lines[number % len(lines)].replace("#", str(100 + number))


def _request(line: str, *more: tuple[str, str]) -> Request:
    method, target, *rest = line.split(" ", 2)
    body = rest[0].encode() if rest else b""
    content = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))] if body else []
    if method == "OPTIONS":
        content = [
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization,content-type"),
        ]
    return Request(method, target, Headers.of((*BROWSER, *content, *more)), body, port=PORT, client="127.0.0.1")
