"""A recorded upload in two pieces, and a client that uploads again, in pieces of its own."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from peertape.cassettes.bodies import read
from peertape.cassettes.headers import Headers
from peertape.config.settings import Settings
from peertape.proxy.cli import assembly
from peertape.proxy.control.actions import Actions
from peertape.proxy.engine.chain import Engine
from peertape.proxy.engine.model import Answer, Passed, Request
from peertape.proxy.engine.session import Sessions
from peertape.proxy.engine.twin.asking import fnv1a
from tests.proxy.engine.conftest import INSTANCE, Tape

ROUTE = "/api/v1/videos/upload-resumable"
TOKEN, USER = "alices-token", 7
FILE = b"\x00\x00\x00 ftypisom" + random.Random(4).randbytes(9000)
SIZE, HALF = len(FILE), 4000
DETAILS = {"filename": "bars.mp4", "name": "Bars", "channelId": 3}
ID = f"{fnv1a(str(USER))}-1-2-3"
VIDEO = {"video": {"id": 33, "shortUUID": "jejR1jQFNxqP5d4tBritiP", "uuid": "93a0c74a-eba3-41ae-9e73-b3446ac5072d"}}
NOTHING = {"error": {"code": "FileNotFound", "message": "Not found"}}


@dataclass
class Client:
    """Uploads FILE; what it asks goes to the upload that it began last."""

    engine: Engine
    sessions: Sessions
    session: str = "default"
    path: str = ""
    answers: list[Answer] = field(default_factory=list)

    def ask(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        return self._asked(Request(method, target, self._headers(headers or {}, len(body)), body))

    def begin(self, details: dict[str, Any] | None = None, size: int = SIZE) -> Answer:
        said = {"X-Upload-Content-Length": str(size), "X-Upload-Content-Type": "video/mp4"}
        body = json.dumps(DETAILS if details is None else details).encode()
        answer = self.ask("POST", ROUTE, {**said, "Content-Type": "application/json"}, body)
        if location := answer.headers.get("location"):
            place = urlsplit(location)
            self.path = f"{place.path}?{place.query}"
        return answer

    def put(self, start: int, stop: int, file: bytes = FILE) -> Answer:
        return self.ask("PUT", self.path, _range(start, stop, len(file)), file[start:stop])

    def cut(self, start: int, stop: int, came: int) -> Answer:
        """The connection ends when `came` octets of the piece are there."""
        headers = self._headers(_range(start, stop, SIZE), stop - start)
        passed = Passed(came, hashlib.sha256(FILE[start : start + came]).digest(), is_cut=True)
        return self._asked(Request("PUT", self.path, headers, passed=passed))

    def state(self) -> Answer:
        return self.ask("PUT", self.path, {"Content-Range": f"bytes */{SIZE}"})

    def cancel(self) -> Answer:
        return self.ask("DELETE", self.path)

    def _asked(self, request: Request) -> Answer:
        self.answers.append(self.engine.answer(request, self.sessions.get(self.session)))
        return self.answers[-1]

    @staticmethod
    def _headers(headers: dict[str, str], length: int) -> Headers:
        known = {"Host": INSTANCE, "Authorization": f"Bearer {TOKEN}", "Content-Length": str(length)}
        return Headers.of({**known, **headers}.items())


def _range(start: int, stop: int, size: int) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-{stop - 1}/{size}", "Content-Type": "application/octet-stream"}


def source(answer: Answer) -> str:
    return answer.source_text.removeprefix("emulated; rules=6.3").strip("; ") or "emulated"


def value(answer: Answer) -> Any:
    return json.loads(read(answer.body))


def head(*more: tuple[str, str], exposed: str = "") -> tuple[tuple[str, str], ...]:
    """Of an answer of PeerTube's."""
    return (
        ("x-powered-by", "PeerTube"),
        ("X-Frame-Options", "DENY"),
        ("Tk", "N"),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", f"Retry-After{exposed}"),
        ("X-RateLimit-Limit", "50"),
        ("X-RateLimit-Remaining", "20"),
        ("Date", "Mon, 23 Nov 2026 07:50:30 GMT"),
        ("X-RateLimit-Reset", "1795420234"),
        *more,
    )


@pytest.fixture
def upload(tape: Tape) -> Tape:
    """The tape with alice, and her upload."""
    tape.login("alice", TOKEN)
    tape.add("GET", "/api/v1/users/me", {"id": USER, "username": "alice", "role": {"id": 2}}, token=TOKEN)
    record_upload(tape)
    return tape


def record_upload(tape: Tape, token: str = TOKEN, *, outcome: bool = True) -> None:
    place = f"{ROUTE}?upload_id={ID}"
    tape.add(
        "POST",
        ROUTE,
        b"",
        201,
        token=token,
        body=DETAILS,
        headers=(("X-Upload-Content-Length", str(SIZE)), ("X-Upload-Content-Type", "video/mp4")),
        response_headers=head(("Location", f"//{INSTANCE}{place}"), exposed=",Location"),
    )
    for start, stop in ((0, HALF), (HALF, SIZE)) if outcome else ((0, HALF),):
        done = stop == SIZE
        told = ("Content-Type", "application/json; charset=utf-8") if done else ("Range", f"bytes=0-{stop - 1}")
        tape.add(
            "PUT",
            place,
            VIDEO if done else b"",
            200 if done else 308,
            token=token,
            body=FILE[start:stop],
            headers=(*_range(start, stop, SIZE).items(), ("Content-Length", str(stop - start))),
            response_headers=head(told, exposed="" if done else ",Range"),
        )


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    """Of a run that plays tapes; `settings` of that run."""
    with ExitStack() as stack:

        def start(*tapes: Tape, **settings: Any) -> Client:
            chosen = Settings(**{"limits": "off", "strict": None, **settings})
            parts = stack.enter_context(assembly.parts(chosen, [tape.cassette() for tape in tapes]))
            actions = Actions("replay", parts.shelf, parts.sessions, parts.tally)
            return Client(Engine(parts.replay_stages(lambda: actions)), parts.sessions)

        yield start
