"""A cassette of any size, of what clients ask an instance for: `uv run python -m benchmarks.grown FILE EXCHANGES`.

Made up by the shapes of the bundled demo, whose own objects are the patterns: videos with their details, pictures and
comments, pages of lists, channels, users who log in, look around and write. The same number always makes the same
exchanges, of which no two ask the same but for what every client asks for at its start. A cassette of a smaller number
is the beginning of that of a larger one.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache, partial
from itertools import batched, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection

from peertape.cassettes import demo
from peertape.cassettes.bodies import EMPTY, BytesBody, read
from peertape.cassettes.codings import whole_text
from peertape.cassettes.etags import express_etag
from peertape.cassettes.headers import Headers, media_type
from peertape.cassettes.inserting import insert_new
from peertape.cassettes.keys import EMPTY_DIGEST, keys_of
from peertape.cassettes.learning import value_of
from peertape.cassettes.mentions.objects import objects_in
from peertape.cassettes.mentions.writer import MentionWriter
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.paths import short_uuid
from peertape.cassettes.pending import Pending
from peertape.cassettes.places import place_of
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.schema import resources
from peertape.cassettes.store import Cassette
from peertape.cassettes.writer import CassetteWriter
from peertape.proxy.cli import progress

HOST = "tube.example"
ORIGIN = f"https://{HOST}"
BEGUN = 1_795_400_000.0  # epoch seconds
APART = 0.05  # seconds between two exchanges
COMMITTED = 2000  # exchanges at once
FIRST = 60  # exchanges, of which the cassette learns where the instance is, and of what version
PAGE = 15  # videos
USERS = 40
PASSWORD = "correct horse"  # of everybody: to hash one takes a moment
CLIENT = {"client_id": "bk2w48voe5f59jsgnfi1rzz0ms1oelpr", "client_secret": "uXZZ0ZtGMRtEa6W0UfNy0naF9mVqyzDC"}
ROUNDS_OF_A_LOGIN = 4  # of pages of videos
BROWSER = (
    ("Host", HOST),
    ("User-Agent", "grown"),
    ("Accept", "application/json, text/plain, */*"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Connection", "keep-alive"),
)
_ROUTERS = (
    ("x-powered-by", "PeerTube"),
    ("X-Frame-Options", "DENY"),
    ("Tk", "N"),
    ("Access-Control-Allow-Origin", "*"),
)


def grow(path: Path, exchanges: int) -> None:
    """Makes the cassette, with a progress bar.

    What holds secrets, or teaches something, goes through the writer. The rest is put into the tables without being
    looked through for secrets, which takes a fraction of the time and comes to the same.
    """
    with progress.exchanges("growing", exchanges) as show:
        _written(path, exchanges)
        place = place_of(path)
        engine = place.open_writer()
        try:
            with engine.connect() as connection:
                mentions = MentionWriter(connection)
                for group in batched(_numbered(exchanges), COMMITTED, strict=False):
                    connection.begin()
                    rest = [(number, asked) for number, asked in group if not _is_written(number, asked)]
                    _added(connection, mentions, rest)
                    connection.commit()
                    show(group[-1][0], exchanges)
        finally:
            place.close_writer(engine)


def made(exchanges: int) -> Iterator[Exchange]:
    """That many."""
    for number, asked in _numbered(exchanges):
        yield asked.exchange(_moment(number))


def _numbered(exchanges: int) -> Iterator[tuple[int, _Asked]]:
    return enumerate(islice(_asked(), exchanges), 1)


def _moment(number: int) -> float:
    return BEGUN + number * APART


def _is_written(number: int, asked: _Asked) -> bool:
    return number <= FIRST or asked.login is not None or asked.method != "GET"


def _written(path: Path, exchanges: int) -> None:
    """By the writer."""
    writer = CassetteWriter(path, RedactionRules.default(), upstream=ORIGIN)
    try:
        for number, asked in _numbered(exchanges):
            if _is_written(number, asked):
                writer.add(asked.exchange(_moment(number)), number=number)
    finally:
        writer.close()


def _added(connection: Connection, mentions: MentionWriter, group: Sequence[tuple[int, _Asked]]) -> None:
    pending = Pending(connection)
    for number, asked in group:
        exchange = asked.exchange(_moment(number))
        request, response, timing = exchange.request, exchange.response, exchange.timing
        assert response is not None
        keys, body = keys_of(request.method, request.target, request.headers, EMPTY_DIGEST), read(response.body)
        values = {
            "state": exchange.state,
            "method": request.method,
            "scheme": request.scheme,
            "authority": request.authority,
            "target": request.target,
            "http_version": request.http_version,
            "request_headers": request.headers,
            "status": response.status,
            "reason": response.reason,
            "response_http_version": response.http_version,
            "response_headers": response.headers,
            "response_body": pending.bodies.whole(hashlib.sha256(body).digest(), len(body), body),
            "started_at": timing.started,
            "sent_at": timing.sent,
            "answering_at": timing.answering,
            "answered_at": timing.answered,
            "exact_key": keys.exact,
            "telling_key": keys.telling,
            "path": keys.folded_path,
            "meaning": keys.meaning.rest,
            "window": keys.meaning.window,
        }
        pending.exchanges.add(values, number)
        assert timing.answered is not None
        value = value_of(response.status, body, media_type(response.headers))
        mentions.note(number, timing.answered, request, None, body, objects_in(value))
    pending.flush()
    mentions.flush()
    shown = {video for _, asked in group for video in asked.videos}
    if shown:
        rows = [{"kind": "video", "number": video, "uuid": uuid(video)} for video in sorted(shown)]
        connection.execute(insert_new(resources), rows)


def uuid(number: int, kind: str = "video") -> str:
    """Of the video with that number, or of something else."""
    text = hashlib.sha256(f"{kind} {number}".encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def token(login: int) -> str:
    """The access token that the login with that number gave out."""
    return hashlib.sha256(f"access {login}".encode()).hexdigest()[:40]


def user(number: int) -> str:
    return f"user{number % USERS}"


def thumbnail(number: int) -> str:
    return f"/lazy-static/thumbnails/{uuid(number, 'thumbnail')}.jpg"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, and what answers it: a value is sent as JSON, octets as a picture, None without a body."""

    target: str
    answer: Callable[[], Any]
    method: str = "GET"
    body: bytes = b""
    kind: str = "application/json"
    login: int | None = None  # who asks; None: a visitor
    videos: Sequence[int] = ()  # that are shown

    def exchange(self, at: float) -> Exchange:
        headers = Headers(BROWSER)
        if self.login is not None:
            headers = headers.added("Authorization", f"Bearer {token(self.login)}")
        if self.body:
            headers = headers.added("Content-Length", str(len(self.body))).added("Content-Type", self.kind)
        request = RecordedRequest(
            self.method, self.target, "https", HOST, "HTTP/1.1", headers, BytesBody(self.body) if self.body else EMPTY
        )
        return Exchange(request, self._response(at), Timing(at, at + 0.001, at + 0.02, at + 0.03))

    def _response(self, at: float) -> RecordedResponse:
        answer = self.answer()
        date = ("Date", format_datetime(datetime.fromtimestamp(int(at), UTC), usegmt=True))
        kept = (("Connection", "keep-alive"), ("Keep-Alive", "timeout=5"))
        if answer is None:
            pairs = (*_ROUTERS, *_counted(at), date, *kept)
            return RecordedResponse(204, "No Content", "HTTP/1.1", Headers(pairs))
        is_picture = isinstance(answer, bytes)
        body = answer if is_picture else json.dumps(answer, separators=(",", ":")).encode()
        kind = "image/jpeg" if is_picture else "application/json; charset=utf-8"
        content = (("Content-Type", kind), ("Content-Length", str(len(body))), ("ETag", express_etag(body)))
        counted = (("Cache-Control", "public, max-age=172800"),) if is_picture else _counted(at)
        headers = Headers((*_ROUTERS, *counted, date, *content, *kept))
        return RecordedResponse(200, "OK", "HTTP/1.1", headers, BytesBody(body))


def _counted(at: float) -> tuple[tuple[str, str], ...]:
    """The headers of a limit of 50 in 10 seconds."""
    return (
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "Retry-After"),
        ("X-RateLimit-Limit", "50"),
        ("X-RateLimit-Remaining", str(49 - int(at / APART) % 50)),
        ("X-RateLimit-Reset", str(int(at) // 10 * 10 + 10)),
    )


def _asked() -> Iterator[_Asked]:
    patterns = _patterns()
    yield _Asked("/api/v1/config", lambda: patterns.config)
    yield _Asked("/api/v1/oauth-clients/local", lambda: CLIENT)
    first = 1
    while True:
        page = first // PAGE
        if page % ROUNDS_OF_A_LOGIN == 0:
            yield from _of_user(page // ROUNDS_OF_A_LOGIN, first, patterns)
        numbers = range(first, first + PAGE)
        target = f"/api/v1/videos?start={first - 1}&count={PAGE}&sort=-publishedAt"
        yield _Asked(target, partial(patterns.page, numbers), videos=numbers)
        for number in numbers:
            yield _Asked(f"/api/v1/videos/{uuid(number)}", partial(patterns.video, number), videos=(number,))
            yield _Asked(thumbnail(number), partial(_picture, number))
            target = f"/api/v1/videos/{uuid(number)}/comment-threads?start=0&count=10&sort=-createdAt"
            yield _Asked(target, partial(patterns.comments, number))
        first += PAGE


def _of_user(login: int, video: int, patterns: _Patterns) -> Iterator[_Asked]:
    """A user logs in, looks around and writes."""
    form = {**CLIENT, "grant_type": "password", "response_type": "code", "username": user(login), "password": PASSWORD}
    issued = {
        "token_type": "Bearer",
        "access_token": token(login),
        "refresh_token": hashlib.sha256(f"refresh {login}".encode()).hexdigest()[:40],
        "expires_in": 86399,
        "refresh_token_expires_in": 1209599,
    }
    kind = "application/x-www-form-urlencoded"
    yield _Asked("/api/v1/users/token", lambda: issued, "POST", urlencode(form).encode(), kind)
    yield _Asked("/api/v1/users/me", partial(patterns.me, login), login=login)
    target = f"/api/v1/video-channels/channel{login % USERS}/videos?start={login // USERS * 5}&count=5"
    of_channel = range(video, video + 5 * USERS, USERS)
    yield _Asked(target, partial(patterns.page, of_channel), videos=of_channel)
    rating = json.dumps({"rating": "like"}).encode()
    yield _Asked(f"/api/v1/videos/{uuid(video)}/rate", lambda: None, "PUT", rating, login=login)
    yield _Asked(f"/api/v1/videos/{uuid(video)}", partial(patterns.video, video, likes=1), login=login)
    text = f"What user {login} thinks of {uuid(video)}"
    body = json.dumps({"text": text}).encode()
    written = partial(patterns.written, video, text, login)
    yield _Asked(f"/api/v1/videos/{uuid(video)}/comment-threads", written, "POST", body, login=login)


@cache
def _of_demo(path: str, query: str = "") -> Any:
    """What the demo's first success at that path answered."""
    cassette = Cassette(demo.path(), "demo")
    try:
        for found in cassette.by_path([path]):
            response = cassette.exchange(found.id).response
            if found.status == 200 and found.method == "GET" and query in found.query and response is not None:
                return json.loads(whole_text(response.headers, response.body, 1 << 20) or b"")
    finally:
        cassette.close()
    raise LookupError(path)


def _here(value: Any) -> Any:
    """With the address of the made-up instance."""
    text = json.dumps(value).replace("http://127.0.0.1:9100", ORIGIN).replace("ws://127.0.0.1:9100", f"wss://{HOST}")
    return json.loads(text.replace("127.0.0.1:9100", HOST))


class _Patterns:
    """Objects of the demo, of which others are made."""

    def __init__(self) -> None:
        video = "23febe54-7704-4ef9-8bbc-0d205abb6ec2"
        self.config = _here(_of_demo("/api/v1/config"))
        self._listed = _here(_of_demo("/api/v1/videos")["data"][0])
        self._video = _here(_of_demo(f"/api/v1/videos/{video}"))
        self._comment = _here(_of_demo(f"/api/v1/videos/{video}/comment-threads")["data"][0])
        self._me = _here(_of_demo("/api/v1/users/me"))

    def listed(self, number: int) -> dict[str, Any]:
        """A video as lists show it."""
        return self._named(self._listed, number)

    def video(self, number: int, likes: int = 0) -> dict[str, Any]:
        text = json.dumps(self._video).replace(self._video["uuid"], uuid(number))
        text = text.replace(self._video["shortUUID"], short_uuid(uuid(number)))
        return {**self._named(json.loads(text), number), "likes": likes, "description": f"Number {number}"}

    def page(self, numbers: Sequence[int]) -> dict[str, Any]:
        """Of a list of videos."""
        return {"total": 10_000_000, "data": [self.listed(number) for number in numbers]}

    def comments(self, video: int) -> dict[str, Any]:
        found = [self.comment(video, place) for place in range(video % 4)]
        return {"total": len(found), "totalNotDeletedComments": len(found), "data": found}

    def written(self, video: int, text: str, author: int) -> dict[str, Any]:
        return {"comment": self.comment(video, 9, text, author=author)}

    def comment(self, video: int, place: int, text: str | None = None, author: int | None = None) -> dict[str, Any]:
        """The one at that place, from 0 to 9."""
        number = video * 10 + place
        account = self._account(self._comment["account"], place if author is None else author)
        address = f"{ORIGIN}/videos/watch/{uuid(video)}/comments/{number}"
        said = text or f"Comment {place} on {uuid(video)}"
        ids = {"id": number, "threadId": number, "videoId": video, "url": address}
        return {**self._comment, **ids, "text": said, "account": account}

    def me(self, login: int) -> dict[str, Any]:
        number = login % USERS
        account = self._account(self._me["account"], number)
        channel = self._channel(self._me["videoChannels"][0], number)
        named = {"id": number + 1, "username": user(number), "email": f"{user(number)}@{HOST}"}
        return {**self._me, **named, "account": {**account, "userId": number + 1}, "videoChannels": [channel]}

    def _named(self, pattern: dict[str, Any], number: int) -> dict[str, Any]:
        made = {
            **pattern,
            "id": number,
            "uuid": uuid(number),
            "shortUUID": short_uuid(uuid(number)),
            "url": f"{ORIGIN}/videos/watch/{uuid(number)}",
            "name": f"Video number {number}",
            "thumbnailPath": thumbnail(number),
            "previewPath": f"/lazy-static/previews/{uuid(number, 'preview')}.jpg",
            "embedPath": f"/videos/embed/{uuid(number)}",
            "views": number % 997,
        }
        made["account"] = self._account(pattern["account"], number)
        made["channel"] = self._channel(pattern["channel"], number)
        return made

    @staticmethod
    def _account(pattern: dict[str, Any], number: int) -> dict[str, Any]:
        name, known = user(number), deepcopy(pattern)
        return {
            **known,
            "id": number % USERS + 1,
            "name": name,
            "url": f"{ORIGIN}/accounts/{name}",
            "displayName": name,
        }

    @staticmethod
    def _channel(pattern: dict[str, Any], number: int) -> dict[str, Any]:
        name = f"channel{number % USERS}"
        address = f"{ORIGIN}/video-channels/{name}"
        return {**pattern, "id": number % USERS + 1, "name": name, "displayName": name, "url": address}


@cache
def _patterns() -> _Patterns:
    return _Patterns()


@cache
def _small_picture() -> bytes:
    """A JPEG of the demo."""
    cassette = Cassette(demo.path(), "demo")
    try:
        pictures = (
            exchange.response.body
            for exchange in cassette.exchanges()
            if exchange.response and exchange.response.headers.get("content-type") == "image/jpeg"
            if exchange.response.status == 200 and exchange.request.method == "GET"
        )
        return read(min(pictures, key=lambda body: body.size))
    finally:
        cassette.close()


def _picture(number: int) -> bytes:
    """The smallest of the demo, cut, with a comment (JPEG's segment COM) that makes every one another."""
    said = hashlib.sha256(f"picture {number}".encode()).digest() * 8
    return b"\xff\xd8\xff\xfe" + (len(said) + 2).to_bytes(2) + said + _small_picture()[2:1024]


def main() -> int:
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal():
        print(__doc__, file=sys.stderr)
        return 2
    path, exchanges = Path(sys.argv[1]), int(sys.argv[2])
    if path.exists():
        print(f"{path} is there already.", file=sys.stderr)
        return 2
    begin = time.monotonic()
    grow(path, exchanges)
    took = time.monotonic() - begin
    print(f"{path}: {exchanges} exchanges, {path.stat().st_size / 1e6:.1f} MB, in {took:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
