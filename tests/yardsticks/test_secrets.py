"""After an import of real sessions, none of their secrets can be found on the disk, and everything still works."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import pytest
import zstandard
from support.process import PROGRAM

from peertape.cassettes.bodies import read
from peertape.cassettes.codings import codings_of, decode
from peertape.cassettes.headers import media_type
from peertape.cassettes.model import Exchange

SHARED = Path(__file__).parents[2].parent / "shared"
RECORDINGS = [
    SHARED / "recordings" / f"{name}.mitm" for name in ("user-session", "media-playback", "remaining-operations")
]

pytestmark = pytest.mark.skipif(
    not RECORDINGS[0].exists(), reason="the recordings lie beside the project's workplace only"
)

# The design's list, spelled out here once more: the test must not take it from the code that it tests.
MEMBERS = frozenset(
    (
        *("access_token", "refresh_token", "client_id", "client_secret", "token", "videoFileToken", "password"),
        *("currentPassword", "newPassword", "streamKey", "rtmpUrl", "rtmpsUrl", "feedToken", "runnerToken", "jobToken"),
        *("registrationToken", "requestToken", "secret", "uri"),
    )
)
QUERIES = ("token", "accessToken", "videoFileToken", "client_secret", "secret")
IN_URL = re.compile(rf"[?&](?:{'|'.join(QUERIES)})=([^&\"'\s<\\]+)")
SHORTEST = 8  # shorter texts are found by chance
# `grant_type=password`, a handle in `uri`, and the UUID of nothing, which names unknown files in paths too.
PUBLIC = re.compile(r"password|[\w.-]+@[\w.:-]+|[048-]+")


def exchanges() -> Iterator[Exchange]:
    formats = pytest.importorskip("peertape.cassettes.interchange.formats")
    for path in RECORDINGS:
        yield from formats.read(path)


def secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name in MEMBERS and isinstance(member, str):
                yield member
            elif name == "passwords" and isinstance(member, list):
                yield from (text for text in member if isinstance(text, str))
            else:
                yield from secrets_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from secrets_in(member)


def secrets_of(exchange: Exchange) -> Iterator[str]:
    request, response = exchange.request, exchange.response
    yield from IN_URL.findall(request.target)
    for name, value in request.headers:
        match name.lower():
            case "authorization" if value.startswith("Basic "):
                yield base64.b64decode(value[6:]).decode().partition(":")[2]
            case "authorization":
                yield value.partition(" ")[2]
            case "x-peertube-video-password" | "x-peertube-otp" | "cookie":
                yield value
    yield from secrets_in_body(media_type(request.headers), read(request.body))
    if response is not None:
        undone = decode(read(response.body), codings_of(response.headers), 1 << 26)
        body = undone.octets if undone else b""
        yield from secrets_in_body(media_type(response.headers), body)


def secrets_in_body(kind: str, body: bytes) -> Iterator[str]:
    if kind == "application/x-www-form-urlencoded":
        yield from (value for name, value in parse_qsl(body.decode()) if name in MEMBERS)
    elif kind.startswith("multipart/"):
        yield from (
            text.decode() for text in re.findall(rb'name="(?:password|videoPasswords\[\d+\])"\r\n\r\n([^\r]+)', body)
        )
    elif kind.startswith(("text/", "application/")) and "octet" not in kind:
        text = body.decode("utf-8", "replace")
        yield from map(unquote, IN_URL.findall(text))
        if "json" in kind:
            try:
                yield from secrets_in(json.loads(text))
            except ValueError:
                return


@pytest.fixture(scope="module")
def secrets() -> set[str]:
    found = {text for exchange in exchanges() for text in secrets_of(exchange)}
    return {text for text in found if len(text) >= SHORTEST and not PUBLIC.fullmatch(text)}


def everything(cassette: Path, export: Path) -> Iterator[tuple[str, bytes]]:
    for path in (cassette, cassette.with_name(cassette.name + "-wal"), export):
        if path.exists():
            yield path.name, path.read_bytes()
    connection = sqlite3.connect(cassette)
    for number, coding, data in connection.execute("SELECT body_id, coding, data FROM chunks"):
        yield f"body {number}", zstandard.decompress(data) if coding == "zstd" else data
    connection.close()


def test_no_secret_reaches_the_disk(tmp_path: Path, secrets: set[str]) -> None:
    assert len(secrets) > 40
    cassette, export = tmp_path / "c.cassette", tmp_path / "c.mitm"
    subprocess.run([PROGRAM, "cassette", "import", cassette, *RECORDINGS], check=True, capture_output=True)
    subprocess.run([PROGRAM, "cassette", "export", cassette, export], check=True, capture_output=True)
    found = {(place, text) for place, data in everything(cassette, export) for text in secrets if text.encode() in data}
    assert not found


def test_the_login_still_replays(tmp_path: Path, peertape: Callable[..., Any]) -> None:
    cassette = tmp_path / "c.cassette"
    subprocess.run([PROGRAM, "cassette", "import", cassette, RECORDINGS[0]], check=True, capture_output=True)
    login = next(e for e in exchanges() if e.request.target == "/api/v1/users/token")
    form = read(login.request.body)
    recorded_token = json.loads(read(login.response.body))["access_token"] if login.response else ""
    replay = peertape("replay", cassette)
    kind = "Content-Type: application/x-www-form-urlencoded"
    wrong = urlencode(dict(parse_qsl(form.decode())) | {"password": "wrong-password"}).encode()
    refused, document = replay.ask(f"POST /api/v1/users/token\n{kind}", wrong)
    assert refused.status >= 400
    assert b"access_token" not in document
    granted, document = replay.ask(f"POST /api/v1/users/token\n{kind}", form)
    token = json.loads(document)["access_token"]
    assert (granted.status, len(token)) == (200, len(recorded_token))
    assert token != recorded_token
    for presented in (token, recorded_token):
        me, _ = replay.ask(f"GET /api/v1/users/me\nAuthorization: Bearer {presented}")
        assert me.status == 200
