"""`peertape cassette show`: an exchange as HTTP messages."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from support import samples

from peertape.cassettes.model import Closing

Run = Callable[..., Result]


def test_request_and_response(tape: Path, run: Run) -> None:
    result = run("show", tape, samples.ME)
    assert (result.exit_code, result.stderr) == (0, "")
    about, request, response, body = result.stdout.split("\n\n")
    assert about.splitlines()[:2] == [
        "# exchange 2, complete",
        "# recorded 2023-11-14T22:13:22.000Z; sent +0.001 s; first octet +0.250 s; last octet +0.500 s",
    ]
    assert "# identity alice (credential " in about
    assert "# instance https://tube.example" in about
    assert "path /api/v1/users/me" in about
    lines = request.splitlines()
    assert lines[:2] == ["GET /api/v1/users/me HTTP/1.1", "Host: tube.example"]
    assert lines[2].startswith("Authorization: Bearer ")
    assert samples.ACCESS not in result.stdout
    assert response.splitlines() == ["HTTP/1.1 200 Fine", f"Content-Type: {samples.JSON}"]
    assert body.startswith('{\n  "id": 3,\n  "username": "alice",')


def test_only_one_side(tape: Path, run: Run) -> None:
    request = run("show", tape, samples.LOGIN, "--request").stdout
    response = run("show", tape, samples.LOGIN, "--response").stdout
    assert request.startswith("POST /api/v1/users/token HTTP/1.1\n")
    assert "grant_type=password&username=alice&password=" in request
    assert "HTTP/1.1 200" not in request
    assert response.startswith("HTTP/1.1 200 Fine\n")
    assert "POST" not in response
    assert run("show", tape, samples.LOGIN, "--response", "--request").exit_code == 2


def test_a_compressed_body_is_shown_decoded(tape: Path, run: Run) -> None:
    assert '"name": "Čas"' in run("show", tape, samples.VIDEOS).stdout


def test_a_binary_body_is_summed_up(tape: Path, run: Run) -> None:
    digest = hashlib.sha256(samples.PICTURE).hexdigest()
    last = run("show", tape, samples.IMAGE).stdout.splitlines()[-1]
    assert last == f"# 10.2 kB of image/jpeg, sha-256 {digest}; --body writes them"


def test_what_is_not_complete(tape: Path, run: Run) -> None:
    cut, failed = run("show", tape, samples.CUT).stdout, run("show", tape, samples.FAILED).stdout
    assert cut.startswith("# exchange 6, cut: reset\n")
    assert failed.startswith("# exchange 7, failed: connection refused\n")
    assert failed.endswith("# no response: connection refused\n")
    assert run("show", tape, samples.FAILED, "--body").exit_code == 2


def test_messages(tape: Path, run: Run) -> None:
    *_, title, text, binary = run("show", tape, samples.SOCKET).stdout.splitlines()
    assert title == "# 2 WebSocket messages (> from the client)"
    assert text.startswith('> +0.500 s 40{"token":"')
    assert samples.ACCESS not in text
    assert binary.startswith("< +0.600 s 2 octets of binary data, sha-256 ")


@pytest.mark.parametrize(
    ("closing", "told"),
    [
        (Closing(samples.EPOCH + 9, from_client=True, code=1005), "# closed by the client +8.000 s without a code"),
        (
            Closing(samples.EPOCH + 9, from_client=False, code=4001, reason="enough"),
            "# closed by the instance +8.000 s with 4001: enough",
        ),
    ],
)
def test_how_a_socket_was_closed(tmp_path: Path, run: Run, closing: Closing, told: str) -> None:
    tape = samples.record(tmp_path / "one.cassette", [samples.made(1, "GET", "/tracker/socket", 101, closing=closing)])
    assert run("show", tape, 1).stdout.splitlines()[-1] == told


def test_the_body_alone_as_it_was_transferred(tape: Path, run: Run) -> None:
    result = run("show", tape, samples.IMAGE, "--body")
    assert (result.exit_code, result.stderr, result.stdout_bytes) == (0, "", samples.PICTURE)
    packed = run("show", tape, samples.VIDEOS, "--body").stdout_bytes
    assert "Čas" in gzip.decompress(packed).decode()
    assert run("show", tape, samples.LOGIN, "--body", "--request").stdout.startswith("client_id=")


def test_an_unknown_id(tape: Path, run: Run) -> None:
    result = run("show", tape, 11)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: There is no exchange 11 in {tape};")


def test_control_sequences_do_not_reach_a_terminal(tmp_path: Path, run: Run) -> None:
    exchange = samples.made(1, "GET", "/", 200, b"\x1b]0;owned\x07", {"Content-Type": "text/plain", "X": "\x1b["})
    shown = run("show", samples.record(tmp_path / "odd.cassette", [exchange]), 1).stdout
    assert "\x1b" not in shown
    assert "X: \\x1b[" in shown
