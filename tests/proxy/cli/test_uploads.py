"""Uploads on the wire: connections that end within a piece, pieces too big to be held or of no known length."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.process import PROGRAM, Peertape, wait_for
from support.tube import Tube
from support.wire import Head, Wire

from tests.proxy.engine.conftest import Tape
from tests.proxy.engine.uploads.conftest import DETAILS, FILE, HALF, ID, ROUTE, SIZE, TOKEN, VIDEO, record_upload

BIG = 20 * 1024 * 1024
PIECE = 256 * 1024
ABORTED = "499"


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    tape = Tape(tmp_path / "upload.cassette")
    tape.login("alice", TOKEN)
    tape.add("GET", "/api/v1/users/me", {"id": 7, "username": "alice", "role": {"id": 2}}, token=TOKEN)
    record_upload(tape)
    tape.cassette().close()
    return tape.path


@pytest.fixture
def tube() -> Iterator[Tube]:
    tube = Tube()
    yield tube
    tube.die()


def begin(run: Peertape) -> None:
    request = f"POST {ROUTE}\nAuthorization: Bearer {TOKEN}\nContent-Type: application/json"
    request += f"\nX-Upload-Content-Length: {SIZE}\nX-Upload-Content-Type: video/mp4"
    head, _ = run.ask(request, json.dumps(DETAILS).encode())
    assert (head.get("location") or "").endswith(ID)


def put(run: Peertape, told: str, body: bytes = b"") -> tuple[Head, bytes]:
    request = f"PUT {ROUTE}?upload_id={ID}\nAuthorization: Bearer {TOKEN}\nContent-Range: {told}"
    return run.ask(f"{request}\nContent-Type: application/octet-stream", body)


def start(run: Peertape, told: str, *framing: str) -> Wire:
    """A PUT of which only the head is sent."""
    wire = run.connect()
    fields = [f"Host: {run.host}:{run.port}", f"Authorization: Bearer {TOKEN}", f"Content-Range: {told}", *framing]
    lines = [f"PUT {ROUTE}?upload_id={ID} HTTP/1.1", *fields, "Content-Type: application/octet-stream", "", ""]
    wire.send("\r\n".join(lines))
    return wire


@pytest.mark.parametrize("lane", ["replay", "serve"])
def test_cut_in_the_middle_of_a_piece_and_resumed(peertape: Callable[..., Peertape], cassette: Path, lane: str) -> None:
    run = peertape(lane, cassette, "--limits", "off")
    begin(run)
    assert put(run, f"bytes 0-{HALF - 1}/{SIZE}", FILE[:HALF])[0].get("range") == f"bytes=0-{HALF - 1}"
    wire = start(run, f"bytes {HALF}-{SIZE - 1}/{SIZE}", f"Content-Length: {SIZE - HALF}")
    wire.send(FILE[HALF : HALF + 1000])
    wire.close()
    assert wait_for(lambda: ABORTED in run.ask("GET /__peertape__/journal")[1].decode())
    come = int((put(run, f"bytes */{SIZE}")[0].get("range") or "").removeprefix("bytes=0-")) + 1
    # mitmproxy may learn that the client has left before it has looked at all that came.
    assert come == HALF + 1000 or (lane == "replay" and HALF <= come < HALF + 1000)
    head, body = put(run, f"bytes {come}-{SIZE - 1}/{SIZE}", FILE[come:])
    assert (head.status, json.loads(body)) == (200, VIDEO)
    assert run.stop() == 0, run.said


@pytest.mark.parametrize("lane", ["replay", "serve"])
def test_a_piece_without_a_body_is_whole(peertape: Callable[..., Peertape], tmp_path: Path, lane: str) -> None:
    """It asks how far the upload has come, as it was recorded: nothing of it is still to come."""
    tape = Tape(tmp_path / "asked.cassette")
    tape.login("alice", TOKEN)
    record_upload(tape)
    asks = (("Content-Range", f"bytes */{SIZE}"), ("Content-Length", "0"), ("Content-Type", "application/octet-stream"))
    come = (("Range", f"bytes=0-{HALF - 1}"),)
    tape.add("PUT", f"{ROUTE}?upload_id={ID}", b"", 308, token=TOKEN, headers=asks, response_headers=come)
    tape.cassette().close()
    run = peertape(lane, tape.path, "--limits", "off")
    begin(run)
    put(run, f"bytes 0-{HALF - 1}/{SIZE}", FILE[:HALF])
    wire = start(run, f"bytes */{SIZE}", "Content-Length: 0")
    head, _ = wire.message()
    assert (head.status, head.get("peertape-source")) == (308, "recorded; exchange=5")


@pytest.mark.parametrize("lane", ["replay", "serve"])
def test_a_piece_of_no_known_length(peertape: Callable[..., Peertape], cassette: Path, lane: str) -> None:
    run = peertape(lane, cassette, "--limits", "off")
    begin(run)
    wire = start(run, f"bytes 0-{SIZE - 1}/{SIZE}", "Transfer-Encoding: chunked")
    for at in range(0, SIZE, 1000):
        octets = FILE[at : at + 1000]
        wire.send(b"%x\r\n%s\r\n" % (len(octets), octets))
    wire.send("0\r\n\r\n")
    head, body = wire.message()
    assert (head.status, json.loads(body)) == (200, VIDEO)


def test_a_piece_that_is_too_big_to_be_held(peertape: Callable[..., Peertape], cassette: Path) -> None:
    """It is more than there shall be, which only its end tells; what comes meanwhile is not kept."""
    run = peertape("replay", cassette, "--limits", "off")
    begin(run)
    put(run, f"bytes */{SIZE}")
    before = run.memory_peak()
    wire = start(run, f"bytes 0-{SIZE - 1}/{SIZE}", "Transfer-Encoding: chunked")
    chunk = b"%x\r\n%s\r\n" % (PIECE, bytes(PIECE))
    for _ in range(4 * BIG // PIECE):
        wire.send(chunk)
    wire.send("0\r\n\r\n")
    head, body = wire.message()
    assert (head.status, json.loads(body)["error"]["code"]) == (409, "FileConflict")
    assert run.memory_peak() - before < 2 * BIG


def test_a_small_chunked_request_is_read_as_any_other(peertape: Callable[..., Peertape], cassette: Path) -> None:
    run = peertape("replay", cassette, "--limits", "off")
    wire = run.connect()
    body = json.dumps(DETAILS).encode()
    fields = [f"Host: {run.host}:{run.port}", f"Authorization: Bearer {TOKEN}", "Content-Type: application/json"]
    fields += [f"X-Upload-Content-Length: {SIZE}", "X-Upload-Content-Type: video/mp4", "Transfer-Encoding: chunked"]
    wire.send("\r\n".join([f"POST {ROUTE} HTTP/1.1", *fields, "", ""]))
    wire.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    head, _ = wire.message()
    assert (head.status, head.get("peertape-source")) == (201, "recorded; exchange=3")


def test_of_a_big_request_body_only_what_it_was_is_kept(
    peertape: Callable[..., Peertape], tube: Tube, tmp_path: Path
) -> None:
    tube.says(f"PUT {ROUTE}", json.dumps(VIDEO), content_type="application/json")
    cassette = tmp_path / "big.cassette"
    recorder = peertape("record", "--upstream", tube.url, "--cassette", cassette, "--max-request-body", "1M")
    body = bytes(range(256)) * 4096 * 4
    request = f"PUT {ROUTE}?upload_id=1\nContent-Range: bytes 0-{len(body) - 1}/{len(body)}\nContent-Type: video/mp4"
    assert json.loads(recorder.ask(request, body)[1]) == VIDEO
    assert recorder.stop() == 0, recorder.said
    assert cassette.stat().st_size < len(body) / 4
    shown = subprocess.run([PROGRAM, "cassette", "show", cassette, "1"], capture_output=True, text=True, check=True)
    assert f"not kept: 4.2 MB, sha-256 {hashlib.sha256(body).hexdigest()}" in shown.stdout
    for name in ("out.har", "out.mitm"):
        subprocess.run([PROGRAM, "cassette", "export", cassette, tmp_path / name], check=True, capture_output=True)
    har = json.loads((tmp_path / "out.har").read_text("utf-8"))
    assert har["log"]["entries"][0]["request"]["postData"]["comment"].startswith(f"not kept: {len(body)} octets")
    subprocess.run([PROGRAM, "cassette", "audit", cassette], check=True, capture_output=True)
    copy = tmp_path / "copy.cassette"
    subprocess.run([PROGRAM, "cassette", "import", copy, tmp_path / "out.mitm"], check=True, capture_output=True)
    replay = peertape("replay", copy, "--on-miss", "error")
    assert json.loads(replay.ask(request, body)[1]) == VIDEO
    assert replay.ask(request, body[:-1] + b"x")[0].status == 501
