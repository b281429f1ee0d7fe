"""`peertape replay` as its users run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.process import PROGRAM

from peertape.cassettes.bodies import BytesBody
from peertape.cassettes.headers import Headers
from peertape.cassettes.model import Exchange, RecordedRequest, RecordedResponse, Timing
from peertape.cassettes.redaction.rules import RedactionRules
from peertape.cassettes.writer import CassetteWriter

BIG = bytes(range(256)) * 4 * 4096  # 4 MiB: more than mitmproxy may hold
ASK = "import os, sys, urllib.request as u; print(u.urlopen(os.environ['PEERTAPE_URL'] + sys.argv[1]).read()[:20])"


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    path = tmp_path / "c.cassette"
    writer = CassetteWriter(path, RedactionRules.default(), upstream="https://tube.example")
    for number, (target, kind, content) in enumerate(
        [
            ("/api/v1/ping", "text/html; charset=utf-8", b"pong"),
            ("/static/web-videos/big.mp4", "video/mp4", BIG),
            ("/api/v1/never", "application/json", b"{}"),
        ]
    ):
        request = RecordedRequest(
            "GET", target, "https", "tube.example", "HTTP/1.1", Headers((("Host", "tube.example"), ("Accept", "*/*")))
        )
        headers = Headers(
            (
                ("x-powered-by", "PeerTube"),
                ("Accept-Ranges", "bytes"),
                ("Content-Type", kind),
                ("Content-Length", str(len(content))),
            )
        )
        response = RecordedResponse(200, "Fine", "HTTP/1.1", headers, BytesBody(content))
        writer.add(Exchange(request, response, Timing(float(number), float(number), float(number), float(number))))
    writer.close()
    return path


def run(folder: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("PEERTAPE_")}
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        cwd=folder,
        env=known | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_answer_with_its_source(peertape: Callable[..., Any], cassette: Path) -> None:
    process = peertape("replay", cassette)
    head, body = process.ask("GET /api/v1/ping\nAccept: */*")
    assert (head.start, body) == ("HTTP/1.1 200 Fine", b"pong")
    assert head.get("x-powered-by") == "PeerTube"
    assert head.get("Peertape-Source") == "recorded; exchange=1"
    missed, problem = process.ask("GET /api/v1/videos")
    assert (missed.status, json.loads(problem)["type"]) == (501, "urn:peertape:miss")
    unknown, nothing = process.ask("GET /api/v1/nothing")
    assert (unknown.status, nothing) == (400, b"")
    assert unknown.get("Peertape-Source") == "emulated; rules=6.3"
    assert process.stop(signal.SIGTERM) == 0
    assert "3 answers: 1 recorded, 1 miss, 1 emulated" in process.said
    assert "c: 1 of 3 recordings used, 2 never" in process.said
    assert "GET /api/v1/videos" in process.said


def test_big_bodies_are_streamed_whole_and_in_ranges(peertape: Callable[..., Any], cassette: Path) -> None:
    process = peertape("replay", cassette)
    head, body = process.ask("GET /static/web-videos/big.mp4\nAccept: */*")
    assert (head.start, head.get("Content-Type"), body == BIG) == ("HTTP/1.1 200 Fine", "video/mp4", True)
    assert "peertape-handoff" not in {name.lower() for name, _ in head.headers}
    part, octets = process.ask(f"GET /static/web-videos/big.mp4\nRange: bytes={len(BIG) - 10}-")
    assert (part.status, octets) == (206, BIG[-10:])
    assert part.get("Content-Range") == f"bytes {len(BIG) - 10}-{len(BIG) - 1}/{len(BIG)}"
    long, most = process.ask("GET /static/web-videos/big.mp4\nRange: bytes=1-")
    assert (long.status, most == BIG[1:]) == (206, True)
    none, nothing = process.ask("HEAD /static/web-videos/big.mp4")
    assert (none.status, none.get("Content-Length"), nothing) == (200, str(len(BIG)), b"")


def test_a_big_upload_is_matched_without_being_held(peertape: Callable[..., Any], cassette: Path) -> None:
    process = peertape("replay", cassette)
    upload = "POST /api/v1/videos/upload\nContent-Type: application/octet-stream"
    head, body = process.ask(upload, b"x" * 20_000_000)
    assert (head.status, json.loads(body)["code"]) == (401, "unauthorized_request")
    assert head.get("Peertape-Source") == "emulated; rules=6.3"


def test_a_command_gets_the_url_and_its_exit_code_counts(tmp_path: Path, cassette: Path) -> None:
    done = run(tmp_path, "replay", cassette, "--listen", "127.0.0.1:0", "--", sys.executable, "-c", ASK, "/api/v1/ping")
    first, *rest = done.stdout.splitlines()
    assert first.startswith("listening on http://127.0.0.1:")
    assert (rest, done.returncode) == (["b'pong'"], 0)
    done = run(
        tmp_path, "replay", cassette, "--listen", "127.0.0.1:0", "--", sys.executable, "-c", "raise SystemExit(7)"
    )
    assert done.returncode == 7
    done = run(tmp_path, "replay", cassette, "--listen", "127.0.0.1:0", "--", "no-such-program-anywhere")
    assert done.returncode == 127
    assert "no-such-program-anywhere cannot be run" in done.stderr


@pytest.mark.parametrize(
    ("strict", "target", "code"),
    [
        (["--strict"], "/api/v1/ping", 0),
        (["--strict=recorded"], "/api/v1/ping", 0),
        (["--strict=derived,live"], "/api/v1/ping", 1),
    ],
)
def test_strict(tmp_path: Path, cassette: Path, strict: list[str], target: str, code: int) -> None:
    ask = [sys.executable, "-c", ASK, target]
    done = run(tmp_path, "replay", cassette, *strict, "--listen", "127.0.0.1:0", "--", *ask)
    assert done.returncode == code, done.stderr
    assert ("not strict" in done.stderr) == (code == 1)


def test_a_miss_breaks_plain_strictness(peertape: Callable[..., Any], cassette: Path) -> None:
    process = peertape("replay", cassette, "--strict")
    process.ask("GET /api/v1/videos")
    assert process.stop() == 1


def test_what_is_emulated_is_no_miss(peertape: Callable[..., Any], cassette: Path) -> None:
    process = peertape("replay", cassette, "--strict")
    process.ask("GET /api/v1/nothing")
    assert process.stop() == 0


def test_the_journal_keeps_every_answer(peertape: Callable[..., Any], cassette: Path, tmp_path: Path) -> None:
    process = peertape("replay", cassette, "--journal", tmp_path / "j.jsonl")
    process.ask("GET /api/v1/ping\nPeertape-Session: a")
    process.ask("GET /api/v1/videos?token=very-secret-token")
    process.ask("GET /api/v1/nothing?token=very-secret-token")
    process.stop()
    lines = [json.loads(line) for line in (tmp_path / "j.jsonl").read_text().splitlines()]
    assert [(line["session"], line["source"], line["status"]) for line in lines] == [
        ("a", "recorded", 200),
        ("default", "miss", 501),
        ("default", "emulated", 400),
    ]
    assert "very-secret-token" not in (tmp_path / "j.jsonl").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.cassette"], "There is no cassette missing.cassette"),
        (["c.cassette", "--listen", "nowhere"], "is no address to listen at"),
        (["c.cassette", "--strict=guessed"], "'guessed' is no source"),
        (["c.cassette", "--repeat", "often"], "Invalid value for '--repeat'"),
        (["c.cassette", "--listen", "192.0.2.1:1"], "Cannot listen at 192.0.2.1:1"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    tmp_path: Path, cassette: Path, arguments: list[str], sentence: str
) -> None:
    assert cassette.exists()
    done = run(tmp_path, "replay", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_options_from_the_file_and_the_environment(tmp_path: Path, cassette: Path) -> None:
    (tmp_path / "peertape.yaml").write_text(f"listen: 127.0.0.1:0\ncassettes: [{cassette}]\nstrict: [live]\n")
    command = ["--", sys.executable, "-c", ASK, "/api/v1/ping"]
    assert run(tmp_path, "replay", *command).returncode == 1
    assert run(tmp_path, "replay", *command, PEERTAPE_STRICT="recorded").returncode == 0
    assert run(tmp_path, "replay", "--strict=live", *command, PEERTAPE_STRICT="recorded").returncode == 1
    (tmp_path / "peertape.yaml").write_text("lissen: 127.0.0.1:0\n")
    done = run(tmp_path, "replay", *command)
    assert (done.returncode, done.stderr) == (2, "Error: there is no option 'lissen'\n")
    (tmp_path / "peertape.yaml").write_text("a: [\n")
    assert "not valid YAML" in run(tmp_path, "replay", *command).stderr


def test_an_address_that_is_taken(peertape: Callable[..., Any], cassette: Path, tmp_path: Path) -> None:
    process = peertape("replay", cassette)
    done = run(tmp_path, "replay", cassette, "--listen", f"127.0.0.1:{process.port}")
    assert done.returncode == 2
    assert "another program listens there" in done.stderr
